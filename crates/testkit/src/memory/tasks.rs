use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tasks::{Lease, Outcome, Submission, Task, TaskEvent, TaskQueue, TaskQueueError, TaskState};
use vocab::{AccountId, LeaseId, RequestId, Timestamp};

/// Tasks in memory, in order of submission.
#[derive(Default)]
pub struct MemoryTasks(Mutex<Vec<Task>>);

impl MemoryTasks {
    fn tasks(&self) -> MutexGuard<'_, Vec<Task>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets `event` happen to the task that is held under `lease`, if it is.
    fn change(
        &self,
        id: &RequestId,
        lease: LeaseId,
        event: TaskEvent,
        apply: impl FnOnce(&mut Task),
    ) -> Result<bool, TaskQueueError> {
        let mut tasks = self.tasks();
        let is_held = |task: &&mut Task| task.id == *id && task.lease.is_some_and(|held| held.id == lease);
        let Some(task) = tasks.iter_mut().find(is_held) else { return Ok(false) };
        task.state = task.state.after(event).map_err(|error| TaskQueueError(error.into()))?;
        task.lease = None;
        apply(task);
        Ok(true)
    }
}

#[async_trait]
impl TaskQueue for MemoryTasks {
    async fn task_submit(&self, task: &Task, open_max: u32) -> Result<Submission, TaskQueueError> {
        let mut tasks = self.tasks();
        let open = || tasks.iter().filter(|other| other.account == task.account && !other.state.is_over());
        let exists = tasks.iter().any(|other| other.id == task.id);
        if exists || open().any(|other| other.request_id == task.request_id) {
            return Ok(Submission::AlreadyOpen);
        }
        if open().count() >= open_max as usize {
            return Ok(Submission::TooMany);
        }
        tasks.push(task.clone());
        Ok(Submission::Accepted)
    }

    async fn task_claim(
        &self,
        kinds: &[String],
        lease: Lease,
        now: Timestamp,
    ) -> Result<Option<Task>, TaskQueueError> {
        let mut tasks = self.tasks();
        let is_free = |task: &Task| match task.state {
            TaskState::Queued => true,
            TaskState::Running => task.lease.is_none_or(|held| held.until <= now),
            TaskState::Succeeded | TaskState::Failed => false,
        };
        let oldest = tasks
            .iter_mut()
            .filter(|task| kinds.contains(&task.kind) && is_free(task) && now < task.expires)
            .min_by_key(|task| (task.created, task.id.clone()));
        let Some(task) = oldest else { return Ok(None) };

        task.state = task.state.after(TaskEvent::Claim).map_err(|error| TaskQueueError(error.into()))?;
        task.lease = Some(lease);
        task.attempts += 1;
        task.updated = now;
        Ok(Some(task.clone()))
    }

    async fn task_extend(
        &self,
        id: &RequestId,
        lease: LeaseId,
        until: Timestamp,
    ) -> Result<bool, TaskQueueError> {
        let mut tasks = self.tasks();
        let held = tasks.iter_mut().filter(|task| task.id == *id).find_map(|task| task.lease.as_mut());
        let Some(held) = held.filter(|held| held.id == lease) else { return Ok(false) };
        held.until = until;
        Ok(true)
    }

    async fn task_finish(
        &self,
        id: &RequestId,
        lease: LeaseId,
        outcome: &Outcome,
        at: Timestamp,
    ) -> Result<bool, TaskQueueError> {
        self.change(id, lease, outcome.event(), |task| {
            task.result = Some(outcome.value().clone());
            task.updated = at;
        })
    }

    async fn task_release(
        &self,
        id: &RequestId,
        lease: LeaseId,
        at: Timestamp,
    ) -> Result<bool, TaskQueueError> {
        self.change(id, lease, TaskEvent::Release, |task| {
            task.attempts = task.attempts.saturating_sub(1);
            task.updated = at;
        })
    }

    async fn task_find(&self, account: AccountId, id: &RequestId) -> Result<Option<Task>, TaskQueueError> {
        Ok(self.tasks().iter().find(|task| task.id == *id && task.account == account).cloned())
    }

    async fn task_purge(&self, before: Timestamp, limit: u32) -> Result<u64, TaskQueueError> {
        let mut purged = 0;
        self.tasks().retain(|task| {
            let is_kept = task.expires > before || purged == u64::from(limit);
            purged += u64::from(!is_kept);
            is_kept
        });
        Ok(purged)
    }
}
