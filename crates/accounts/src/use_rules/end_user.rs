use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use vocab::{AccountId, Clock, Timestamp};

use super::{ConductError, ConductStore};

/// How many end users one account can block.
const BLOCKED_MAX: u32 = 10_000;

/// How old a list may be before it is read anew: as long as a revoked key may go on working.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// How many accounts' lists are kept in memory.
const LISTS_MAX: u64 = 10_000;

const NOTE_CHARS_MAX: usize = 500;

/// Somebody who uses a caller's product: the `user_id` of a request, 6 to 128 characters (USE-10).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndUserId(Arc<str>);

/// A text that is no end user's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a `user_id` is 6 to 128 characters, none of them NUL")]
pub struct InvalidEndUserId;

/// An end user who may not call through an account; answered with 1300 and status 429.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockedEndUser {
    /// The account they come through.
    pub account: AccountId,
    /// Who.
    pub id: EndUserId,
    /// Since when.
    pub blocked: Timestamp,
    /// Why, in an operator's words.
    pub note: String,
}

/// Blocks bad end users, and them alone (USE-10).
pub struct EndUsers {
    store: Arc<dyn ConductStore>,
    clock: Arc<dyn Clock>,
    lists: Cache<AccountId, List>,
}

/// The blocked end users of one account, as they lately were.
#[derive(Clone)]
struct List {
    read: Timestamp,
    ids: Arc<HashSet<EndUserId>>,
}

impl EndUsers {
    /// Keeps blocks in `store`.
    pub fn new(store: Arc<dyn ConductStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, lists: Cache::builder().max_capacity(LISTS_MAX).build() }
    }

    /// Whether `id` is blocked on `account`. A block or its end is noticed by every node within a second.
    ///
    /// While the store does not answer, what was last known counts: other end users must not suffer for a list.
    pub async fn is_blocked(&self, account: AccountId, id: &EndUserId) -> bool {
        let now = self.clock.now();
        let known = self.lists.get(&account);
        if let Some(list) = &known
            && now.since(list.read) < TRUSTED_FOR
            && list.read <= now
        {
            return list.ids.contains(id);
        }
        match self.store.end_user_list(account, None, BLOCKED_MAX).await {
            Ok(blocked) => {
                let ids: Arc<HashSet<_>> = Arc::new(blocked.into_iter().map(|blocked| blocked.id).collect());
                let is_blocked = ids.contains(id);
                self.lists.insert(account, List { read: now, ids });
                is_blocked
            }
            Err(_) => {
                let ids = known.map(|list| list.ids).unwrap_or_default();
                let is_blocked = ids.contains(id);
                // The store is not asked again for every request while it is down.
                self.lists.insert(account, List { read: now, ids });
                is_blocked
            }
        }
    }

    /// Blocks `id` on `account`. Says whether they were not blocked before.
    pub async fn block(&self, account: AccountId, id: EndUserId, note: &str) -> Result<bool, ConductError> {
        let note = super::review::checked_words(note, NOTE_CHARS_MAX)?;
        let listed = self.store.end_user_list(account, None, BLOCKED_MAX).await?;
        let is_full = listed.len() >= BLOCKED_MAX as usize && listed.iter().all(|blocked| blocked.id != id);
        if is_full {
            return Err(ConductError::TooManyEndUsers { max: BLOCKED_MAX });
        }
        let is_new = self
            .store
            .end_user_block(&BlockedEndUser { account, id, blocked: self.clock.now(), note })
            .await?;
        self.lists.invalidate(&account);
        Ok(is_new)
    }

    /// Lets `id` in again. Says whether they were blocked.
    pub async fn unblock(&self, account: AccountId, id: &EndUserId) -> Result<bool, ConductError> {
        let was_blocked = self.store.end_user_unblock(account, id).await?;
        self.lists.invalidate(&account);
        Ok(was_blocked)
    }

    /// The account's blocked end users after `cursor`, in the store's own order, at most a thousand.
    pub async fn list(
        &self,
        account: AccountId,
        cursor: Option<&EndUserId>,
        limit: u32,
    ) -> Result<Vec<BlockedEndUser>, ConductError> {
        Ok(self.store.end_user_list(account, cursor, limit.min(super::review::PAGE_MAX)).await?)
    }
}

impl EndUserId {
    /// The id as the caller wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EndUserId {
    type Err = InvalidEndUserId;

    fn from_str(text: &str) -> Result<Self, InvalidEndUserId> {
        let is_id = (6..=128).contains(&text.chars().take(129).count());
        // NUL is what PostgreSQL cannot keep in a text.
        if is_id && !text.contains('\0') { Ok(Self(text.into())) } else { Err(InvalidEndUserId) }
    }
}

impl fmt::Display for EndUserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EndUserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}
