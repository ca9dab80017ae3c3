use async_trait::async_trait;
use gateway::{Door, Ending, UsageLog, UsageLogError, UsageQuery, UsageRecord, UsageTotal};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};
use vocab::{Timestamp, Usage};

use crate::{Store, StoreError, row};

/// Records in one statement, as many as metering writes in one group. Each binds 14 values, and SQLite takes at most
/// 32,766.
const ROWS_PER_STATEMENT: usize = 512;

#[async_trait]
impl UsageLog for Store {
    async fn usage_append(&self, records: &[UsageRecord]) -> Result<(), UsageLogError> {
        Ok(append(self, records).await?)
    }

    async fn usage_list(&self, query: &UsageQuery, limit: u32) -> Result<Vec<UsageRecord>, UsageLogError> {
        Ok(list(self, query, limit).await?)
    }

    async fn usage_total(&self, query: &UsageQuery, limit: u32) -> Result<Vec<UsageTotal>, UsageLogError> {
        Ok(total(self, query, limit).await?)
    }
}

async fn append(store: &Store, records: &[UsageRecord]) -> Result<(), StoreError> {
    if records.is_empty() {
        return Ok(());
    }
    let mut tx = store.begin().await?;
    for chunk in records.chunks(ROWS_PER_STATEMENT) {
        let mut insert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO usage_record
                (request, account, api_key, door, model, engine, fresh_prompt, cached_prompt, reasoning, answer,
                 started, first_token_us, duration_us, ending) ",
        );
        insert.push_values(chunk, |mut values, record| {
            values
                .push_bind(record.request.as_str())
                .push_bind(record.account.to_string())
                .push_bind(record.key.to_string())
                .push_bind(record.door.as_str())
                .push_bind(record.model.as_str())
                .push_bind(record.engine.as_str())
                .push_bind(row::tokens_written(record.usage.fresh_prompt))
                .push_bind(row::tokens_written(record.usage.cached_prompt))
                .push_bind(row::tokens_written(record.usage.reasoning))
                .push_bind(row::tokens_written(record.usage.answer))
                .push_bind(record.started.as_millis())
                .push_bind(record.first_token.map(row::span_written))
                .push_bind(row::span_written(record.duration))
                .push_bind(record.ending.as_str());
        });
        insert.push(" ON CONFLICT DO NOTHING");
        // Full chunks are all the same statement and worth keeping prepared; other lengths are not.
        insert.build().persistent(chunk.len() == ROWS_PER_STATEMENT).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn list(store: &Store, query: &UsageQuery, limit: u32) -> Result<Vec<UsageRecord>, StoreError> {
    let mut select = QueryBuilder::new("SELECT * FROM usage_record");
    push_conditions(&mut select, query);
    select.push(" ORDER BY started DESC, request DESC LIMIT ").push_bind(i64::from(limit));
    let rows = select.build().fetch_all(store.reader()).await?;
    rows.iter().map(read).collect()
}

async fn total(store: &Store, query: &UsageQuery, limit: u32) -> Result<Vec<UsageTotal>, StoreError> {
    let mut select = QueryBuilder::new(
        "SELECT account, api_key, model, COUNT(*) AS requests,
                CAST(SUM(fresh_prompt) AS BIGINT) AS fresh_prompt,
                CAST(SUM(cached_prompt) AS BIGINT) AS cached_prompt,
                CAST(SUM(reasoning) AS BIGINT) AS reasoning,
                CAST(SUM(answer) AS BIGINT) AS answer
         FROM usage_record",
    );
    push_conditions(&mut select, query);
    select.push(
        " GROUP BY account, api_key, model
          ORDER BY SUM(fresh_prompt + cached_prompt + reasoning + answer) DESC, COUNT(*) DESC,
                   account, api_key, model
          LIMIT ",
    );
    select.push_bind(i64::from(limit));
    let rows = select.build().fetch_all(store.reader()).await?;
    rows.iter().map(read_total).collect()
}

fn push_conditions(select: &mut QueryBuilder<Sqlite>, query: &UsageQuery) {
    let UsageQuery { account, key, since, until } = query;
    // Something to hang every condition on, in words both databases know.
    select.push(" WHERE 1 = 1");
    if let Some(account) = account {
        select.push(" AND account = ").push_bind(account.to_string());
    }
    if let Some(key) = key {
        select.push(" AND api_key = ").push_bind(key.to_string());
    }
    if let Some(since) = since.map(Timestamp::as_millis) {
        select.push(" AND started >= ").push_bind(since);
    }
    if let Some(until) = until.map(Timestamp::as_millis) {
        select.push(" AND started < ").push_bind(until);
    }
}

fn read(row: &SqliteRow) -> Result<UsageRecord, StoreError> {
    let duration = row::span_if_any(row, "duration_us")?;
    Ok(UsageRecord {
        request: row::request_id(row, "request")?,
        account: row::parsed(row, "account")?,
        key: row::parsed(row, "api_key")?,
        door: row::named(row, "door", &Door::ALL, Door::as_str)?,
        model: row::parsed(row, "model")?,
        engine: row.try_get("engine")?,
        usage: read_usage(row)?,
        started: row::moment(row, "started")?,
        first_token: row::span_if_any(row, "first_token_us")?,
        duration: duration.ok_or(StoreError::Unreadable { column: "duration_us", source: None })?,
        ending: row::named(row, "ending", &Ending::ALL, Ending::as_str)?,
    })
}

fn read_total(row: &SqliteRow) -> Result<UsageTotal, StoreError> {
    Ok(UsageTotal {
        account: row::parsed(row, "account")?,
        key: row::parsed(row, "api_key")?,
        model: row::parsed(row, "model")?,
        requests: row::count(row, "requests")?,
        usage: read_usage(row)?,
    })
}

fn read_usage(row: &SqliteRow) -> Result<Usage, StoreError> {
    Ok(Usage {
        fresh_prompt: row::tokens(row, "fresh_prompt")?,
        cached_prompt: row::tokens(row, "cached_prompt")?,
        reasoning: row::tokens(row, "reasoning")?,
        answer: row::tokens(row, "answer")?,
    })
}
