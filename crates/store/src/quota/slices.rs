use std::collections::BTreeSet;

use ledger::quota::{Fit, comes_back, exhausted, fit};
use ledger::{BookError, Pool, Slice, SliceOutcome, SliceRequest, Units, UseSecond, WindowSpan};
use vocab::{HoldId, Timestamp};

use super::{counting, windows};
use crate::db::{Row, Tx, bulk, sql};
use crate::{Store, StoreError};

pub(super) async fn open(store: &Store, request: &SliceRequest) -> Result<SliceOutcome, StoreError> {
    let mut tx = store.begin().await?;
    counting::lock(&mut tx, &BTreeSet::from([request.pool])).await?;
    if let Some(slice) = read(&mut tx, &BTreeSet::from([request.id])).await?.first() {
        return Ok(slice.asked_again(request)?);
    }
    let mut used = Vec::with_capacity(request.limits.len());
    for limit in &request.limits {
        used.push(windows::used(&mut tx, request.pool, limit, request.at).await?);
    }
    let set_aside = set_aside(&mut tx, request.pool).await?;
    match fit(request, &used, set_aside) {
        Fit::Fits(given) => {
            insert(&mut tx, &Slice::new(request, given)).await?;
            tx.commit().await?;
            Ok(SliceOutcome::Opened(given))
        }
        Fit::Full(full) => {
            let mut ends = Vec::with_capacity(full.len());
            for (limit, short) in full {
                let resets = match limit.span {
                    WindowSpan::Rolling(span) => {
                        let uses =
                            windows::oldest_uses(&mut tx, request.pool, span, request.at, short).await?;
                        comes_back(span, short, uses, request.at)
                    }
                    WindowSpan::Anchored { ends, .. } => ends,
                };
                ends.push((limit.name, resets));
            }
            // A slice that does not fit is full in some window.
            Ok(exhausted(ends).ok_or(BookError::NotPositive)?)
        }
    }
}

async fn set_aside(tx: &mut Tx, pool: Pool) -> Result<Units, StoreError> {
    let row = sql("SELECT CAST(COALESCE(SUM(remaining), 0) AS BIGINT) AS set_aside
         FROM quota_slice WHERE pool = $1 AND is_open")
    .bind(pool.to_string())
    .fetch_one(tx)
    .await?;
    row.integer("set_aside").map(Units)
}

async fn insert(tx: &mut Tx, slice: &Slice) -> Result<(), StoreError> {
    sql("INSERT INTO quota_slice (id, pool, node, given, remaining, until, is_open)
         VALUES ($1, $2, $3, $4, $5, $6, $7)")
    .bind(slice.id)
    .bind(slice.pool.to_string())
    .bind(slice.node)
    .bind(slice.given.0)
    .bind(slice.left.0)
    .bind(slice.until)
    .bind(slice.is_open)
    .execute(tx)
    .await?;
    Ok(())
}

/// These slices, as far as they exist.
pub(super) async fn read(tx: &mut Tx, ids: &BTreeSet<HoldId>) -> Result<Vec<Slice>, StoreError> {
    let mut select =
        bulk("SELECT id, pool, node, given, remaining, until, is_open FROM quota_slice WHERE id IN ({rows})");
    for id in ids {
        select.row().bind(*id);
    }
    let slice = |row: &Row| {
        Ok(Slice {
            id: row.parsed("id")?,
            pool: row.parsed("pool")?,
            node: row.parsed("node")?,
            given: Units(row.integer("given")?),
            left: Units(row.integer("remaining")?),
            until: row.moment("until")?,
            is_open: row.flag("is_open")?,
        })
    };
    select.fetch_all(tx).await?.iter().map(slice).collect()
}

pub(super) async fn renew(store: &Store, slices: &[HoldId], until: Timestamp) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    let mut update = bulk(
        "UPDATE quota_slice SET until = new.column2
         FROM ({rows}) AS new WHERE id = new.column1 AND is_open AND until < new.column2",
    );
    for slice in slices.iter().collect::<BTreeSet<_>>() {
        update.row().bind(*slice).bind(until);
    }
    update.execute(&mut tx).await?;
    tx.commit().await
}

pub(super) async fn release(store: &Store, id: HoldId) -> Result<Units, StoreError> {
    let mut tx = store.begin().await?;
    let ids = BTreeSet::from([id]);
    let Some(slice) = read(&mut tx, &ids).await?.pop() else { return Ok(Units::ZERO) };
    counting::lock(&mut tx, &BTreeSet::from([slice.pool])).await?;
    // Read again under the lock.
    let Some(mut slice) = read(&mut tx, &ids).await?.pop() else { return Ok(Units::ZERO) };
    let left = slice.close();
    close(&mut tx, &ids).await?;
    tx.commit().await?;
    Ok(left)
}

async fn close(tx: &mut Tx, ids: &BTreeSet<HoldId>) -> Result<(), StoreError> {
    let mut update = bulk(
        "UPDATE quota_slice SET is_open = FALSE, remaining = 0 FROM ({rows}) AS old WHERE id = old.column1",
    );
    for id in ids {
        update.row().bind(*id);
    }
    update.execute(tx).await?;
    Ok(())
}

pub(super) async fn expire(
    store: &Store,
    at: Timestamp,
    forget_before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let mut tx = store.begin().await?;
    forget(&mut tx, forget_before, limit).await?;

    let rows =
        sql("SELECT id, pool FROM quota_slice WHERE is_open AND until <= $1 ORDER BY until, id LIMIT $2")
            .bind(at)
            .bind(limit)
            .fetch_all(&mut tx)
            .await?;
    let candidates: Vec<HoldId> = rows.iter().map(|row| row.parsed("id")).collect::<Result<_, _>>()?;
    let pools = rows.iter().map(|row| row.parsed("pool")).collect::<Result<_, _>>()?;
    let mut over = BTreeSet::new();
    if !candidates.is_empty() {
        counting::lock(&mut tx, &pools).await?;
        // A slice may have been renewed, or have ended, meanwhile.
        let mut select = sql("SELECT id FROM quota_slice WHERE is_open AND until <= $1 AND id IN (").bind(at);
        select.push_list(candidates).push(") ORDER BY id {for update}");
        for row in select.fetch_all(&mut tx).await? {
            over.insert(row.parsed("id")?);
        }
        close(&mut tx, &over).await?;
    }
    tx.commit().await?;
    Ok(over.len() as u64)
}

/// Removes ended slices, and uses, that are older than any rolling window.
async fn forget(tx: &mut Tx, before: Timestamp, limit: u32) -> Result<(), StoreError> {
    sql("DELETE FROM quota_slice WHERE id IN
            (SELECT id FROM quota_slice WHERE NOT is_open AND until < $1 ORDER BY until, id LIMIT $2)")
    .bind(before)
    .bind(limit)
    .execute(&mut *tx)
    .await?;
    // A use that is counted meanwhile is too late for any window, so nobody misses it.
    let second = UseSecond::of(before).0;
    let rows = sql("SELECT pool, second FROM quota_use WHERE second < $1 ORDER BY pool, second LIMIT $2")
        .bind(second)
        .bind(limit)
        .fetch_all(&mut *tx)
        .await?;
    let mut delete = bulk("DELETE FROM quota_use WHERE (pool, second) IN ({rows})");
    for row in rows {
        delete.row().bind(row.text("pool")?).bind(row.integer("second")?);
    }
    delete.execute(tx).await?;
    Ok(())
}
