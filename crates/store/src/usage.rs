use std::collections::HashSet;

use accounts::SeenClient;
use async_trait::async_trait;
use gateway::{
    Door, Ending, HourTotal, UsageLog, UsageLogError, UsagePlace, UsageQuery, UsageRecord, UsageTotal,
};
use vocab::{RequestId, Timestamp, Usage};

use crate::db::{Row, Statement, bulk, sql};
use crate::ledger::{in_turn, settle_in};
use crate::{Store, StoreError, rollup};

#[async_trait]
impl UsageLog for Store {
    async fn usage_append(&self, records: &[UsageRecord]) -> Result<(), UsageLogError> {
        Ok(in_turn!(append(self, records))?)
    }

    async fn usage_list(&self, query: &UsageQuery, limit: u32) -> Result<Vec<UsageRecord>, UsageLogError> {
        Ok(list(self, query, limit).await?)
    }

    async fn usage_total(&self, query: &UsageQuery, limit: u32) -> Result<Vec<UsageTotal>, UsageLogError> {
        Ok(total(self, query, limit).await?)
    }

    async fn usage_by_hour(&self, query: &UsageQuery, limit: u32) -> Result<Vec<HourTotal>, UsageLogError> {
        Ok(by_hour(self, query, limit).await?)
    }

    async fn usage_purge(&self, before: Timestamp, limit: u32) -> Result<u64, UsageLogError> {
        Ok(purge(self, before, limit).await?)
    }
}

async fn append(store: &Store, records: &[UsageRecord]) -> Result<(), StoreError> {
    if records.is_empty() {
        return Ok(());
    }
    let mut insert = bulk(
        "INSERT INTO usage_record
            (request, account, api_key, door, model, engine, fresh_prompt, cached_prompt, reasoning, answer,
             started, first_token_us, duration_us, ending, client, client_version, client_confidence)
         {rows} ON CONFLICT DO NOTHING RETURNING request",
    );
    for record in records {
        insert
            .row()
            .bind(&record.request)
            .bind(record.account)
            .bind(record.key)
            .bind(record.door.as_str())
            .bind(&record.model)
            .bind(record.engine.as_str())
            .bind(record.usage.fresh_prompt)
            .bind(record.usage.cached_prompt)
            .bind(record.usage.reasoning)
            .bind(record.usage.answer)
            .bind(record.started)
            .bind(record.first_token)
            .bind(record.duration)
            .bind(record.ending.as_str())
            .bind(record.client.name.as_deref())
            .bind(record.client.version.as_deref())
            .bind(record.client.confidence.as_str());
    }
    let mut tx = store.begin().await?;
    let written = insert.fetch_all(&mut tx).await?;
    let written: Result<HashSet<RequestId>, _> =
        written.iter().map(|row| row.request_id("request")).collect();
    let mut written = written?;
    // Each once, also where the batch has it twice.
    let fresh: Vec<_> = records.iter().filter(|record| written.remove(&record.request)).collect();
    let due: Vec<_> = fresh.iter().filter_map(|record| record.settlement.clone()).collect();
    let settled = settle_in(&mut tx, &due).await?;
    rollup::note(&mut tx, &fresh, &settled).await?;
    tx.commit().await
}

/// What [`read`] reads.
const SELECT_RECORD: &str =
    "SELECT request, account, api_key, door, model, engine, fresh_prompt, cached_prompt, reasoning, answer,
            started, first_token_us, duration_us, ending, client, client_version, client_confidence
     FROM usage_record";

async fn list(store: &Store, query: &UsageQuery, limit: u32) -> Result<Vec<UsageRecord>, StoreError> {
    let mut select = sql(SELECT_RECORD);
    push_conditions(&mut select, query);
    select.push(" ORDER BY started DESC, request DESC LIMIT ").push_bind(limit);
    let rows = select.fetch_all(store.reader()).await?;
    rows.iter().map(read).collect()
}

