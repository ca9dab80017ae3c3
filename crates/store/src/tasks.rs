use async_trait::async_trait;
use tasks::{Lease, Outcome, Submission, Task, TaskQueue, TaskQueueError, TaskState};
use vocab::{AccountId, LeaseId, RequestId, Timestamp};

use crate::db::{Row, sql};
use crate::{Store, StoreError};

// The state in each `WHERE` is the one `TaskState::after` allows the change from.

#[async_trait]
impl TaskQueue for Store {
    async fn task_submit(&self, task: &Task, open_max: u32) -> Result<Submission, TaskQueueError> {
        Ok(submit(self, task, open_max).await?)
    }

    async fn task_claim(
        &self,
        kinds: &[String],
        lease: Lease,
        now: Timestamp,
    ) -> Result<Option<Task>, TaskQueueError> {
        Ok(claim(self, kinds, lease, now).await?)
    }

    async fn task_extend(
        &self,
        id: &RequestId,
        lease: LeaseId,
        until: Timestamp,
    ) -> Result<bool, TaskQueueError> {
        Ok(extend(self, id, lease, until).await?)
    }

    async fn task_finish(
        &self,
        id: &RequestId,
        lease: LeaseId,
        outcome: &Outcome,
        at: Timestamp,
    ) -> Result<bool, TaskQueueError> {
        Ok(finish(self, id, lease, outcome, at).await?)
    }

    async fn task_release(
        &self,
        id: &RequestId,
        lease: LeaseId,
        at: Timestamp,
    ) -> Result<bool, TaskQueueError> {
        Ok(release(self, id, lease, at).await?)
    }

    async fn task_find(&self, account: AccountId, id: &RequestId) -> Result<Option<Task>, TaskQueueError> {
        Ok(find(self, account, id).await?)
    }

    async fn task_purge(&self, before: Timestamp, limit: u32) -> Result<u64, TaskQueueError> {
        Ok(purge(self, before, limit).await?)
    }
}

/// What [`read`] wants to see.
const COLUMNS: &str =
    "id, account, api_key, kind, request_id, model, payload, state, result, attempts, created,
    updated, lease, lease_until, expires";

