use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Notify;
use vocab::{AccountId, Clock, KeyId, ModelName, RequestId};

use crate::{Submission, Task, TaskQueue, TaskQueueError, TaskState, Worker, WorkerSettings};

const PURGE_ROWS: u32 = 1000;
const PURGE_ROUNDS_MAX: u32 = 100;

/// Accepts tasks and finds them again.
pub struct Tasks {
    queue: Arc<dyn TaskQueue>,
    clock: Arc<dyn Clock>,
    settings: TaskSettings,
    submitted: Arc<Notify>,
}

/// Limits on tasks.
#[derive(Clone, Debug)]
pub struct TaskSettings {
    /// How long a task and its result are kept after submission (rule ASYNC-06).
    pub kept_for: Duration,
    /// How many tasks of one account may be queued or running.
    pub open_per_account_max: u32,
}

impl Default for TaskSettings {
    fn default() -> Self {
        Self { kept_for: Duration::from_secs(7 * 24 * 3600), open_per_account_max: 100 }
    }
}

/// What a caller wants done.
pub struct NewTask {
    /// The id of the submitting request; the client polls it.
    pub id: RequestId,
    /// Who is charged.
    pub account: AccountId,
    /// The key that was used.
    pub key: KeyId,
    /// Which handler runs it.
    pub kind: String,
    /// The client's own id for the request, if it sent one.
    pub request_id: Option<String>,
    /// The public model that was asked for.
    pub model: ModelName,
    /// What the handler needs.
    pub payload: Value,
}

/// Why a task was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The caller has a task of this `request_id` that is not over (rule ERR-08).
    #[error("request `{request_id}` is already being processed")]
    AlreadyOpen {
        /// The id that was sent twice.
        request_id: String,
    },
    /// The caller has as many open tasks as it may.
    #[error("{open_max} tasks are already waiting or running")]
    TooMany {
        /// How many that is.
        open_max: u32,
    },
    /// The queue failed; nothing was accepted as far as is known.
    #[error("tasks are not available")]
    Queue(#[from] TaskQueueError),
}

impl Tasks {
    /// Tasks kept in `queue`.
    pub fn new(queue: Arc<dyn TaskQueue>, clock: Arc<dyn Clock>, settings: TaskSettings) -> Self {
        Self { queue, clock, settings, submitted: Arc::default() }
    }

    /// Accepts a task. When this returns the task is on disk and survives a crash (rule ASYNC-07).
    pub async fn submit(&self, new: NewTask) -> Result<Task, SubmitError> {
        let NewTask { id, account, key, kind, request_id, model, payload } = new;
        let created = self.clock.now();
        let request_id = request_id.filter(|text| !text.is_empty()).unwrap_or_else(|| id.to_string());
        let task = Task {
            id,
            account,
            key,
            kind,
            request_id,
            model,
            payload,
            state: TaskState::Queued,
            result: None,
            attempts: 0,
            created,
            updated: created,
            lease: None,
            expires: created.plus(self.settings.kept_for),
        };

        let open_max = self.settings.open_per_account_max;
        match self.queue.task_submit(&task, open_max).await? {
            Submission::Accepted => {
                self.submitted.notify_one();
                Ok(task)
            }
            Submission::AlreadyOpen => Err(SubmitError::AlreadyOpen { request_id: task.request_id }),
            Submission::TooMany => Err(SubmitError::TooMany { open_max }),
        }
    }

    /// The task called `id`, if it is `account`'s and not forgotten (rules ASYNC-02, ASYNC-06).
    pub async fn find(&self, account: AccountId, id: &RequestId) -> Result<Option<Task>, TaskQueueError> {
        let now = self.clock.now();
        let task = self.queue.task_find(account, id).await?;
        Ok(task.filter(|task| now < task.expires))
    }

    /// Removes forgotten tasks. Called by the schedule; says how many there were.
    pub async fn purge(&self) -> Result<u64, TaskQueueError> {
        let now = self.clock.now();
        let mut purged = 0;
        for _ in 0..PURGE_ROUNDS_MAX {
            let round = self.queue.task_purge(now, PURGE_ROWS).await?;
            purged += round;
            if round < u64::from(PURGE_ROWS) {
                break;
            }
        }
        Ok(purged)
    }

    /// A worker for these tasks. It learns at once of what is submitted here, and by polling of what
    /// is submitted elsewhere.
    pub fn worker(&self, settings: WorkerSettings) -> Worker {
        Worker::new(self.queue.clone(), self.clock.clone(), self.submitted.clone(), settings)
    }
}
