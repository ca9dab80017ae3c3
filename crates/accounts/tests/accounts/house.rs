//! Where the tests of keys live: a store that can be watched and broken, a clock with hands, and Ana.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use accounts::{
    Account, AccountStore, AccountStoreError, ApiKey, AuthError, Keys, KnownKey, PublicId, RateOverrides,
    Seal,
};
use async_trait::async_trait;
use testkit::clock::ManualClock;
use testkit::contract;
use testkit::memory::MemoryAccounts;
use vocab::{AccountId, KeyId, Secret, Timestamp};

pub struct House {
    pub store: Arc<WatchedStore>,
    pub clock: Arc<ManualClock>,
    pub keys: Keys,
    pub ana: AccountId,
}

impl House {
    pub async fn new() -> Self {
        let (store, clock) = (Arc::new(WatchedStore::default()), Arc::new(ManualClock::default()));
        let keys = Keys::new(store.clone(), Seal::generate().0, clock.clone());
        let ana = contract::accounts::account("Ana");
        store.account_insert(&ana).await.unwrap();
        Self { store, clock, keys, ana: ana.id }
    }

    pub async fn key(&self) -> (ApiKey, Secret) {
        self.keys.create(self.ana, "laptop", None).await.unwrap()
    }

    pub async fn refusal(&self, credential: &str) -> AuthError {
        self.keys.authenticate(credential).await.unwrap_err()
    }
}

/// A store that counts the reads of keys and fails when told to.
#[derive(Default)]
pub struct WatchedStore {
    inner: MemoryAccounts,
    pub reads: AtomicU32,
    pub is_down: AtomicBool,
}

impl WatchedStore {
    fn check(&self) -> Result<(), AccountStoreError> {
        if self.is_down.load(Ordering::SeqCst) { Err(AccountStoreError("down".into())) } else { Ok(()) }
    }
}

#[async_trait]
impl AccountStore for WatchedStore {
    async fn key_find_by_public_id(&self, id: PublicId) -> Result<Option<KnownKey>, AccountStoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        // Lets the other requests in, as a real store would.
        tokio::task::yield_now().await;
        self.check()?;
        self.inner.key_find_by_public_id(id).await
    }

    async fn key_touch(&self, batch: &[(KeyId, Timestamp)]) -> Result<(), AccountStoreError> {
        self.check()?;
        self.inner.key_touch(batch).await
    }

    async fn account_insert(&self, account: &Account) -> Result<(), AccountStoreError> {
        self.inner.account_insert(account).await
    }

    async fn account_find(&self, id: AccountId) -> Result<Option<Account>, AccountStoreError> {
        self.inner.account_find(id).await
    }

    async fn account_list(
        &self,
        cursor: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<Account>, AccountStoreError> {
        self.inner.account_list(cursor, limit).await
    }

    async fn operator_insert(&self, account: &Account, key: &ApiKey) -> Result<bool, AccountStoreError> {
        self.inner.operator_insert(account, key).await
    }

    async fn operator_find(&self) -> Result<Option<Account>, AccountStoreError> {
        self.inner.operator_find().await
    }

    async fn key_insert(&self, key: &ApiKey) -> Result<(), AccountStoreError> {
        self.inner.key_insert(key).await
    }

    async fn key_find(&self, id: KeyId) -> Result<Option<ApiKey>, AccountStoreError> {
        self.inner.key_find(id).await
    }

    async fn key_list(
        &self,
        account: Option<AccountId>,
        cursor: Option<KeyId>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, AccountStoreError> {
        self.inner.key_list(account, cursor, limit).await
    }

    async fn account_set_rates(
        &self,
        id: AccountId,
        rates: &RateOverrides,
    ) -> Result<bool, AccountStoreError> {
        self.inner.account_set_rates(id, rates).await
    }

    async fn key_change(&self, key: &ApiKey) -> Result<bool, AccountStoreError> {
        self.inner.key_change(key).await
    }

    async fn key_rotate(
        &self,
        id: KeyId,
        successor: &ApiKey,
        until: Timestamp,
    ) -> Result<bool, AccountStoreError> {
        self.inner.key_rotate(id, successor, until).await
    }

    async fn key_revoke(&self, id: KeyId, at: Timestamp) -> Result<bool, AccountStoreError> {
        self.inner.key_revoke(id, at).await
    }
}
