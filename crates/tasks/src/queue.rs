use async_trait::async_trait;
use vocab::{AccountId, LeaseId, RequestId, Timestamp};

use crate::{Lease, Outcome, Task};

/// Where tasks are kept until they are forgotten.
///
/// Every change to a claimed task names the claim it is made under and does nothing under another, so
/// a worker that was late, or thought dead, cannot overwrite what its successor did.
#[async_trait]
pub trait TaskQueue: Send + Sync + 'static {
    /// Writes a new queued task durably, unless its account has an open task of the same `request_id`
    /// or `open_max` open tasks in all.
    async fn task_submit(&self, task: &Task, open_max: u32) -> Result<Submission, TaskQueueError>;

    /// Claims the oldest task of one of `kinds` that waits, or whose lease ran out by `now`. Counts an
    /// attempt. Tasks that expired by `now` are left to the purge.
    async fn task_claim(
        &self,
        kinds: &[String],
        lease: Lease,
        now: Timestamp,
    ) -> Result<Option<Task>, TaskQueueError>;

    /// Moves the end of a claim to `until`. Says whether the claim still held.
    async fn task_extend(
        &self,
        id: &RequestId,
        lease: LeaseId,
        until: Timestamp,
    ) -> Result<bool, TaskQueueError>;

    /// Ends a task. Says whether the claim still held; if not, nothing changes.
    async fn task_finish(
        &self,
        id: &RequestId,
        lease: LeaseId,
        outcome: &Outcome,
        at: Timestamp,
    ) -> Result<bool, TaskQueueError>;

    /// Gives a task back unfinished, as if this claim had not been. Says whether the claim still held.
    async fn task_release(
        &self,
        id: &RequestId,
        lease: LeaseId,
        at: Timestamp,
    ) -> Result<bool, TaskQueueError>;

    /// The task called `id`, if it is `account`'s.
    async fn task_find(&self, account: AccountId, id: &RequestId) -> Result<Option<Task>, TaskQueueError>;

    /// Forgets at most `limit` tasks that expired at `before` or earlier. Says how many.
    async fn task_purge(&self, before: Timestamp, limit: u32) -> Result<u64, TaskQueueError>;
}

/// What became of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Submission {
    /// The task is kept and will be run.
    Accepted,
    /// A task of this id exists, or the account has an open one of the same `request_id`.
    AlreadyOpen,
    /// The account has as many open tasks as it may.
    TooMany,
}

/// The store of tasks did not do its work.
#[derive(Debug, thiserror::Error)]
#[error("the task queue did not answer")]
pub struct TaskQueueError(#[from] pub Box<dyn std::error::Error + Send + Sync>);
