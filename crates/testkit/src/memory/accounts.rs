use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use accounts::{
    Account, AccountState, AccountStore, AccountStoreError, ApiKey, KnownKey, PublicId, RateOverrides,
};
use async_trait::async_trait;
use vocab::{AccountId, KeyId, ProjectId, Timestamp};

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

/// What the store of people does to accounts and keys, as one database would.
impl MemoryAccounts {
    /// Changes an account in place, if it is there; says whether `change` did.
    pub(crate) fn change(&self, id: AccountId, change: impl FnOnce(&mut Account) -> bool) -> bool {
        self.rows().accounts.get_mut(&id).is_some_and(change)
    }

    pub(crate) fn find(&self, id: AccountId) -> Option<Account> {
        self.rows().accounts.get(&id).cloned()
    }

    pub(crate) fn insert(&self, account: &Account) -> Result<(), AccountStoreError> {
        self.rows().insert_account(account)
    }

    /// Takes accounts away that were never used.
    pub(crate) fn remove(&self, id: AccountId) {
        self.rows().accounts.remove(&id);
    }

    pub(crate) fn has_keys(&self, id: AccountId) -> bool {
        self.rows().keys.values().any(|key| key.account == id)
    }

    /// Revokes the living keys of an account, or of one of its projects.
    pub(crate) fn revoke_all(&self, account: AccountId, project: Option<ProjectId>, at: Timestamp) {
        let mut rows = self.rows();
        let named =
            |key: &&mut ApiKey| key.account == account && (project.is_none() || key.project == project);
        for key in rows.keys.values_mut().filter(named) {
            key.revoked = key.revoked.or(Some(at));
        }
    }

    pub(crate) fn set_state(&self, id: AccountId, from: AccountState, to: AccountState) -> bool {
        self.change(id, |account| {
            let is_moved = account.state == from;
            if is_moved {
                account.state = to;
            }
            is_moved
        })
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

    async fn account_set_rates(
        &self,
        id: AccountId,
        rates: &RateOverrides,
    ) -> Result<bool, AccountStoreError> {
        let mut rows = self.rows();
        let Some(account) = rows.accounts.get_mut(&id) else { return Ok(false) };
        account.rates = *rates;
        Ok(true)
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

    async fn key_change(&self, key: &ApiKey) -> Result<bool, AccountStoreError> {
        let mut rows = self.rows();
        let Some(kept) = rows.keys.get_mut(&key.id).filter(|key| key.revoked.is_none()) else {
            return Ok(false);
        };
        kept.name.clone_from(&key.name);
        kept.project = key.project;
        kept.scope = key.scope.clone();
        kept.monthly_spend_max = key.monthly_spend_max;
        kept.expires = key.expires;
        Ok(true)
    }

    async fn key_rotate(
        &self,
        id: KeyId,
        successor: &ApiKey,
        until: Timestamp,
    ) -> Result<bool, AccountStoreError> {
        let mut rows = self.rows();
        let Some(key) = rows.keys.get_mut(&id).filter(|key| key.revoked.is_none()) else { return Ok(false) };
        key.expires = Some(key.expires.map_or(until, |expires| expires.min(until)));
        rows.insert_key(successor)?;
        Ok(true)
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
