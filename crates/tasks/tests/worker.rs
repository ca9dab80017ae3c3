//! Tasks from submission to outcome.

#![expect(clippy::unwrap_used, reason = "a helper that cannot do its part fails the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tasks::{
    Lease, NewTask, Outcome, SubmitError, Task, TaskHandler, TaskQueue, TaskSettings, TaskState, Tasks,
    WorkerSettings,
};
use testkit::clock::ManualClock;
use testkit::memory::MemoryTasks;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vocab::{AccountId, Clock, KeyId, LeaseId, RequestId};

/// Runs a task when it is given a permit, and does what the payload says.
struct Scripted {
    permits: Semaphore,
    started: AtomicU32,
    running: AtomicU32,
    running_max: AtomicU32,
}

impl Scripted {
    fn new(permits: usize) -> Arc<Self> {
        Arc::new(Self {
            permits: Semaphore::new(permits),
            started: AtomicU32::new(0),
            running: AtomicU32::new(0),
            running_max: AtomicU32::new(0),
        })
    }

    fn started(&self) -> u32 {
        self.started.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl TaskHandler for Scripted {
    async fn run(&self, task: &Task) -> Outcome {
        self.started.fetch_add(1, Ordering::SeqCst);
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.running_max.fetch_max(running, Ordering::SeqCst);
        self.permits.acquire().await.unwrap().forget();
        self.running.fetch_sub(1, Ordering::SeqCst);
        match task.payload.as_str() {
            Some("fail") => Outcome::Failed(json!({"code": "1230"})),
            Some("panic") => panic!("the handler panics, as the test wants"),
            _ => Outcome::Succeeded(json!({"echo": task.payload})),
        }
    }

    fn gave_up(&self, task: &Task) -> Value {
        json!({"gave_up": task.kind})
    }
}

struct House {
    queue: Arc<MemoryTasks>,
    clock: Arc<ManualClock>,
    tasks: Tasks,
    account: AccountId,
}

impl House {
    fn new() -> Self {
        let (queue, clock) = (Arc::new(MemoryTasks::default()), Arc::new(ManualClock::default()));
        let tasks = Tasks::new(queue.clone(), clock.clone(), TaskSettings::default());
        Self { queue, clock, tasks, account: AccountId::generate() }
    }

    fn new_task(&self, payload: &str) -> NewTask {
        NewTask {
            id: RequestId::generate(self.clock.now()),
            account: self.account,
            key: KeyId::generate(),
            kind: "chat".to_owned(),
            request_id: None,
            model: "glm-4.7".parse().unwrap(),
            payload: json!(payload),
        }
    }

    async fn submit(&self, payload: &str) -> Task {
        self.tasks.submit(self.new_task(payload)).await.unwrap()
    }

    async fn find(&self, task: &Task) -> Task {
        self.tasks.find(self.account, &task.id).await.unwrap().unwrap()
    }

    /// Waits until the task is over. The worker runs in real time beside the test.
    async fn ended(&self, task: &Task) -> Task {
        let over = async {
            loop {
                let found = self.find(task).await;
                if found.state.is_over() {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), over).await.expect("the task ends")
    }

    fn worker(
        &self,
        handler: &Arc<Scripted>,
        settings: WorkerSettings,
    ) -> (CancellationToken, JoinHandle<()>) {
        let stop = CancellationToken::new();
        let worker = self.tasks.worker(settings).with_handler("chat", handler.clone());
        (stop.clone(), tokio::spawn(worker.run(stop)))
    }
}

fn settings() -> WorkerSettings {
    WorkerSettings { poll_every: Duration::from_millis(5), ..WorkerSettings::default() }
}

async fn until(mut condition: impl FnMut() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("it happens");
}

/// ASYNC-01, ASYNC-02: submitted, in progress, over.
#[tokio::test]
async fn a_task_ends_with_its_handlers_outcome() {
    let house = House::new();
    let task = house.submit("hello").await;
    assert_eq!(task.request_id, task.id.to_string());
    assert_eq!(house.find(&task).await.state, TaskState::Queued);

    let handler = Scripted::new(100);
    let (stop, worker) = house.worker(&handler, settings());
    let ended = house.ended(&task).await;
    assert_eq!((ended.state, ended.attempts), (TaskState::Succeeded, 1));
    assert_eq!(ended.result, Some(json!({"echo": "hello"})));

    let failed = house.submit("fail").await;
    let ended = house.ended(&failed).await;
    assert_eq!((ended.state, ended.result), (TaskState::Failed, Some(json!({"code": "1230"}))));
    stop.cancel();
    worker.await.unwrap();
}

/// A worker in the same process does not wait for its next poll.
#[tokio::test]
async fn a_submission_wakes_the_worker() {
    let house = House::new();
    let handler = Scripted::new(100);
    let slow = WorkerSettings { poll_every: Duration::from_secs(3_600), ..WorkerSettings::default() };
    let (_stop, _worker) = house.worker(&handler, slow);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let tasks = [house.submit("1").await, house.submit("2").await];
    for task in tasks {
        house.ended(&task).await;
    }
}

#[tokio::test]
async fn no_more_tasks_run_at_a_time_than_allowed() {
    let house = House::new();
    let handler = Scripted::new(0);
    let mut tasks = Vec::new();
    for number in 0..10 {
        tasks.push(house.submit(&number.to_string()).await);
    }
    let (_stop, _worker) = house.worker(&handler, WorkerSettings { concurrency_max: 3, ..settings() });
    until(|| handler.started() == 3).await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(handler.started(), 3);
    handler.permits.add_permits(10);
    for task in &tasks {
        house.ended(task).await;
    }
    assert_eq!(handler.running_max.load(Ordering::SeqCst), 3);
}

/// ASYNC-07: a stopping worker gives its tasks back, and the next start ends them.
#[tokio::test]
async fn a_task_survives_a_restart() {
    let house = House::new();
    let task = house.submit("hello").await;
    let stuck = Scripted::new(0);
    let (stop, worker) = house.worker(&stuck, settings());
    until(|| stuck.started() == 1).await;
    stop.cancel();
    worker.await.unwrap();
    let waiting = house.find(&task).await;
    assert_eq!((waiting.state, waiting.attempts), (TaskState::Queued, 0));

    let (_stop, _worker) = house.worker(&Scripted::new(1), settings());
    assert_eq!(house.ended(&task).await.state, TaskState::Succeeded);
}

/// ASYNC-07: a task whose worker was killed is taken up by another when the lease has run out.
#[tokio::test]
async fn a_killed_workers_task_is_taken_up() {
    let house = House::new();
    let task = house.submit("hello").await;
    let dead = Lease { id: LeaseId::generate(), until: house.clock.now().plus(Duration::from_secs(30)) };
    house.queue.task_claim(&["chat".to_owned()], dead, house.clock.now()).await.unwrap().unwrap();

    let handler = Scripted::new(1);
    let (_stop, _worker) = house.worker(&handler, settings());
    tokio::time::sleep(Duration::from_millis(30)).await;
    assert_eq!(handler.started(), 0, "the lease holds");
    house.clock.advance(Duration::from_secs(30));
    let ended = house.ended(&task).await;
    assert_eq!((ended.state, ended.attempts), (TaskState::Succeeded, 2));
}

/// A task that kills every worker that touches it is given up in the end.
#[tokio::test]
async fn a_task_is_given_up_after_so_many_attempts() {
    let house = House::new();
    let task = house.submit("poison").await;
    for _ in 0..3 {
        let now = house.clock.now();
        let dead = Lease { id: LeaseId::generate(), until: now };
        house.queue.task_claim(&["chat".to_owned()], dead, now).await.unwrap().unwrap();
    }
    let handler = Scripted::new(1);
    let (_stop, _worker) = house.worker(&handler, WorkerSettings { attempts_max: 3, ..settings() });
    let ended = house.ended(&task).await;
    assert_eq!((ended.state, ended.result), (TaskState::Failed, Some(json!({"gave_up": "chat"}))));
    assert_eq!(handler.started(), 0);
}

#[tokio::test]
async fn a_panic_fails_its_own_task_only() {
    let house = House::new();
    let (bad, good) = (house.submit("panic").await, house.submit("hello").await);
    let (_stop, _worker) = house.worker(&Scripted::new(2), settings());
    assert_eq!(house.ended(&bad).await.result, Some(json!({"gave_up": "chat"})));
    assert_eq!(house.ended(&good).await.state, TaskState::Succeeded);
}

/// While a task runs its lease is extended, so that nobody else begins it.
#[tokio::test]
async fn a_running_task_keeps_its_lease() {
    let house = House::new();
    let task = house.submit("hello").await;
    let handler = Scripted::new(0);
    let lease = Duration::from_millis(30);
    let (_stop, _worker) = house.worker(&handler, WorkerSettings { lease, ..settings() });
    until(|| handler.started() == 1).await;
    let first = house.find(&task).await.lease.unwrap();
    house.clock.advance(Duration::from_millis(20));
    let extended = async {
        while house.find(&task).await.lease.unwrap().until == first.until {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), extended).await.expect("a sign of life");
    assert_eq!(house.find(&task).await.lease.unwrap().id, first.id);
}

/// A worker that lost its claim stops working on the task and overwrites nothing.
#[tokio::test]
async fn a_worker_that_lost_its_claim_lets_go() {
    let house = House::new();
    let task = house.submit("hello").await;
    let handler = Scripted::new(0);
    let settings = WorkerSettings { lease: Duration::from_millis(30), concurrency_max: 1, ..settings() };
    let (_stop, _worker) = house.worker(&handler, settings);
    until(|| handler.started() == 1).await;

    let held = house.find(&task).await.lease.unwrap();
    let thief = Lease { id: LeaseId::generate(), until: held.until.plus(Duration::from_secs(3_600)) };
    house
        .queue
        .task_claim(&["chat".to_owned()], thief, held.until.plus(Duration::from_secs(60)))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    handler.permits.add_permits(1);
    tokio::time::sleep(Duration::from_millis(30)).await;
    let found = house.find(&task).await;
    assert_eq!((found.state, found.lease), (TaskState::Running, Some(thief)));
}

/// ERR-08 and the bound on open tasks, as the service reports them.
#[tokio::test]
async fn submissions_are_refused_with_their_reason() {
    let house = House::new();
    let named = |house: &House| NewTask { request_id: Some("job-1".to_owned()), ..house.new_task("x") };
    assert_eq!(house.tasks.submit(named(&house)).await.unwrap().request_id, "job-1");
    let error = house.tasks.submit(named(&house)).await.unwrap_err();
    assert!(matches!(error, SubmitError::AlreadyOpen { request_id } if request_id == "job-1"));

    for _ in 1..100 {
        house.submit("x").await;
    }
    let error = house.tasks.submit(house.new_task("x")).await.unwrap_err();
    assert!(matches!(error, SubmitError::TooMany { open_max: 100 }));
}

/// ASYNC-06: on day eight the task is not found, purged or not.
#[tokio::test]
async fn a_task_is_forgotten_after_a_week() {
    let house = House::new();
    let task = house.submit("hello").await;
    house.clock.advance(Duration::from_secs(7 * 24 * 3_600) - Duration::from_millis(1));
    assert!(house.tasks.find(house.account, &task.id).await.unwrap().is_some());
    assert_eq!(house.tasks.purge().await.unwrap(), 0);
    house.clock.advance(Duration::from_millis(1));
    assert!(house.tasks.find(house.account, &task.id).await.unwrap().is_none());
    assert_eq!(house.tasks.purge().await.unwrap(), 1);
    assert!(house.queue.task_find(house.account, &task.id).await.unwrap().is_none());
}
