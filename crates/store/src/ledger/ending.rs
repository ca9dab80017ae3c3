use std::collections::BTreeSet;

use ledger::Expired;
use vocab::{AccountId, EntryId, HoldId, NanoUsd, Timestamp};

use super::wallets::{Wallets, lock};
use crate::db::{Tx, bulk, sql};
use crate::{Store, StoreError};

pub(super) async fn renew(store: &Store, holds: &[HoldId], until: Timestamp) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    let mut update = bulk(
        "UPDATE ledger_hold SET until = new.column2
         FROM ({rows}) AS new WHERE id = new.column1 AND closed IS NULL AND until < new.column2",
    );
    for hold in holds.iter().collect::<BTreeSet<_>>() {
        update.row().bind(*hold).bind(until);
    }
    update.execute(&mut tx).await?;
    tx.commit().await
}

pub(super) async fn release(store: &Store, hold: HoldId, at: Timestamp) -> Result<NanoUsd, StoreError> {
    let mut tx = store.begin().await?;
    let row = sql("SELECT account FROM ledger_hold WHERE id = $1").bind(hold).fetch_optional(&mut tx).await?;
    let Some(row) = row else { return Ok(NanoUsd::ZERO) };
    let account = row.parsed("account")?;
    let mut wallets = Wallets::of(&mut tx, account, Some(hold)).await?;
    let (released, entry) = wallets.get(account).hold_release(hold, at, EntryId::generate())?;
    wallets.enter(entry);
    wallets.keep(&mut tx).await?;
    tx.commit().await?;
    Ok(released)
}

/// First looks for what may be over, then locks the accounts it belongs to, and then looks again at what is over of it: a
/// hold may have been renewed, or have ended, meanwhile.
pub(super) async fn expire(store: &Store, at: Timestamp, limit: u32) -> Result<Expired, StoreError> {
    let mut tx = store.begin().await?;
    let mut expired = Expired::default();
    let candidates = holds_over(&mut tx, at, limit).await?;
    let mut accounts = accounts_of_credits_over(&mut tx, at, limit).await?;
    accounts.extend(candidates.iter().map(|(_, account)| *account));
    if accounts.is_empty() {
        return Ok(expired);
    }
    let balances = lock(&mut tx, &accounts).await?;
    let holds = holds_still_over(&mut tx, at, &candidates).await?;
    let ids = holds.iter().map(|(hold, _)| *hold).collect();
    let mut wallets = Wallets::read(&mut tx, balances, &ids).await?;
    for (hold, account) in holds {
        let (released, entry) = wallets.get(account).hold_release(hold, at, EntryId::generate())?;
        wallets.enter(entry);
        expired.holds.push((hold, released));
    }

    // Credits that a hold has just given back may be over as well.
    let mut over = Vec::new();
    for account in accounts {
        let credits = wallets.get(account).credits().iter();
        let ended = credits.filter(|credit| credit.left.is_positive() && !credit.is_live(at));
        over.extend(ended.map(|credit| (credit.grant.expires, credit.grant.id, account)));
    }
    over.sort_unstable();
    for (_, grant, account) in over.into_iter().take(limit as usize) {
        let (ended, entry) = wallets.get(account).credits_end(grant, at, EntryId::generate())?;
        wallets.enter(entry);
        expired.grants.push((grant, ended));
    }
    wallets.keep(&mut tx).await?;
    tx.commit().await?;
    Ok(expired)
}

async fn holds_over(tx: &mut Tx, at: Timestamp, limit: u32) -> Result<Vec<(HoldId, AccountId)>, StoreError> {
    let rows = sql("SELECT id, account FROM ledger_hold WHERE closed IS NULL AND until <= $1
         ORDER BY until, id LIMIT $2")
    .bind(at)
    .bind(limit)
    .fetch_all(tx)
    .await?;
    rows.iter().map(|row| Ok((row.parsed("id")?, row.parsed("account")?))).collect()
}

/// Those of `holds` that are over, in the same order. They stay so: a row that is locked is not renewed.
async fn holds_still_over(
    tx: &mut Tx,
    at: Timestamp,
    holds: &[(HoldId, AccountId)],
) -> Result<Vec<(HoldId, AccountId)>, StoreError> {
    if holds.is_empty() {
        return Ok(Vec::new());
    }
    let mut select =
        sql("SELECT id FROM ledger_hold WHERE closed IS NULL AND until <= $1 AND id IN (").bind(at);
    select.push_list(holds.iter().map(|(hold, _)| *hold)).push(") ORDER BY id {for update}");
    let rows = select.fetch_all(tx).await?;
    let over: BTreeSet<HoldId> = rows.iter().map(|row| row.parsed("id")).collect::<Result<_, _>>()?;
    Ok(holds.iter().filter(|(hold, _)| over.contains(hold)).copied().collect())
}

async fn accounts_of_credits_over(
    tx: &mut Tx,
    at: Timestamp,
    limit: u32,
) -> Result<BTreeSet<AccountId>, StoreError> {
    let rows = sql("SELECT account FROM ledger_grant WHERE remaining > 0 AND expires <= $1
         ORDER BY expires, id LIMIT $2")
    .bind(at)
    .bind(limit)
    .fetch_all(tx)
    .await?;
    rows.iter().map(|row| row.parsed("account")).collect()
}
