use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{error, warn};
use vocab::{Clock, LeaseId};

use crate::{Lease, Outcome, Task, TaskQueue, TaskQueueError};

/// How often an outcome is offered to a queue that fails. Losing it would mean doing the work again.
const FINISH_TRIES_MAX: u32 = 6;
const FINISH_RETRY_FIRST: Duration = Duration::from_millis(100);

/// What does the work of one kind of task.
#[async_trait]
pub trait TaskHandler: Send + Sync + 'static {
    /// Does the work. May be dropped at any point, when the server stops or the claim is lost; the task
    /// is then run again from the beginning. A panic fails the task.
    async fn run(&self, task: &Task) -> Outcome;

    /// The error of a task that no worker lived to finish, or whose handler panicked, in the form in
    /// which it is served.
    fn gave_up(&self, _task: &Task) -> Value {
        json!({"code": "500", "message": "Internal Error"})
    }
}

/// Runs tasks, several at a time, until it is stopped.
pub struct Worker {
    desk: Arc<Desk>,
    submitted: Arc<Notify>,
    handlers: BTreeMap<String, Arc<dyn TaskHandler>>,
}

/// How a worker works.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// How many tasks run at a time.
    pub concurrency_max: usize,
    /// How often the queue is asked when nothing was submitted in this process.
    pub poll_every: Duration,
    /// How long a claim lasts without a sign of life; signs are given three times as often. It is how
    /// long the tasks of a crashed worker wait for another.
    pub lease: Duration,
    /// How often a task is tried before it fails.
    pub attempts_max: u32,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            concurrency_max: 8,
            poll_every: Duration::from_secs(1),
            lease: Duration::from_secs(30),
            attempts_max: 3,
        }
    }
}

/// What the worker's running tasks share.
struct Desk {
    queue: Arc<dyn TaskQueue>,
    clock: Arc<dyn Clock>,
    settings: WorkerSettings,
}

impl Worker {
    pub(crate) fn new(
        queue: Arc<dyn TaskQueue>,
        clock: Arc<dyn Clock>,
        submitted: Arc<Notify>,
        settings: WorkerSettings,
    ) -> Self {
        let desk = Arc::new(Desk { queue, clock, settings });
        Self { desk, submitted, handlers: BTreeMap::new() }
    }

    /// Runs tasks of `kind` with `handler`.
    #[must_use]
    pub fn with_handler(mut self, kind: &str, handler: Arc<dyn TaskHandler>) -> Self {
        self.handlers.insert(kind.to_owned(), handler);
        self
    }

    /// Works until `stop`. Tasks that run then are dropped and given back to the queue, where the next
    /// start finds them; returns when all are.
    pub async fn run(self, stop: CancellationToken) {
        let kinds: Vec<String> = self.handlers.keys().cloned().collect();
        let mut running = JoinSet::new();
        while !stop.is_cancelled() {
            self.fill(&kinds, &mut running, &stop).await;

            let has_room = running.len() < self.desk.settings.concurrency_max;
            tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = running.join_next() => {}
                () = self.submitted.notified(), if has_room => {}
                () = sleep(self.desk.settings.poll_every), if has_room => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// Claims tasks until all hands are busy or nothing waits.
    async fn fill(&self, kinds: &[String], running: &mut JoinSet<()>, stop: &CancellationToken) {
        while running.len() < self.desk.settings.concurrency_max && !stop.is_cancelled() {
            let lease = self.desk.new_lease();
            let task = match self.desk.queue.task_claim(kinds, lease, self.desk.clock.now()).await {
                Ok(Some(task)) => task,
                Ok(None) => return,
                Err(error) => {
                    warn!(error = cause(&error), "tasks cannot be claimed, will ask again");
                    return;
                }
            };
            // The queue only hands out what was asked for.
            let Some(handler) = self.handlers.get(&task.kind).cloned() else { return };
            running.spawn(self.desk.clone().attend(task, lease.id, handler, stop.clone()));
        }
    }
}

impl Desk {
    /// Sees one claimed task through to its end, its release or the loss of the claim.
    async fn attend(
        self: Arc<Self>,
        task: Task,
        lease: LeaseId,
        handler: Arc<dyn TaskHandler>,
        stop: CancellationToken,
    ) {
        if task.attempts > self.settings.attempts_max {
            error!(task.id = %task.id, attempts = task.attempts - 1, "gave up a task that was never finished");
            return self.finish(&task, lease, &Outcome::Failed(handler.gave_up(&task))).await;
        }

        let task = Arc::new(task);
        // Its own tokio task, so that a panic in the handler ends this task and no other.
        let mut work = AbortOnDropHandle::new(tokio::spawn({
            let (task, handler) = (task.clone(), handler.clone());
            async move { handler.run(&task).await }
        }));
        let beat = (self.settings.lease / 3).max(Duration::from_millis(1));
        let mut heartbeat = interval_at(Instant::now() + beat, beat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);

        loop {
            tokio::select! {
                biased;
                ended = &mut work => {
                    let outcome = ended.unwrap_or_else(|_| {
                        error!(task.id = %task.id, "the handler of a `{}` task panicked", task.kind);
                        Outcome::Failed(handler.gave_up(&task))
                    });
                    return self.finish(&task, lease, &outcome).await;
                }
                () = stop.cancelled() => {
                    work.abort();
                    // Waits until the handler is gone: released earlier, the task could run twice at once.
                    let _ = work.await;
                    return self.release(&task, lease).await;
                }
                _ = heartbeat.tick() => {
                    if !self.extend(&task, lease).await {
                        return;
                    }
                }
            }
        }
    }

    /// Gives a sign of life. Says whether to go on.
    async fn extend(&self, task: &Task, lease: LeaseId) -> bool {
        let until = self.new_lease().until;
        match self.queue.task_extend(&task.id, lease, until).await {
            Ok(true) => true,
            Ok(false) => {
                warn!(task.id = %task.id, "lost the claim on a task, dropping it");
                false
            }
            // The queue may be back before the lease runs out.
            Err(error) => {
                warn!(task.id = %task.id, error = cause(&error), "a task's lease could not be extended");
                true
            }
        }
    }

    async fn finish(&self, task: &Task, lease: LeaseId, outcome: &Outcome) {
        let mut pause = FINISH_RETRY_FIRST;
        for _ in 0..FINISH_TRIES_MAX {
            match self.queue.task_finish(&task.id, lease, outcome, self.clock.now()).await {
                Ok(true) => return,
                Ok(false) => {
                    warn!(task.id = %task.id, "a task was finished too late, its new claim stands");
                    return;
                }
                Err(error) => {
                    warn!(task.id = %task.id, error = cause(&error), "a task's outcome could not be kept");
                    sleep(pause).await;
                    pause *= 2;
                }
            }
        }
        error!(task.id = %task.id, "a task's outcome is lost, it will be run again");
    }

    async fn release(&self, task: &Task, lease: LeaseId) {
        if let Err(error) = self.queue.task_release(&task.id, lease, self.clock.now()).await {
            warn!(task.id = %task.id, error = cause(&error), "a task was not released and waits for its lease to run out");
        }
    }

    fn new_lease(&self) -> Lease {
        Lease { id: LeaseId::generate(), until: self.clock.now().plus(self.settings.lease) }
    }
}

fn cause(error: &TaskQueueError) -> &(dyn std::error::Error + 'static) {
    error.0.as_ref()
}
