use accounts::{Account, AccountStore, AccountStoreError, ApiKey, KnownKey, PublicId};
use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteExecutor};
use vocab::{AccountId, KeyId, Timestamp};

use crate::{Store, StoreError, keys, row};

#[async_trait]
impl AccountStore for Store {
    async fn account_insert(&self, account: &Account) -> Result<(), AccountStoreError> {
        Ok(insert(self.writer(), account).await?)
    }

    async fn account_find(&self, id: AccountId) -> Result<Option<Account>, AccountStoreError> {
        Ok(find(self, id).await?)
    }

    async fn account_list(
        &self,
        cursor: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<Account>, AccountStoreError> {
        Ok(list(self, cursor, limit).await?)
    }

    async fn operator_insert(&self, account: &Account, key: &ApiKey) -> Result<bool, AccountStoreError> {
        Ok(insert_operator(self, account, key).await?)
    }

    async fn operator_find(&self) -> Result<Option<Account>, AccountStoreError> {
        Ok(find_operator(self).await?)
    }

    async fn key_insert(&self, key: &ApiKey) -> Result<(), AccountStoreError> {
        Ok(keys::insert(self.writer(), key).await?)
    }

    async fn key_find_by_public_id(&self, id: PublicId) -> Result<Option<KnownKey>, AccountStoreError> {
        Ok(keys::find_by_public_id(self, id).await?)
    }

    async fn key_find(&self, id: KeyId) -> Result<Option<ApiKey>, AccountStoreError> {
        Ok(keys::find(self, id).await?)
    }

    async fn key_list(
        &self,
        account: Option<AccountId>,
        cursor: Option<KeyId>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, AccountStoreError> {
        Ok(keys::list(self, account, cursor, limit).await?)
    }

    async fn key_revoke(&self, id: KeyId, at: Timestamp) -> Result<bool, AccountStoreError> {
        Ok(keys::revoke(self, id, at).await?)
    }

    async fn key_touch(&self, batch: &[(KeyId, Timestamp)]) -> Result<(), AccountStoreError> {
        Ok(keys::touch(self, batch).await?)
    }
}

async fn insert(executor: impl SqliteExecutor<'_>, account: &Account) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO account (id, name, is_operator, created) VALUES ($1, $2, $3, $4)")
        .bind(account.id.to_string())
        .bind(&account.name)
        .bind(account.is_operator)
        .bind(account.created.as_millis())
        .execute(executor)
        .await?;
    Ok(())
}

/// The unique index on operators decides between processes that try at once; leaving early drops the
/// transaction and with it what was written.
async fn insert_operator(store: &Store, account: &Account, key: &ApiKey) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    let inserted = sqlx::query(
        "INSERT INTO account (id, name, is_operator, created) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    )
    .bind(account.id.to_string())
    .bind(&account.name)
    .bind(account.is_operator)
    .bind(account.created.as_millis())
    .execute(&mut *tx)
    .await?;
    if inserted.rows_affected() == 0 {
        return Ok(false);
    }
    keys::insert(&mut *tx, key).await?;
    tx.commit().await?;
    Ok(true)
}

async fn find(store: &Store, id: AccountId) -> Result<Option<Account>, StoreError> {
    let row = sqlx::query("SELECT * FROM account WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(store.reader())
        .await?;
    row.as_ref().map(read).transpose()
}

async fn find_operator(store: &Store) -> Result<Option<Account>, StoreError> {
    let row = sqlx::query("SELECT * FROM account WHERE is_operator").fetch_optional(store.reader()).await?;
    row.as_ref().map(read).transpose()
}

async fn list(store: &Store, cursor: Option<AccountId>, limit: u32) -> Result<Vec<Account>, StoreError> {
    // Every id sorts after the empty text.
    let after = cursor.map(|id| id.to_string()).unwrap_or_default();
    let rows = sqlx::query("SELECT * FROM account WHERE id > $1 ORDER BY id LIMIT $2")
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(store.reader())
        .await?;
    rows.iter().map(read).collect()
}

fn read(row: &SqliteRow) -> Result<Account, StoreError> {
    Ok(Account {
        id: row::parsed(row, "id")?,
        name: row.try_get("name")?,
        is_operator: row.try_get("is_operator")?,
        created: row::moment(row, "created")?,
    })
}
