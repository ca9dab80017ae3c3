use std::collections::{BTreeMap, HashMap};

use accounts::UtcOffset;
use async_trait::async_trait;
use gateway::{DailyPlace, DailyQuery, DailyUsage, Day, UsageLogError, UsageRecord, UsageRollup, UsageSum};
use ledger::Settled;
use vocab::{AccountId, KeyId, NanoUsd, RequestId, Timestamp, Usage};

use crate::db::{Bulk, Row, Tx, bulk, sql};
use crate::{Store, StoreError};

const MINUTE_MS: i64 = 60_000;

#[async_trait]
impl UsageRollup for Store {
    async fn rollup_step(&self, zone: UtcOffset, notes_max: u32) -> Result<u32, UsageLogError> {
        Ok(step(self, zone, notes_max).await?)
    }

    async fn rollup_list(
        &self,
        query: &DailyQuery,
        cursor: Option<&DailyPlace>,
        limit: u32,
    ) -> Result<Vec<DailyUsage>, UsageLogError> {
        Ok(list(self, query, cursor, limit).await?)
    }

    async fn rollup_charged(
        &self,
        account: AccountId,
        key: KeyId,
        since: Day,
        zone: UtcOffset,
    ) -> Result<NanoUsd, UsageLogError> {
        Ok(charged(self, account, key, since, zone).await?)
    }
}

/// Notes what is to be added to the daily sums, in the transaction that writes `records` for the first time
/// and settles them: one note for all that ended in one minute, of one account, key and model.
pub(crate) async fn note(
    tx: &mut Tx,
    records: &[&UsageRecord],
    settled: &[Settled],
) -> Result<(), StoreError> {
    let settled: HashMap<&RequestId, &Settled> = settled.iter().map(|one| (&one.request, one)).collect();
    let mut notes: BTreeMap<_, (&RequestId, UsageSum)> = BTreeMap::new();
    for record in records {
        let kind = (minute(record.ended()), record.account, record.key, &record.model);
        let (_, sum) = notes.entry(kind).or_insert_with(|| (&record.request, UsageSum::default()));
        sum.add(&UsageSum::of(record, settled.get(&record.request).copied()));
    }

    let mut insert = bulk(
        "INSERT INTO usage_unsummed
            (request, ended, account, api_key, model,
             requests, fresh_prompt, cached_prompt, reasoning, answer, cost, charged)
         {rows}",
    );
    for ((minute, account, key, model), (request, sum)) in notes {
        insert.row().bind(request).bind(minute).bind(account).bind(key).bind(model);
        bind_sum(&mut insert, &sum);
    }
    insert.execute(tx).await?;
    Ok(())
}

/// Zones are whole minutes apart, so a minute is on one day in each.
fn minute(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis() - at.as_millis().rem_euclid(MINUTE_MS))
}

