use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};
use tasks::{Lease, Outcome, Submission, Task, TaskQueue, TaskQueueError, TaskState};
use vocab::{AccountId, LeaseId, RequestId, Timestamp};

use crate::{Store, StoreError, row};

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

/// Inserts first and counts afterwards: leaving early drops the transaction, which takes the row back.
async fn submit(store: &Store, task: &Task, open_max: u32) -> Result<Submission, StoreError> {
    let payload = serde_json::to_string(&task.payload)?;
    let result = task.result.as_ref().map(serde_json::to_string).transpose()?;

    let mut tx = store.begin().await?;
    let inserted = sqlx::query(
        "INSERT INTO task
            (id, account, api_key, kind, request_id, model, payload, state, result, attempts,
             created, updated, lease, lease_until, expires)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT DO NOTHING",
    )
    .bind(task.id.as_str())
    .bind(task.account.to_string())
    .bind(task.key.to_string())
    .bind(&task.kind)
    .bind(&task.request_id)
    .bind(task.model.as_str())
    .bind(payload)
    .bind(task.state.as_str())
    .bind(result)
    .bind(i64::from(task.attempts))
    .bind(task.created.as_millis())
    .bind(task.updated.as_millis())
    .bind(task.lease.map(|lease| lease.id.to_string()))
    .bind(task.lease.map(|lease| lease.until.as_millis()))
    .bind(task.expires.as_millis())
    .execute(&mut *tx)
    .await?;
    if inserted.rows_affected() == 0 {
        return Ok(Submission::AlreadyOpen);
    }

    let open: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM task WHERE account = $1 AND state IN ('queued', 'running')")
            .bind(task.account.to_string())
            .fetch_one(&mut *tx)
            .await?;
    if open > i64::from(open_max) {
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
    let now = now.as_millis();
    let mut claim =
        QueryBuilder::<Sqlite>::new("UPDATE task SET state = 'running', attempts = attempts + 1, lease = ");
    claim.push_bind(lease.id.to_string());
    claim.push(", lease_until = ").push_bind(lease.until.as_millis());
    claim.push(", updated = ").push_bind(now);
    claim.push(
        " WHERE id = (SELECT id FROM task
                      WHERE state IN ('queued', 'running') AND (state = 'queued' OR lease_until <= ",
    );
    claim.push_bind(now).push(") AND expires > ").push_bind(now).push(" AND kind IN (");
    let mut listed = claim.separated(", ");
    for kind in kinds {
        listed.push_bind(kind);
    }
    // Said again outside for a database that lets two claims choose the same row: the second, having
    // waited for the first, then finds it taken.
    claim.push(
        ") ORDER BY created, id LIMIT 1) AND (state = 'queued' OR (state = 'running' AND lease_until <= ",
    );
    claim.push_bind(now).push(")) RETURNING *");

    // All rows, though there is one at most: only then has the statement run to its end.
    let rows = claim.build().fetch_all(store.writer()).await?;
    rows.first().map(read).transpose()
}

async fn extend(store: &Store, id: &RequestId, lease: LeaseId, until: Timestamp) -> Result<bool, StoreError> {
    let extended =
        sqlx::query("UPDATE task SET lease_until = $1 WHERE id = $2 AND lease = $3 AND state = 'running'")
            .bind(until.as_millis())
            .bind(id.as_str())
            .bind(lease.to_string())
            .execute(store.writer())
            .await?;
    Ok(extended.rows_affected() == 1)
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
    let finished = sqlx::query(
        "UPDATE task SET state = $1, result = $2, updated = $3, lease = NULL, lease_until = NULL
         WHERE id = $4 AND lease = $5 AND state = 'running'",
    )
    .bind(state.as_str())
    .bind(serde_json::to_string(outcome.value())?)
    .bind(at.as_millis())
    .bind(id.as_str())
    .bind(lease.to_string())
    .execute(store.writer())
    .await?;
    Ok(finished.rows_affected() == 1)
}

async fn release(store: &Store, id: &RequestId, lease: LeaseId, at: Timestamp) -> Result<bool, StoreError> {
    let released = sqlx::query(
        "UPDATE task SET state = 'queued', attempts = attempts - 1, updated = $1, lease = NULL, lease_until = NULL
         WHERE id = $2 AND lease = $3 AND state = 'running'",
    )
    .bind(at.as_millis())
    .bind(id.as_str())
    .bind(lease.to_string())
    .execute(store.writer())
    .await?;
    Ok(released.rows_affected() == 1)
}

async fn find(store: &Store, account: AccountId, id: &RequestId) -> Result<Option<Task>, StoreError> {
    let row = sqlx::query("SELECT * FROM task WHERE id = $1 AND account = $2")
        .bind(id.as_str())
        .bind(account.to_string())
        .fetch_optional(store.reader())
        .await?;
    row.as_ref().map(read).transpose()
}

async fn purge(store: &Store, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let purged = sqlx::query(
        "DELETE FROM task WHERE id IN (SELECT id FROM task WHERE expires <= $1 ORDER BY expires LIMIT $2)",
    )
    .bind(before.as_millis())
    .bind(i64::from(limit))
    .execute(store.writer())
    .await?;
    Ok(purged.rows_affected())
}

fn read(row: &SqliteRow) -> Result<Task, StoreError> {
    let lease = match row::moment_if_any(row, "lease_until")? {
        Some(until) => Some(Lease { id: row::parsed(row, "lease")?, until }),
        None => None,
    };
    let unreadable = |column| StoreError::Unreadable { column, source: None };
    Ok(Task {
        id: row::request_id(row, "id")?,
        account: row::parsed(row, "account")?,
        key: row::parsed(row, "api_key")?,
        kind: row.try_get("kind")?,
        request_id: row.try_get("request_id")?,
        model: row::parsed(row, "model")?,
        payload: row::json_if_any(row, "payload")?.ok_or_else(|| unreadable("payload"))?,
        state: row::named(row, "state", &TaskState::ALL, TaskState::as_str)?,
        result: row::json_if_any(row, "result")?,
        attempts: u32::try_from(row::count(row, "attempts")?).map_err(|_| unreadable("attempts"))?,
        created: row::moment(row, "created")?,
        updated: row::moment(row, "updated")?,
        lease,
        expires: row::moment(row, "expires")?,
    })
}
