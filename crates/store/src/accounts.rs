use accounts::{
    Account, AccountState, AccountStore, AccountStoreError, ApiKey, KnownKey, PublicId, RateOverrides,
};
use async_trait::async_trait;
use vocab::{AccountId, KeyId, Timestamp};

use crate::db::{Executor, Row, sql};
use crate::{Store, StoreError, keys};

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

    async fn account_set_rates(
        &self,
        id: AccountId,
        rates: &RateOverrides,
    ) -> Result<bool, AccountStoreError> {
        Ok(set_rates(self, id, rates).await?)
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

    async fn key_change(&self, key: &ApiKey) -> Result<bool, AccountStoreError> {
        Ok(keys::change(self, key).await?)
    }

    async fn key_rotate(
        &self,
        id: KeyId,
        successor: &ApiKey,
        until: Timestamp,
    ) -> Result<bool, AccountStoreError> {
        Ok(keys::rotate(self, id, successor, until).await?)
    }

    async fn key_revoke(&self, id: KeyId, at: Timestamp) -> Result<bool, AccountStoreError> {
        Ok(keys::revoke(self, id, at).await?)
    }

    async fn key_touch(&self, batch: &[(KeyId, Timestamp)]) -> Result<(), AccountStoreError> {
        Ok(keys::touch(self, batch).await?)
    }
}

pub(crate) async fn insert(on: impl Into<Executor<'_>>, account: &Account) -> Result<(), StoreError> {
    sql("INSERT INTO account (id, name, is_operator, state, rates, created) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(account.id)
        .bind(&account.name)
        .bind(account.is_operator)
        .bind(account.state.name())
        .bind(serde_json::to_string(&account.rates)?)
        .bind(account.created)
        .execute(on)
        .await?;
    Ok(())
}

/// The unique index on operators decides between processes that try at once; leaving early drops the
/// transaction and with it what was written.
async fn insert_operator(store: &Store, account: &Account, key: &ApiKey) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    let inserted = sql(
        "INSERT INTO account (id, name, is_operator, state, rates, created) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING",
    )
    .bind(account.id)
    .bind(&account.name)
    .bind(account.is_operator)
    .bind(account.state.name())
    .bind(serde_json::to_string(&account.rates)?)
    .bind(account.created)
    .execute(&mut tx)
    .await?;
    if inserted == 0 {
        return Ok(false);
    }
    keys::insert(&mut tx, key).await?;
    tx.commit().await?;
    Ok(true)
}

async fn find(store: &Store, id: AccountId) -> Result<Option<Account>, StoreError> {
    let row = sql("SELECT id, name, is_operator, state, rates, created FROM account WHERE id = $1")
        .bind(id)
        .fetch_optional(store.reader())
        .await?;
    row.as_ref().map(read).transpose()
}

async fn set_rates(store: &Store, id: AccountId, rates: &RateOverrides) -> Result<bool, StoreError> {
    let changed = sql("UPDATE account SET rates = $1 WHERE id = $2")
        .bind(serde_json::to_string(rates)?)
        .bind(id)
        .execute(store.writer())
        .await?;
    Ok(changed == 1)
}

async fn find_operator(store: &Store) -> Result<Option<Account>, StoreError> {
    let row = sql("SELECT id, name, is_operator, state, rates, created FROM account WHERE is_operator")
        .fetch_optional(store.reader())
        .await?;
    row.as_ref().map(read).transpose()
}

async fn list(store: &Store, cursor: Option<AccountId>, limit: u32) -> Result<Vec<Account>, StoreError> {
    // Every id sorts after the empty text.
    let after = cursor.map(|id| id.to_string()).unwrap_or_default();
    let rows = sql(
        "SELECT id, name, is_operator, state, rates, created FROM account WHERE id > $1 ORDER BY id LIMIT $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(store.reader())
    .await?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Account, StoreError> {
    Ok(Account {
        id: row.parsed("id")?,
        name: row.text("name")?,
        is_operator: row.flag("is_operator")?,
        state: row.named("state", &AccountState::ALL, AccountState::name)?,
        rates: row.json_as("rates")?,
        created: row.moment("created")?,
    })
}
