use async_trait::async_trait;
use vocab::{AccountId, CaseId, Timestamp};

use super::{BanMark, BlockedEndUser, Case, CaseState, EndUserId, Restriction, Violation};

/// Where violations, cases, restrictions and blocked end users are kept for good.
///
/// Rows go in as given. Lists are never longer than their limit.
#[async_trait]
pub trait ConductStore: Send + Sync + 'static {
    /// Writes a violation, unless there is one of its account, client and hour. Says whether it wrote.
    async fn violation_insert(&self, violation: &Violation) -> Result<bool, ConductStoreError>;

    /// The violations that `query` names, the newest first.
    async fn violation_list(
        &self,
        query: &ViolationQuery,
        limit: u32,
    ) -> Result<Vec<Violation>, ConductStoreError>;

    /// Removes violations older than `before`, at most `limit` of them, and says how many.
    async fn violation_forget(&self, before: Timestamp, limit: u32) -> Result<u64, ConductStoreError>;

    /// The case called `id`.
    async fn case_find(&self, id: CaseId) -> Result<Option<Case>, ConductStoreError>;

    /// The cases that `query` names, in order of id, which is the order of opening.
    async fn case_list(&self, query: &CaseQuery, limit: u32) -> Result<Vec<Case>, ConductStoreError>;

    /// Strikes whose account was not told of them yet, in order of id.
    async fn case_untold(&self, limit: u32) -> Result<Vec<Case>, ConductStoreError>;

    /// Notes that the account is told of its strike. Says whether it was not before, so that one of several tells it.
    async fn case_tell(&self, id: CaseId) -> Result<bool, ConductStoreError>;

    /// How an account stands; none if it never had a case.
    async fn conduct_find(&self, account: AccountId) -> Result<Option<ConductRecord>, ConductStoreError>;

    /// Writes `case`, new or changed, and how its account stands after it: both or neither. Says whether it wrote: not
    /// if the account's record has another version than the one before `record.version`.
    async fn conduct_write(&self, record: &ConductRecord, case: &Case) -> Result<bool, ConductStoreError>;

    /// Blocks an end user. Says whether they were not blocked before.
    async fn end_user_block(&self, blocked: &BlockedEndUser) -> Result<bool, ConductStoreError>;

    /// Lets an end user in again. Says whether they were blocked.
    async fn end_user_unblock(&self, account: AccountId, id: &EndUserId) -> Result<bool, ConductStoreError>;

    /// The account's blocked end users after `cursor`, in the store's own order of ids.
    async fn end_user_list(
        &self,
        account: AccountId,
        cursor: Option<&EndUserId>,
        limit: u32,
    ) -> Result<Vec<BlockedEndUser>, ConductStoreError>;

    /// Remembers marks of a banned account; those that are known stay as they are.
    async fn ban_mark_insert(&self, case: CaseId, marks: &[BanMark]) -> Result<(), ConductStoreError>;

    /// The first of `marks`, in their order, that belongs to a banned account, as the case of the ban.
    async fn ban_mark_find(&self, marks: &[BanMark]) -> Result<Option<CaseId>, ConductStoreError>;

    /// Forgets the marks that `case` left.
    async fn ban_mark_forget(&self, case: CaseId) -> Result<(), ConductStoreError>;
}

/// How an account stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConductRecord {
    /// Whose.
    pub account: AccountId,
    /// Goes up by one with every write; the first is 1.
    pub version: u32,
    /// How many strikes stand.
    pub strikes: u32,
    /// When the last strike was given, whatever became of it.
    pub last_strike: Option<Timestamp>,
    /// What follows.
    pub restriction: Option<Restriction>,
}

/// Which violations to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViolationQuery {
    /// Only this account's.
    pub account: Option<AccountId>,
    /// Only from this moment on.
    pub since: Option<Timestamp>,
    /// Only before this moment.
    pub until: Option<Timestamp>,
}

/// Which cases to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseQuery {
    /// Only this account's.
    pub account: Option<AccountId>,
    /// Only in one of these states; in any if there are none.
    pub states: Vec<CaseState>,
    /// Only those after this one.
    pub cursor: Option<CaseId>,
}

/// The store of conduct did not do its work.
#[derive(Debug, thiserror::Error)]
#[error("the store of conduct did not answer")]
pub struct ConductStoreError(#[from] pub Box<dyn std::error::Error + Send + Sync>);

impl ConductRecord {
    /// The record of an account that never had a case. Its first write is version 1.
    pub fn clean(account: AccountId) -> Self {
        Self { account, version: 0, strikes: 0, last_strike: None, restriction: None }
    }
}
