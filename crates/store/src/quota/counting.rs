use std::collections::{BTreeMap, BTreeSet};

use ledger::{Pool, QuotaUse, Slice, Units, UseSecond};
use vocab::HoldId;

use super::slices;
use crate::StoreError;
use crate::db::{Tx, bulk};

/// Locks pools until the end of the transaction, in their order. Those that are new are made.
pub(crate) async fn lock(tx: &mut Tx, pools: &BTreeSet<Pool>) -> Result<(), StoreError> {
    let found = lock_known(tx, pools).await?;
    let missing: BTreeSet<_> = pools.difference(&found).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut insert = bulk("INSERT INTO quota_pool (pool) {rows} ON CONFLICT DO NOTHING");
    for pool in &missing {
        insert.row().bind(pool.to_string());
    }
    insert.execute(tx).await?;
    lock_known(tx, &missing).await?;
    Ok(())
}

async fn lock_known(tx: &mut Tx, pools: &BTreeSet<Pool>) -> Result<BTreeSet<Pool>, StoreError> {
    let mut select = bulk("SELECT pool FROM quota_pool WHERE pool IN ({rows}) ORDER BY pool {for update}");
    for pool in pools {
        select.row().bind(pool.to_string());
    }
    select.fetch_all(tx).await?.iter().map(|row| row.parsed("pool")).collect()
}

/// Counts the uses of requests that are settled in this transaction. Their pools are locked.
pub(crate) async fn count(tx: &mut Tx, uses: &[&QuotaUse]) -> Result<(), StoreError> {
    let mut seconds = BTreeMap::<_, Units>::new();
    let mut windows = BTreeMap::<_, Units>::new();
    for used in uses.iter().filter(|used| used.counted() > Units::ZERO) {
        let add = |sum: &mut Units| *sum = sum.plus(used.counted());
        add(seconds.entry((used.pool, UseSecond::of(used.used_at))).or_default());
        for (name, starts) in &used.anchored {
            add(windows.entry((used.pool, *name, *starts)).or_default());
        }
    }
    spend(tx, uses).await?;

    let mut insert = bulk(
        "INSERT INTO quota_use (pool, second, settled, taken_back) {rows}
         ON CONFLICT (pool, second) DO UPDATE SET settled = quota_use.settled + excluded.settled",
    );
    for ((pool, second), units) in seconds {
        insert.row().bind(pool.to_string()).bind(second.0).bind(units.0).bind(0_i64);
    }
    insert.execute(tx).await?;
    let mut insert = bulk(
        "INSERT INTO quota_window (pool, name, starts, settled, taken_back) {rows}
         ON CONFLICT (pool, name, starts) DO UPDATE SET settled = quota_window.settled + excluded.settled",
    );
    for ((pool, name, starts), units) in windows {
        insert.row().bind(pool.to_string()).bind(name.as_str()).bind(starts).bind(units.0).bind(0_i64);
    }
    insert.execute(tx).await?;
    Ok(())
}

/// Takes the uses off the slices they were reserved from.
async fn spend(tx: &mut Tx, uses: &[&QuotaUse]) -> Result<(), StoreError> {
    let ids: BTreeSet<HoldId> = uses.iter().filter_map(|used| used.slice).collect();
    let before = slices::read(tx, &ids).await?;
    let mut now: BTreeMap<HoldId, Slice> = before.iter().map(|slice| (slice.id, slice.clone())).collect();
    for used in uses {
        let slice = used.slice.and_then(|id| now.get_mut(&id));
        if let Some(slice) = slice.filter(|slice| slice.pool == used.pool) {
            slice.spend(used.counted());
        }
    }
    let mut update =
        bulk("UPDATE quota_slice SET remaining = new.column2 FROM ({rows}) AS new WHERE id = new.column1");
    for slice in now.values().filter(|slice| !before.contains(slice)) {
        update.row().bind(slice.id).bind(slice.left.0);
    }
    update.execute(tx).await?;
    Ok(())
}
