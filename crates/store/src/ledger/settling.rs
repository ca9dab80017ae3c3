use std::collections::BTreeSet;

use ledger::wallet::by_account;
use ledger::{BookError, MoneyUse, Settled, Settlement};
use vocab::{EntryId, HoldId, NanoUsd};

use super::settled;
use super::wallets::{Wallets, lock};
use crate::db::Tx;
use crate::{Store, StoreError, quota};

pub(super) async fn settle(store: &Store, settlements: &[Settlement]) -> Result<Vec<Settled>, StoreError> {
    let mut tx = store.begin().await?;
    let settled = settle_in(&mut tx, settlements).await?;
    tx.commit().await?;
    Ok(settled)
}

/// Charges ended requests within a transaction: a handful of statements, however many there are. See
/// [`LedgerStore::settle`](ledger::LedgerStore::settle).
///
/// If the transaction was in another's way, all of it must be tried again, see [`in_turn`](super::in_turn).
pub(crate) async fn settle_in(tx: &mut Tx, settlements: &[Settlement]) -> Result<Vec<Settled>, StoreError> {
    if settlements.is_empty() {
        return Ok(Vec::new());
    }
    let costly = settlements.iter().filter(|settlement| charge(settlement).is_some());
    let accounts: BTreeSet<_> = costly.map(|settlement| settlement.account).collect();
    let balances = lock(tx, &accounts).await?;
    let pools = settlements.iter().filter_map(|settlement| settlement.quota.as_ref());
    quota::lock(tx, &pools.map(|quota| quota.pool).collect()).await?;

    // Looked for under the locks, which whoever settled them has given up by now.
    let mut known = settled::known(tx, settlements).await?;
    let new = by_account(settlements, |settlement| known.contains_key(&settlement.request));
    let holds: BTreeSet<HoldId> =
        new.values().flatten().filter_map(|settlement| charge(settlement)?.hold).collect();
    let mut wallets = Wallets::read(tx, balances, &holds).await?;

    let mut rows = Vec::new();
    for (account, settlements) in &new {
        let (settled, entry) = wallets.get(*account).settle(settlements, EntryId::generate())?;
        wallets.enter(entry);
        let used = settlements.iter().map(|settlement| settlement.quota.as_ref());
        rows.extend(settled.into_iter().zip(used));
    }
    wallets.keep(tx).await?;
    settled::insert(tx, &rows).await?;
    let uses: Vec<_> = rows.iter().filter_map(|(_, quota)| *quota).collect();
    quota::count(tx, &uses).await?;

    known.extend(rows.into_iter().map(|(settled, _)| (settled.request.clone(), settled)));
    let answer = |settlement: &Settlement| {
        let settled = known.get(&settlement.request).cloned();
        settled.ok_or_else(|| BookError::Missing(settlement.request.to_string()).into())
    };
    settlements.iter().map(answer).collect()
}

/// What a request takes of the balance, if that is anything.
fn charge(settlement: &Settlement) -> Option<&MoneyUse> {
    settlement.money.as_ref().filter(|money| money.cost > NanoUsd::ZERO)
}