async fn total(store: &Store, query: &UsageQuery, limit: u32) -> Result<Vec<UsageTotal>, StoreError> {
    let mut select = sql("SELECT account, api_key, model, COUNT(*) AS requests,
                CAST(SUM(fresh_prompt) AS BIGINT) AS fresh_prompt,
                CAST(SUM(cached_prompt) AS BIGINT) AS cached_prompt,
                CAST(SUM(reasoning) AS BIGINT) AS reasoning,
                CAST(SUM(answer) AS BIGINT) AS answer
         FROM usage_record");
    push_conditions(&mut select, query);
    select.push(
        " GROUP BY account, api_key, model
          ORDER BY SUM(fresh_prompt + cached_prompt + reasoning + answer) DESC, COUNT(*) DESC,
                   account, api_key, model
          LIMIT ",
    );
    select.push_bind(limit);
    let rows = select.fetch_all(store.reader()).await?;
    rows.iter().map(read_total).collect()
}

async fn by_hour(store: &Store, query: &UsageQuery, limit: u32) -> Result<Vec<HourTotal>, StoreError> {
    let mut select = sql("SELECT started - started % 3600000 AS starts, model, COUNT(*) AS requests,
                CAST(SUM(fresh_prompt + cached_prompt + reasoning + answer) AS BIGINT) AS tokens
         FROM usage_record");
    push_conditions(&mut select, query);
    select
        .push(" GROUP BY started - started % 3600000, model ORDER BY starts, model LIMIT ")
        .push_bind(limit);
    let rows = select.fetch_all(store.reader()).await?;
    rows.iter().map(read_hour).collect()
}

/// What is not yet in a daily sum is noted beside the records, so that it stays.
async fn purge(store: &Store, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    sql("DELETE FROM usage_record WHERE request IN
            (SELECT request FROM usage_record WHERE started < $1 ORDER BY started, request LIMIT $2)")
    .bind(before)
    .bind(limit)
    .execute(store.writer())
    .await
}

fn push_conditions(select: &mut Statement, query: &UsageQuery) {
    let UsageQuery { request, account, key, since, until, after } = query;
    // Something to hang every condition on, in words both databases know.
    select.push(" WHERE 1 = 1");
    if let Some(request) = request {
        select.push(" AND request = ").push_bind(request);
    }
    if let Some(account) = account {
        select.push(" AND account = ").push_bind(*account);
    }
    if let Some(key) = key {
        select.push(" AND api_key = ").push_bind(*key);
    }
    if let Some(since) = since {
        select.push(" AND started >= ").push_bind(*since);
    }
    if let Some(until) = until {
        select.push(" AND started < ").push_bind(*until);
    }
    if let Some(UsagePlace { started, request }) = after {
        select.push(" AND (started, request) < (").push_bind(*started);
        select.push(", ").push_bind(request).push(")");
    }
}

fn read(row: &Row) -> Result<UsageRecord, StoreError> {
    Ok(UsageRecord {
        request: row.request_id("request")?,
        account: row.parsed("account")?,
        key: row.parsed("api_key")?,
        door: row.named("door", &Door::ALL, Door::as_str)?,
        model: row.parsed("model")?,
        engine: row.text("engine")?,
        usage: read_usage(row)?,
        started: row.moment("started")?,
        first_token: row.span_if_any("first_token_us")?,
        duration: row.span("duration_us")?,
        ending: row.named("ending", &Ending::ALL, Ending::as_str)?,
        client: SeenClient {
            name: row.text_if_any("client")?,
            version: row.text_if_any("client_version")?,
            confidence: row.text("client_confidence")?,
            ..SeenClient::default()
        },
        settlement: None,
    })
}

fn read_total(row: &Row) -> Result<UsageTotal, StoreError> {
    Ok(UsageTotal {
        account: row.parsed("account")?,
        key: row.parsed("api_key")?,
        model: row.parsed("model")?,
        requests: row.count("requests")?,
        usage: read_usage(row)?,
    })
}

fn read_hour(row: &Row) -> Result<HourTotal, StoreError> {
    Ok(HourTotal {
        starts: row.moment("starts")?,
        model: row.parsed("model")?,
        requests: row.count("requests")?,
        tokens: row.tokens("tokens")?,
    })
}

fn read_usage(row: &Row) -> Result<Usage, StoreError> {
    Ok(Usage {
        fresh_prompt: row.tokens("fresh_prompt")?,
        cached_prompt: row.tokens("cached_prompt")?,
        reasoning: row.tokens("reasoning")?,
        answer: row.tokens("answer")?,
    })
}
