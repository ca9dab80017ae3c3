use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use accounts::{Account, AccountStore, AccountStoreError, ApiKey, KnownKey, PublicId};
use async_trait::async_trait;
use vocab::{AccountId, KeyId, Timestamp};

/// Accounts and keys in memory.
#[derive(Default)]
pub struct MemoryAccounts(Mutex<Rows>);

#[derive(Default)]
struct Rows {
    accounts: BTreeMap<AccountId, Account>,
    keys: BTreeMap<KeyId, ApiKey>,
}

impl MemoryAccounts {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rows {
    fn insert_account(&mut self, account: &Account) -> Result<(), AccountStoreError> {
        if self.accounts.contains_key(&account.id) {
            return Err(refused("the account exists"));
        }
        if account.is_operator && self.operator().is_some() {
            return Err(refused("there is an operator"));
        }
        self.accounts.insert(account.id, account.clone());
        Ok(())
    }

    fn insert_key(&mut self, key: &ApiKey) -> Result<(), AccountStoreError> {
        if !self.accounts.contains_key(&key.account) {
            return Err(refused("the key's account does not exist"));
        }
        let exists = |other: &ApiKey| other.id == key.id || other.public_id == key.public_id;
        if self.keys.values().any(exists) {
            return Err(refused("the key exists"));
        }
        self.keys.insert(key.id, key.clone());
        Ok(())
    }

    fn operator(&self) -> Option<&Account> {
        self.accounts.values().find(|account| account.is_operator)
    }
}

#[async_trait]
impl AccountStore for MemoryAccounts {
    async fn account_insert(&self, account: &Account) -> Result<(), AccountStoreError> {
        self.rows().insert_account(account)
    }

    async fn account_find(&self, id: AccountId) -> Result<Option<Account>, AccountStoreError> {
        Ok(self.rows().accounts.get(&id).cloned())
    }

    async fn account_list(
        &self,
        cursor: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<Account>, AccountStoreError> {
        let rows = self.rows();
        let after = rows.accounts.values().filter(|account| cursor.is_none_or(|cursor| cursor < account.id));
        Ok(after.take(limit as usize).cloned().collect())
    }

    async fn operator_insert(&self, account: &Account, key: &ApiKey) -> Result<bool, AccountStoreError> {
        let mut rows = self.rows();
        if rows.operator().is_some() {
            return Ok(false);
        }
        rows.insert_account(account)?;
        rows.insert_key(key)?;
        Ok(true)
    }

    async fn operator_find(&self) -> Result<Option<Account>, AccountStoreError> {
        Ok(self.rows().operator().cloned())
    }

    async fn key_insert(&self, key: &ApiKey) -> Result<(), AccountStoreError> {
        self.rows().insert_key(key)
    }

    async fn key_find_by_public_id(&self, id: PublicId) -> Result<Option<KnownKey>, AccountStoreError> {
        let rows = self.rows();
        let key = rows.keys.values().find(|key| key.public_id == id);
        Ok(key.and_then(|key| {
            let account = rows.accounts.get(&key.account)?;
            Some(KnownKey { key: key.clone(), account: account.clone() })
        }))
    }

    async fn key_find(&self, id: KeyId) -> Result<Option<ApiKey>, AccountStoreError> {
        Ok(self.rows().keys.get(&id).cloned())
    }

    async fn key_list(
        &self,
        account: Option<AccountId>,
        cursor: Option<KeyId>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, AccountStoreError> {
        let rows = self.rows();
        let after = rows.keys.values().filter(|key| {
            account.is_none_or(|account| account == key.account)
                && cursor.is_none_or(|cursor| cursor < key.id)
        });
        Ok(after.take(limit as usize).cloned().collect())
    }

    async fn key_revoke(&self, id: KeyId, at: Timestamp) -> Result<bool, AccountStoreError> {
        let mut rows = self.rows();
        let Some(key) = rows.keys.get_mut(&id).filter(|key| key.revoked.is_none()) else { return Ok(false) };
        key.revoked = Some(at);
        Ok(true)
    }

    async fn key_touch(&self, batch: &[(KeyId, Timestamp)]) -> Result<(), AccountStoreError> {
        let mut rows = self.rows();
        for (id, at) in batch {
            if let Some(key) = rows.keys.get_mut(id) {
                key.last_used = key.last_used.max(Some(*at));
            }
        }
        Ok(())
    }
}

fn refused(why: &str) -> AccountStoreError {
    AccountStoreError(why.into())
}
