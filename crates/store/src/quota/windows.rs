use std::collections::BTreeSet;
use std::time::Duration;

use ledger::quota::window_state;
use ledger::{Pool, Units, UseSecond, WindowLimit, WindowSpan, WindowState};
use vocab::Timestamp;

use super::counting;
use crate::db::{Tx, sql};
use crate::{Store, StoreError};

/// Uses that are read at once.
const PAGE: u32 = 1_000;

/// What is used of a window at `at`.
pub(super) async fn used(
    tx: &mut Tx,
    pool: Pool,
    limit: &WindowLimit,
    at: Timestamp,
) -> Result<Units, StoreError> {
    Ok(used_since(tx, pool, limit, at).await?.0)
}

/// What is used of a window at `at`, and, if it is a rolling one, the oldest second of that.
async fn used_since(
    tx: &mut Tx,
    pool: Pool,
    limit: &WindowLimit,
    at: Timestamp,
) -> Result<(Units, Option<UseSecond>), StoreError> {
    let select = match limit.span {
        WindowSpan::Rolling(span) => sql(
            "SELECT CAST(COALESCE(SUM(settled - taken_back), 0) AS BIGINT) AS used, MIN(second) AS oldest
             FROM quota_use WHERE pool = $1 AND second > $2 AND settled > taken_back",
        )
        .bind(pool.to_string())
        .bind(UseSecond::out_of_reach(span, at).0),
        WindowSpan::Anchored { starts, .. } => sql(
            "SELECT CAST(COALESCE(SUM(settled - taken_back), 0) AS BIGINT) AS used, CAST(NULL AS BIGINT) AS oldest
             FROM quota_window WHERE pool = $1 AND name = $2 AND starts = $3",
        )
        .bind(pool.to_string())
        .bind(limit.name.as_str())
        .bind(starts),
    };
    let row = select.fetch_one(tx).await?;
    Ok((Units(row.integer("used")?), row.integer_if_any("oldest")?.map(UseSecond)))
}

/// The oldest uses of a rolling window, as many as it takes to get to `enough`.
pub(super) async fn oldest_uses(
    tx: &mut Tx,
    pool: Pool,
    span: Duration,
    at: Timestamp,
    enough: Units,
) -> Result<Vec<(UseSecond, Units)>, StoreError> {
    let mut uses = Vec::new();
    let mut sum = Units::ZERO;
    let mut after = UseSecond::out_of_reach(span, at);
    loop {
        let rows = sql("SELECT second, settled - taken_back AS used FROM quota_use
             WHERE pool = $1 AND second > $2 AND settled > taken_back ORDER BY second LIMIT $3")
        .bind(pool.to_string())
        .bind(after.0)
        .bind(PAGE)
        .fetch_all(&mut *tx)
        .await?;
        for row in &rows {
            after = UseSecond(row.integer("second")?);
            let used = Units(row.integer("used")?);
            sum = sum.plus(used);
            uses.push((after, used));
            if sum >= enough {
                return Ok(uses);
            }
        }
        if rows.len() < PAGE as usize {
            return Ok(uses);
        }
    }
}

pub(super) async fn states(
    store: &Store,
    pool: Pool,
    limits: &[WindowLimit],
    at: Timestamp,
) -> Result<Vec<WindowState>, StoreError> {
    let mut tx = store.snapshot().await?;
    let mut states = Vec::with_capacity(limits.len());
    for limit in limits {
        let (used, oldest) = used_since(&mut tx, pool, limit, at).await?;
        states.push(window_state(*limit, used, oldest));
    }
    Ok(states)
}

pub(super) async fn reset(store: &Store, pool: Pool, limits: &[WindowLimit]) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    counting::lock(&mut tx, &BTreeSet::from([pool])).await?;
    for limit in limits {
        let update = match limit.span {
            WindowSpan::Rolling(_) => {
                sql("UPDATE quota_use SET taken_back = settled WHERE pool = $1").bind(pool.to_string())
            }
            WindowSpan::Anchored { starts, .. } => sql(
                "UPDATE quota_window SET taken_back = settled WHERE pool = $1 AND name = $2 AND starts = $3",
            )
            .bind(pool.to_string())
            .bind(limit.name.as_str())
            .bind(starts),
        };
        update.execute(&mut tx).await?;
    }
    tx.commit().await
}