/// Inserts first and counts afterwards: leaving early drops the transaction, which takes the row back.
async fn submit(store: &Store, task: &Task, open_max: u32) -> Result<Submission, StoreError> {
    let payload = serde_json::to_string(&task.payload)?;
    let result = task.result.as_ref().map(serde_json::to_string).transpose()?;

    let mut tx = store.begin().await?;
    // Two at once would count without each other.
    tx.hold(&format!("task of {}", task.account)).await?;
    let inserted = sql("INSERT INTO task
            (id, account, api_key, kind, request_id, model, payload, state, result, attempts,
             created, updated, lease, lease_until, expires)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT DO NOTHING")
    .bind(&task.id)
    .bind(task.account)
    .bind(task.key)
    .bind(&task.kind)
    .bind(&task.request_id)
    .bind(&task.model)
    .bind(payload)
    .bind(task.state.as_str())
    .bind(result)
    .bind(task.attempts)
    .bind(task.created)
    .bind(task.updated)
    .bind(task.lease.map(|lease| lease.id))
    .bind(task.lease.map(|lease| lease.until))
    .bind(task.expires)
    .execute(&mut tx)
    .await?;
    if inserted == 0 {
        return Ok(Submission::AlreadyOpen);
    }

    let counted =
        sql("SELECT COUNT(*) AS open FROM task WHERE account = $1 AND state IN ('queued', 'running')")
            .bind(task.account)
            .fetch_one(&mut tx)
            .await?;
    if counted.count("open")? > u64::from(open_max) {
        return Ok(Submission::TooMany);
    }

    tx.commit().await?;
    Ok(Submission::Accepted)
}

async fn claim(
    store: &Store,
    kinds: &[String],
    lease: Lease,
    now: Timestamp,
) -> Result<Option<Task>, StoreError> {
    if kinds.is_empty() {
        return Ok(None);
    }
    let mut claim = sql("UPDATE task
         SET state = 'running', attempts = attempts + 1, lease = $1, lease_until = $2, updated = $3
         WHERE id = (SELECT id FROM task
                     WHERE state IN ('queued', 'running') AND (state = 'queued' OR lease_until <= $3)
                       AND expires > $3 AND kind IN (")
    .bind(lease.id)
    .bind(lease.until)
    .bind(now);
    claim.push_list(kinds);
    claim.push(") ORDER BY created, id LIMIT 1 {for update skip locked}) RETURNING ").push(COLUMNS);
    let row = claim.fetch_optional(store.writer()).await?;
    row.as_ref().map(read).transpose()
}

async fn extend(store: &Store, id: &RequestId, lease: LeaseId, until: Timestamp) -> Result<bool, StoreError> {
    let extended = sql("UPDATE task SET lease_until = $1 WHERE id = $2 AND lease = $3 AND state = 'running'")
        .bind(until)
        .bind(id)
        .bind(lease)
        .execute(store.writer())
        .await?;
    Ok(extended == 1)
}

async fn finish(
    store: &Store,
    id: &RequestId,
    lease: LeaseId,
    outcome: &Outcome,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let state = match outcome {
        Outcome::Succeeded(_) => TaskState::Succeeded,
        Outcome::Failed(_) => TaskState::Failed,
    };
    let finished =
        sql("UPDATE task SET state = $1, result = $2, updated = $3, lease = NULL, lease_until = NULL
         WHERE id = $4 AND lease = $5 AND state = 'running'")
        .bind(state.as_str())
        .bind(serde_json::to_string(outcome.value())?)
        .bind(at)
        .bind(id)
        .bind(lease)
        .execute(store.writer())
        .await?;
    Ok(finished == 1)
}

async fn release(store: &Store, id: &RequestId, lease: LeaseId, at: Timestamp) -> Result<bool, StoreError> {
    let released = sql("UPDATE task
         SET state = 'queued', attempts = attempts - 1, updated = $1, lease = NULL, lease_until = NULL
         WHERE id = $2 AND lease = $3 AND state = 'running'")
    .bind(at)
    .bind(id)
    .bind(lease)
    .execute(store.writer())
    .await?;
    Ok(released == 1)
}

async fn find(store: &Store, account: AccountId, id: &RequestId) -> Result<Option<Task>, StoreError> {
    let mut select = sql("SELECT ");
    select
        .push(COLUMNS)
        .push(" FROM task WHERE id = ")
        .push_bind(id)
        .push(" AND account = ")
        .push_bind(account);
    let row = select.fetch_optional(store.reader()).await?;
    row.as_ref().map(read).transpose()
}

async fn purge(store: &Store, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    sql("DELETE FROM task WHERE id IN (SELECT id FROM task WHERE expires <= $1 ORDER BY expires LIMIT $2)")
        .bind(before)
        .bind(limit)
        .execute(store.writer())
        .await
}

fn read(row: &Row) -> Result<Task, StoreError> {
    let lease = match row.moment_if_any("lease_until")? {
        Some(until) => Some(Lease { id: row.parsed("lease")?, until }),
        None => None,
    };
    let attempts = row.count("attempts")?;
    Ok(Task {
        id: row.request_id("id")?,
        account: row.parsed("account")?,
        key: row.parsed("api_key")?,
        kind: row.text("kind")?,
        request_id: row.text("request_id")?,
        model: row.parsed("model")?,
        payload: row.json("payload")?,
        state: row.named("state", &TaskState::ALL, TaskState::as_str)?,
        result: row.json_if_any("result")?,
        attempts: u32::try_from(attempts)
            .map_err(|_| StoreError::Unreadable { column: "attempts", source: None })?,
        created: row.moment("created")?,
        updated: row.moment("updated")?,
        lease,
        expires: row.moment("expires")?,
    })
}
