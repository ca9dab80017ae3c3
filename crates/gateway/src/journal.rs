use async_trait::async_trait;

use crate::{UsageLog, UsageLogError, UsageRecord};

/// Where this node keeps usage records while the [`UsageLog`] does not take them.
///
/// What is appended is there after the process has ended, however it ended; the next start hands it to the log with
/// [`replay`]. Records may be in both at the same time: the log counts a request once.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Keeps a group of records durably, behind those that are there: all of it or nothing.
    async fn journal_append(&self, records: &[UsageRecord]) -> Result<JournalSerial, JournalError>;

    /// The oldest groups: as many whole ones as have `records_max` records together, but at least one. They stay
    /// until they are forgotten.
    async fn journal_oldest(&self, records_max: usize) -> Result<Option<Journalled>, JournalError>;

    /// Forgets the group `upto` and all before it: they are in the log.
    async fn journal_forget(&self, upto: JournalSerial) -> Result<(), JournalError>;
}

/// Names a group in a journal. Later groups have greater serials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JournalSerial(pub u64);

/// Groups read back from a journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Journalled {
    /// Their records, in the order in which they were appended.
    pub records: Vec<UsageRecord>,
    /// The last of the groups.
    pub upto: JournalSerial,
}

/// The journal did not keep, find or forget a group.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It is as large as it may be.
    #[error("the journal is full")]
    Full,
    /// The disk, or what is on it, does not allow it.
    #[error("the journal cannot be used")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What an earlier run had journalled is still in the journal.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be read, or not be forgotten.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The log does not take it.
    #[error(transparent)]
    Log(#[from] UsageLogError),
}

/// The most records of one transaction of a replay.
const REPLAY_RECORDS_MAX: usize = 512;

/// Hands everything in `journal` to `log`, oldest first, and says how many records that were.
///
/// Safe to repeat, also after it was broken off: what was handed in before is not counted again.
pub async fn replay(journal: &dyn Journal, log: &dyn UsageLog) -> Result<usize, ReplayError> {
    let mut count = 0;
    while let Some(Journalled { records, upto }) = journal.journal_oldest(REPLAY_RECORDS_MAX).await? {
        log.usage_append(&records).await?;
        journal.journal_forget(upto).await?;
        count += records.len();
    }
    Ok(count)
}
