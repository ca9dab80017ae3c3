use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use vocab::Timestamp;

use crate::{Kept, PeopleStoreError, RightsStore};

/// Rows deleted at once, so that a purge does not hold others up for long.
const BATCH: u32 = 1000;

/// Batches of one kind in one purge; what is left is for the next.
const BATCHES_MAX: u32 = 100;

/// How many days each kind of row is kept (rule DATA-14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionDays {
    /// Sessions, after they are over.
    pub sessions: u32,
    /// One-time tokens, after they expired.
    pub tokens: u32,
    /// Invitations, after they expired.
    pub invitations: u32,
    /// Lines of the audit log.
    pub audit: u32,
    /// People who never verified their address, with all that is theirs.
    pub unverified: u32,
}

/// Rows of another store that are not kept for ever.
#[async_trait]
pub trait Purge: Send + Sync + 'static {
    /// What kind of rows they are, in one word.
    fn kind(&self) -> &'static str;

    /// Deletes rows from before `before`, at most `limit`. Says how many.
    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, PurgeError>;
}

/// Rows were not deleted.
#[derive(Debug, thiserror::Error)]
#[error("rows of kind `{kind}` could not be deleted")]
pub struct PurgeError {
    /// Of which kind.
    pub kind: &'static str,
    /// Why.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// How many rows of a kind a purge deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purged {
    /// The kind.
    pub kind: &'static str,
    /// How many.
    pub rows: u64,
}

/// Deletes what was kept long enough.
pub struct Retention {
    store: Arc<dyn RightsStore>,
    days: RetentionDays,
    others: Vec<(u32, Arc<dyn Purge>)>,
}

impl Default for RetentionDays {
    /// A month for what is over, a week for who never arrived, a year for the audit log.
    fn default() -> Self {
        Self { sessions: 30, tokens: 7, invitations: 30, audit: 365, unverified: 7 }
    }
}

impl Retention {
    /// What `store` keeps, for so many days each.
    pub fn new(store: Arc<dyn RightsStore>, days: &RetentionDays) -> Self {
        Self { store, days: *days, others: Vec::new() }
    }

    /// Deletes rows of another store too, after so many days.
    #[must_use]
    pub fn with(mut self, days: u32, purge: Arc<dyn Purge>) -> Self {
        self.others.push((days, purge));
        self
    }

    /// Deletes everything whose time is over at `now`. A kind that fails does not keep the others.
    pub async fn purge(&self, now: Timestamp) -> Vec<Result<Purged, PurgeError>> {
        let kinds = [
            (self.days.sessions, Kept::Sessions),
            (self.days.tokens, Kept::Tokens),
            (self.days.invitations, Kept::Invitations),
            (self.days.audit, Kept::Audit),
            (self.days.unverified, Kept::Unverified),
        ];
        let mut results = Vec::with_capacity(kinds.len() + self.others.len());
        for (days, kind) in kinds {
            let rows = KeptRows { store: self.store.clone(), kind };
            results.push(purge_all(&rows, days_before(now, days)).await);
        }
        for (days, purge) in &self.others {
            results.push(purge_all(purge.as_ref(), days_before(now, *days)).await);
        }
        results
    }
}

fn days_before(now: Timestamp, days: u32) -> Timestamp {
    let span = Duration::from_secs(u64::from(days) * 24 * 3600);
    Timestamp::from_millis(
        now.as_millis().saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)),
    )
}

async fn purge_all(purge: &dyn Purge, before: Timestamp) -> Result<Purged, PurgeError> {
    let mut rows = 0_u64;
    for _ in 0..BATCHES_MAX {
        let deleted = purge.purge(before, BATCH).await?;
        rows = rows.saturating_add(deleted);
        if deleted == 0 {
            break;
        }
    }
    Ok(Purged { kind: purge.kind(), rows })
}

struct KeptRows {
    store: Arc<dyn RightsStore>,
    kind: Kept,
}

#[async_trait]
impl Purge for KeptRows {
    fn kind(&self) -> &'static str {
        match self.kind {
            Kept::Sessions => "sessions",
            Kept::Tokens => "tokens",
            Kept::Invitations => "invitations",
            Kept::Audit => "audit",
            Kept::Unverified => "unverified",
        }
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, PurgeError> {
        let purged = self.store.kept_purge(self.kind, before, limit).await;
        purged.map_err(|error: PeopleStoreError| PurgeError { kind: self.kind(), source: error.into() })
    }
}
