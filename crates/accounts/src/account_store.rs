use async_trait::async_trait;
use vocab::{AccountId, KeyId, Timestamp};

use crate::{Account, ApiKey, PublicId, RateOverrides};

/// Where accounts and keys are kept for good.
///
/// Rows go in as given. Lists are in order of id, which is the order of making, start after a cursor
/// and are never longer than their limit.
#[async_trait]
pub trait AccountStore: Send + Sync + 'static {
    /// Writes a new account.
    async fn account_insert(&self, account: &Account) -> Result<(), AccountStoreError>;

    /// The account called `id`.
    async fn account_find(&self, id: AccountId) -> Result<Option<Account>, AccountStoreError>;

    /// Accounts after `cursor`.
    async fn account_list(
        &self,
        cursor: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<Account>, AccountStoreError>;

    /// Gives an account other limits. Says whether there is such an account.
    async fn account_set_rates(
        &self,
        id: AccountId,
        rates: &RateOverrides,
    ) -> Result<bool, AccountStoreError>;

    /// Writes the operator's account and its first key together, unless there is an operator already.
    /// Says whether it wrote; of several that try at once, one does.
    async fn operator_insert(&self, account: &Account, key: &ApiKey) -> Result<bool, AccountStoreError>;

    /// The operator's account.
    async fn operator_find(&self) -> Result<Option<Account>, AccountStoreError>;

    /// Writes a new key of an account that exists.
    async fn key_insert(&self, key: &ApiKey) -> Result<(), AccountStoreError>;

    /// The key a credential names, and whose it is; revoked and expired keys too.
    async fn key_find_by_public_id(&self, id: PublicId) -> Result<Option<KnownKey>, AccountStoreError>;

    /// The key called `id`.
    async fn key_find(&self, id: KeyId) -> Result<Option<ApiKey>, AccountStoreError>;

    /// Keys after `cursor`, of one account or of all.
    async fn key_list(
        &self,
        account: Option<AccountId>,
        cursor: Option<KeyId>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, AccountStoreError>;

    /// Changes what a key is called, what it is for and when it expires, if it is not revoked. Says whether it did.
    async fn key_change(&self, key: &ApiKey) -> Result<bool, AccountStoreError>;

    /// Writes the successor of a key that is not revoked, and lets that key expire at `until`, unless it does earlier.
    /// Says whether it did.
    async fn key_rotate(
        &self,
        id: KeyId,
        successor: &ApiKey,
        until: Timestamp,
    ) -> Result<bool, AccountStoreError>;

    /// Ends a key's life at `at`. Says whether it was alive: a key is revoked once.
    async fn key_revoke(&self, id: KeyId, at: Timestamp) -> Result<bool, AccountStoreError>;

    /// Records when keys were last used; never moves such a moment back. Unknown keys are passed over.
    async fn key_touch(&self, batch: &[(KeyId, Timestamp)]) -> Result<(), AccountStoreError>;
}

/// A key and the account it belongs to, read together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownKey {
    /// The key.
    pub key: ApiKey,
    /// Whose it is.
    pub account: Account,
}

/// The store of accounts did not do its work.
#[derive(Debug, thiserror::Error)]
#[error("the account store did not answer")]
pub struct AccountStoreError(#[from] pub Box<dyn std::error::Error + Send + Sync>);