async fn step(store: &Store, zone: UtcOffset, notes_max: u32) -> Result<u32, StoreError> {
    let mut tx = store.begin().await?;
    // Another node that adds notes at the same time takes others.
    let notes = sql("SELECT request, ended, account, api_key, model,
                requests, fresh_prompt, cached_prompt, reasoning, answer, cost, charged
         FROM usage_unsummed ORDER BY request LIMIT $1 {for update skip locked}")
    .bind(notes_max)
    .fetch_all(&mut tx)
    .await?;
    let mut sums: BTreeMap<DailyPlace, UsageSum> = BTreeMap::new();
    let mut added =
        bulk("DELETE FROM usage_unsummed WHERE request IN (SELECT column1 FROM ({rows}) AS given)");
    for note in &notes {
        added.row().bind(&note.request_id("request")?);
        let day = Day::of(note.moment("ended")?, zone);
        sums.entry(place(note, day)?).or_default().add(&sum(note)?);
    }
    added.execute(&mut tx).await?;

    // In order of place, which is the order in which every node locks them.
    let mut upsert = bulk(
        "INSERT INTO usage_daily
            (day, account, api_key, model,
             requests, fresh_prompt, cached_prompt, reasoning, answer, cost, charged)
         {rows}
         ON CONFLICT (account, day, api_key, model) DO UPDATE SET
            requests = usage_daily.requests + excluded.requests,
            fresh_prompt = usage_daily.fresh_prompt + excluded.fresh_prompt,
            cached_prompt = usage_daily.cached_prompt + excluded.cached_prompt,
            reasoning = usage_daily.reasoning + excluded.reasoning,
            answer = usage_daily.answer + excluded.answer,
            cost = usage_daily.cost + excluded.cost,
            charged = usage_daily.charged + excluded.charged",
    );
    for (place, sum) in sums {
        upsert.row().bind(place.day.0).bind(place.account).bind(place.key).bind(&place.model);
        bind_sum(&mut upsert, &sum);
    }
    upsert.execute(&mut tx).await?;
    tx.commit().await?;
    Ok(u32::try_from(notes.len()).unwrap_or(u32::MAX))
}

async fn list(
    store: &Store,
    query: &DailyQuery,
    cursor: Option<&DailyPlace>,
    limit: u32,
) -> Result<Vec<DailyUsage>, StoreError> {
    let DailyQuery { account, key, since, until } = query;
    let mut select = sql("SELECT day, account, api_key, model,
                requests, fresh_prompt, cached_prompt, reasoning, answer, cost, charged
         FROM usage_daily WHERE 1 = 1");
    if let Some(account) = account {
        select.push(" AND account = ").push_bind(*account);
    }
    if let Some(key) = key {
        select.push(" AND api_key = ").push_bind(*key);
    }
    if let Some(since) = since {
        select.push(" AND day >= ").push_bind(since.0);
    }
    if let Some(until) = until {
        select.push(" AND day <= ").push_bind(until.0);
    }
    if let Some(place) = cursor {
        select.push(" AND (day, account, api_key, model) < (").push_bind(place.day.0);
        select.push(", ").push_bind(place.account).push(", ").push_bind(place.key);
        select.push(", ").push_bind(&place.model).push(")");
    }
    select.push(" ORDER BY day DESC, account DESC, api_key DESC, model DESC LIMIT ").push_bind(limit);
    let rows = select.fetch_all(store.reader()).await?;
    rows.iter()
        .map(|row| Ok(DailyUsage { place: place(row, Day(row.integer("day")?))?, sum: sum(row)? }))
        .collect()
}

/// In one statement, so that a note that becomes part of a sum meanwhile is in one of the two.
async fn charged(
    store: &Store,
    account: AccountId,
    key: KeyId,
    since: Day,
    zone: UtcOffset,
) -> Result<NanoUsd, StoreError> {
    let row = sql("SELECT CAST(COALESCE(SUM(charged), 0) AS BIGINT) AS charged FROM (
             SELECT charged FROM usage_daily WHERE account = $1 AND api_key = $2 AND day >= $3
             UNION ALL
             SELECT charged FROM usage_unsummed WHERE account = $1 AND api_key = $2 AND ended >= $4) AS spent")
    .bind(account)
    .bind(key)
    .bind(since.0)
    .bind(since.starts(zone))
    .fetch_one(store.reader())
    .await?;
    row.money("charged")
}

fn bind_sum(rows: &mut Bulk, sum: &UsageSum) {
    rows.bind(i64::try_from(sum.requests).unwrap_or(i64::MAX))
        .bind(sum.usage.fresh_prompt)
        .bind(sum.usage.cached_prompt)
        .bind(sum.usage.reasoning)
        .bind(sum.usage.answer)
        .bind(sum.cost)
        .bind(sum.charged);
}

fn place(row: &Row, day: Day) -> Result<DailyPlace, StoreError> {
    Ok(DailyPlace {
        day,
        account: row.parsed("account")?,
        key: row.parsed("api_key")?,
        model: row.parsed("model")?,
    })
}

fn sum(row: &Row) -> Result<UsageSum, StoreError> {
    Ok(UsageSum {
        requests: row.count("requests")?,
        usage: Usage {
            fresh_prompt: row.tokens("fresh_prompt")?,
            cached_prompt: row.tokens("cached_prompt")?,
            reasoning: row.tokens("reasoning")?,
            answer: row.tokens("answer")?,
        },
        cost: row.money("cost")?,
        charged: row.money("charged")?,
    })
}
