use std::sync::Arc;

use vocab::{AccountId, Clock, Secret};

use crate::account::{InvalidName, checked_name};
use crate::{
    Account, AccountState, AccountStore, AccountStoreError, ApiKey, KeyError, KeyTerms, Keys, RateOverrides,
};

const OPERATOR_NAME: &str = "operator";
const FIRST_KEY_NAME: &str = "first key";
const PAGE_MAX: u32 = 1000;

/// Makes and finds accounts.
pub struct Accounts {
    store: Arc<dyn AccountStore>,
    keys: Arc<Keys>,
    clock: Arc<dyn Clock>,
}

/// The account that runs this installation.
#[derive(Debug)]
pub struct Operator {
    /// The account.
    pub account: Account,
    /// Its first key with the whole text, from the one call that made the account. Show it now or never.
    pub first_key: Option<(ApiKey, Secret)>,
}

/// Why an account was not made or found.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The name cannot be shown in a list.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// There is no such account.
    #[error("there is no account `{0}`")]
    Unknown(AccountId),
    /// The operator's first key could not be made.
    #[error("the first key could not be made")]
    FirstKey(#[from] KeyError),
    /// Another process claimed to have made the operator, but it is not there.
    #[error("the operator account is missing")]
    OperatorMissing,
    /// The store failed.
    #[error("accounts are not available")]
    Store(#[from] AccountStoreError),
}

impl Accounts {
    /// Accounts kept in `store`.
    pub fn new(store: Arc<dyn AccountStore>, keys: Arc<Keys>, clock: Arc<dyn Clock>) -> Self {
        Self { store, keys, clock }
    }

    /// Finds the operator, or makes it with a first key.
    ///
    /// Exactly one call ever gets `first_key`, however many processes start on the same store at once.
    pub async fn ensure_operator(&self) -> Result<Operator, AccountError> {
        if let Some(account) = self.store.operator_find().await? {
            return Ok(Operator { account, first_key: None });
        }

        let account = self.new_account(OPERATOR_NAME, true)?;
        let (key, text) = self.keys.mint(account.id, FIRST_KEY_NAME, KeyTerms::default())?;
        if self.store.operator_insert(&account, &key).await? {
            return Ok(Operator { account, first_key: Some((key, text)) });
        }

        let account = self.store.operator_find().await?.ok_or(AccountError::OperatorMissing)?;
        Ok(Operator { account, first_key: None })
    }

    /// Makes an account.
    pub async fn create(&self, name: &str) -> Result<Account, AccountError> {
        let account = self.new_account(name, false)?;
        self.store.account_insert(&account).await?;
        Ok(account)
    }

    /// The account called `id`.
    pub async fn find(&self, id: AccountId) -> Result<Option<Account>, AccountError> {
        Ok(self.store.account_find(id).await?)
    }

    /// A page of accounts, oldest first; the id of its last is the cursor of the next. Never more than 1000.
    pub async fn list(&self, cursor: Option<AccountId>, limit: u32) -> Result<Vec<Account>, AccountError> {
        Ok(self.store.account_list(cursor, limit.min(PAGE_MAX)).await?)
    }

    /// Gives an account other limits than its plan or the platform has.
    pub async fn set_rates(&self, id: AccountId, rates: &RateOverrides) -> Result<(), AccountError> {
        let is_known = self.store.account_set_rates(id, rates).await?;
        if is_known { Ok(()) } else { Err(AccountError::Unknown(id)) }
    }

    fn new_account(&self, name: &str, is_operator: bool) -> Result<Account, InvalidName> {
        let name = checked_name(name)?;
        Ok(Account {
            id: AccountId::generate(),
            name,
            is_operator,
            state: AccountState::Active,
            rates: RateOverrides::default(),
            created: self.clock.now(),
        })
    }
}
