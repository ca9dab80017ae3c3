use std::collections::BTreeMap;

use ledger::{QuotaUse, Settled, Settlement, Units, UseSecond, WindowName};
use vocab::{RequestId, Timestamp};

use crate::db::{Executor, Row, Tx, bulk, sql};
use crate::{Store, StoreError};

impl Store {
    /// What a settled request used of a plan, for whoever explains it; nothing if a balance paid. The second is the one
    /// that it counts in; from which slice it came is not kept.
    pub async fn settled_quota(&self, request: &RequestId) -> Result<Option<QuotaUse>, StoreError> {
        let row = sql("SELECT pool, units, used_second, five_hours, week, month
             FROM ledger_settlement WHERE request = $1 AND pool IS NOT NULL")
        .bind(request)
        .fetch_optional(self.reader())
        .await?;
        row.as_ref().map(read_quota).transpose()
    }
}

/// What a request came to.
pub(super) async fn find<'a>(
    on: impl Into<Executor<'a>>,
    request: &RequestId,
) -> Result<Option<Settled>, StoreError> {
    let row =
        sql("SELECT request, account, cost, charged, from_credits, price_version, entry, ended, refunded
         FROM ledger_settlement WHERE request = $1")
        .bind(request)
        .fetch_optional(on)
        .await?;
    row.as_ref().map(read).transpose()
}

/// What those of these requests came to that were settled before.
pub(super) async fn known(
    tx: &mut Tx,
    settlements: &[Settlement],
) -> Result<BTreeMap<RequestId, Settled>, StoreError> {
    let rows = select(tx, settlements.iter().map(|settlement| &settlement.request)).await?;
    Ok(rows.into_iter().map(|settled| (settled.request.clone(), settled)).collect())
}

/// What those of these requests came to that were settled, in any order.
pub(super) async fn list(store: &Store, requests: &[RequestId]) -> Result<Vec<Settled>, StoreError> {
    select(&mut store.snapshot().await?, requests).await
}

async fn select<'a>(
    tx: &mut Tx,
    requests: impl IntoIterator<Item = &'a RequestId>,
) -> Result<Vec<Settled>, StoreError> {
    let mut select = bulk(
        "SELECT request, account, cost, charged, from_credits, price_version, entry, ended, refunded
         FROM ledger_settlement WHERE request IN ({rows})",
    );
    for request in requests {
        select.row().bind(request);
    }
    let rows = select.fetch_all(tx).await?;
    rows.iter().map(read).collect()
}

/// Writes what requests came to, and the quota they used.
pub(super) async fn insert(tx: &mut Tx, rows: &[(Settled, Option<&QuotaUse>)]) -> Result<(), StoreError> {
    let mut insert = bulk(
        "INSERT INTO ledger_settlement
            (request, account, cost, charged, from_credits, price_version, entry, ended, refunded,
             pool, units, used_second, five_hours, week, month) {rows}",
    );
    for (settled, quota) in rows {
        insert.row().bind(&settled.request).bind(settled.account).bind(settled.cost);
        insert.bind(settled.charged).bind(settled.from_credits).bind(settled.price_version);
        insert.bind(settled.entry).bind(settled.at).bind(settled.refunded);
        let starts = |name| {
            let windows = quota.iter().flat_map(|quota| &quota.anchored);
            windows.rev().find(|(other, _)| *other == name).map(|(_, starts)| *starts)
        };
        insert.bind(quota.map(|quota| quota.pool.to_string()));
        insert.bind(quota.map(|quota| quota.counted().0));
        insert.bind(quota.map(|quota| UseSecond::of(quota.used_at).0));
        insert.bind(starts(WindowName::FiveHours));
        insert.bind(starts(WindowName::Week)).bind(starts(WindowName::Month));
    }
    insert.execute(tx).await?;
    Ok(())
}

fn read(row: &Row) -> Result<Settled, StoreError> {
    Ok(Settled {
        request: row.request_id("request")?,
        account: row.parsed("account")?,
        cost: row.money("cost")?,
        charged: row.money("charged")?,
        from_credits: row.money("from_credits")?,
        price_version: row.integer("price_version")?,
        entry: row.parsed_if_any("entry")?,
        at: row.moment("ended")?,
        refunded: row.money("refunded")?,
    })
}

fn read_quota(row: &Row) -> Result<QuotaUse, StoreError> {
    let mut anchored = Vec::new();
    for (name, column) in
        [(WindowName::FiveHours, "five_hours"), (WindowName::Week, "week"), (WindowName::Month, "month")]
    {
        anchored.extend(row.moment_if_any(column)?.map(|starts| (name, starts)));
    }
    let used_ms = row.integer("used_second")?.saturating_mul(1000);
    Ok(QuotaUse {
        pool: row.parsed("pool")?,
        slice: None,
        units: Units(row.integer("units")?),
        used_at: Timestamp::from_millis(used_ms),
        anchored,
    })
}
