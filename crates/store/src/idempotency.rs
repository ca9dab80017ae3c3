use accounts::{IdempotencyBegun, IdempotencyRecord, IdempotencyStore, IdempotencyStoreError, SealedSecret};
use async_trait::async_trait;
use vocab::Timestamp;

use crate::db::sql;
use crate::{Store, StoreError};

#[async_trait]
impl IdempotencyStore for Store {
    async fn idempotency_begin(
        &self,
        record: &IdempotencyRecord,
        now: Timestamp,
        keys_max: u32,
    ) -> Result<IdempotencyBegun, IdempotencyStoreError> {
        Ok(begin(self, record, now, keys_max).await?)
    }

    async fn idempotency_finish(&self, record: &IdempotencyRecord) -> Result<(), IdempotencyStoreError> {
        Ok(finish(self, record).await?)
    }

    async fn idempotency_remove(&self, scope: &str, key: &str) -> Result<(), IdempotencyStoreError> {
        Ok(remove(self, scope, key).await?)
    }

    async fn idempotency_expire(&self, now: Timestamp, limit: u32) -> Result<u64, IdempotencyStoreError> {
        Ok(expire(self, now, limit).await?)
    }
}

async fn begin(
    store: &Store,
    record: &IdempotencyRecord,
    now: Timestamp,
    keys_max: u32,
) -> Result<IdempotencyBegun, StoreError> {
    let mut tx = store.begin().await?;
    // Counting and writing are one step for each client.
    tx.hold(&format!("idempotency of {}", record.scope)).await?;
    let known =
        sql("SELECT sealed, expires FROM idempotency_key WHERE scope = $1 AND name = $2 AND expires > $3")
            .bind(record.scope.as_str())
            .bind(record.key.as_str())
            .bind(now)
            .fetch_optional(&mut tx)
            .await?;
    if let Some(row) = known {
        let sealed = SealedSecret::from_text(row.text("sealed")?);
        return Ok(IdempotencyBegun::Known(IdempotencyRecord {
            sealed,
            expires: row.moment("expires")?,
            ..record.clone()
        }));
    }
    let row = sql("SELECT COUNT(*) AS keys FROM idempotency_key WHERE scope = $1 AND expires > $2")
        .bind(record.scope.as_str())
        .bind(now)
        .fetch_one(&mut tx)
        .await?;
    if row.count("keys")? >= u64::from(keys_max) {
        return Ok(IdempotencyBegun::Full);
    }
    sql("INSERT INTO idempotency_key (scope, name, sealed, expires) VALUES ($1, $2, $3, $4)
         ON CONFLICT (scope, name) DO UPDATE SET sealed = excluded.sealed, expires = excluded.expires")
    .bind(record.scope.as_str())
    .bind(record.key.as_str())
    .bind(record.sealed.as_str())
    .bind(record.expires)
    .execute(&mut tx)
    .await?;
    tx.commit().await?;
    Ok(IdempotencyBegun::Written)
}

async fn finish(store: &Store, record: &IdempotencyRecord) -> Result<(), StoreError> {
    sql("UPDATE idempotency_key SET sealed = $1, expires = $2 WHERE scope = $3 AND name = $4")
        .bind(record.sealed.as_str())
        .bind(record.expires)
        .bind(record.scope.as_str())
        .bind(record.key.as_str())
        .execute(store.writer())
        .await?;
    Ok(())
}

async fn remove(store: &Store, scope: &str, key: &str) -> Result<(), StoreError> {
    sql("DELETE FROM idempotency_key WHERE scope = $1 AND name = $2")
        .bind(scope)
        .bind(key)
        .execute(store.writer())
        .await?;
    Ok(())
}

async fn expire(store: &Store, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
    sql("DELETE FROM idempotency_key WHERE (scope, name) IN
            (SELECT scope, name FROM idempotency_key WHERE expires <= $1 ORDER BY expires LIMIT $2)")
    .bind(now)
    .bind(limit)
    .execute(store.writer())
    .await
}
