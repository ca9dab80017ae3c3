use accounts::{Account, ApiKey, KnownKey, PublicId, SealedSecret};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteExecutor};
use vocab::{AccountId, KeyId, Timestamp};

use crate::{Store, StoreError, row};

pub(crate) async fn insert(executor: impl SqliteExecutor<'_>, key: &ApiKey) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO api_key
            (id, account, name, public_id, sealed_secret, created, expires, revoked, last_used)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(key.id.to_string())
    .bind(key.account.to_string())
    .bind(&key.name)
    .bind(key.public_id.to_string())
    .bind(key.sealed_secret.as_str())
    .bind(key.created.as_millis())
    .bind(key.expires.map(Timestamp::as_millis))
    .bind(key.revoked.map(Timestamp::as_millis))
    .bind(key.last_used.map(Timestamp::as_millis))
    .execute(executor)
    .await?;
    Ok(())
}

pub(crate) async fn find(store: &Store, id: KeyId) -> Result<Option<ApiKey>, StoreError> {
    let row = sqlx::query("SELECT * FROM api_key WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(store.reader())
        .await?;
    row.as_ref().map(read).transpose()
}

pub(crate) async fn find_by_public_id(store: &Store, id: PublicId) -> Result<Option<KnownKey>, StoreError> {
    let row = sqlx::query(
        "SELECT api_key.*, account.name AS account_name, account.is_operator AS account_is_operator,
                account.created AS account_created
         FROM api_key JOIN account ON account.id = api_key.account
         WHERE api_key.public_id = $1",
    )
    .bind(id.to_string())
    .fetch_optional(store.reader())
    .await?;
    let Some(row) = row else { return Ok(None) };

    let key = read(&row)?;
    let account = Account {
        id: key.account,
        name: row.try_get("account_name")?,
        is_operator: row.try_get("account_is_operator")?,
        created: row::moment(&row, "account_created")?,
    };
    Ok(Some(KnownKey { key, account }))
}

pub(crate) async fn list(
    store: &Store,
    account: Option<AccountId>,
    cursor: Option<KeyId>,
    limit: u32,
) -> Result<Vec<ApiKey>, StoreError> {
    // Every id sorts after the empty text.
    let after = cursor.map(|id| id.to_string()).unwrap_or_default();
    let rows = match account {
        Some(account) => {
            sqlx::query("SELECT * FROM api_key WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3")
                .bind(account.to_string())
                .bind(after)
                .bind(i64::from(limit))
                .fetch_all(store.reader())
                .await?
        }
        None => {
            sqlx::query("SELECT * FROM api_key WHERE id > $1 ORDER BY id LIMIT $2")
                .bind(after)
                .bind(i64::from(limit))
                .fetch_all(store.reader())
                .await?
        }
    };
    rows.iter().map(read).collect()
}

pub(crate) async fn revoke(store: &Store, id: KeyId, at: Timestamp) -> Result<bool, StoreError> {
    let revoked = sqlx::query("UPDATE api_key SET revoked = $1 WHERE id = $2 AND revoked IS NULL")
        .bind(at.as_millis())
        .bind(id.to_string())
        .execute(store.writer())
        .await?;
    Ok(revoked.rows_affected() == 1)
}

pub(crate) async fn touch(store: &Store, batch: &[(KeyId, Timestamp)]) -> Result<(), StoreError> {
    if batch.is_empty() {
        return Ok(());
    }
    let mut tx = store.begin().await?;
    for (id, at) in batch {
        sqlx::query(
            "UPDATE api_key SET last_used = $1 WHERE id = $2 AND (last_used IS NULL OR last_used < $1)",
        )
        .bind(at.as_millis())
        .bind(id.to_string())
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: row::parsed(row, "id")?,
        account: row::parsed(row, "account")?,
        name: row.try_get("name")?,
        public_id: row::parsed(row, "public_id")?,
        sealed_secret: SealedSecret::from_text(row.try_get("sealed_secret")?),
        created: row::moment(row, "created")?,
        expires: row::moment_if_any(row, "expires")?,
        revoked: row::moment_if_any(row, "revoked")?,
        last_used: row::moment_if_any(row, "last_used")?,
    })
}
