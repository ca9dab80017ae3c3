//! What every task queue must do.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;
use tasks::{Lease, Outcome, Submission, Task, TaskQueue, TaskState};
use vocab::{AccountId, KeyId, LeaseId, ModelName, RequestId, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(1_770_631_146_000);
const MANY: u32 = 1_000;

/// Runs every rule on a fresh queue.
pub async fn all<S: TaskQueue>(fresh: impl AsyncFn() -> S) {
    tasks_come_back_as_they_went_in(&fresh().await).await;
    a_task_is_seen_by_its_account_only(&fresh().await).await;
    an_open_request_id_is_not_taken_twice(&fresh().await).await;
    an_account_has_so_many_open_tasks(&fresh().await).await;
    the_oldest_of_the_right_kind_is_claimed(&fresh().await).await;
    a_task_is_claimed_by_one(&fresh().await).await;
    a_crashed_workers_task_is_claimed_again(&fresh().await).await;
    a_late_worker_changes_nothing(&fresh().await).await;
    an_extended_lease_holds(&fresh().await).await;
    a_released_task_costs_no_attempt(&fresh().await).await;
    an_outcome_stands(&fresh().await).await;
    expired_tasks_are_forgotten(&fresh().await).await;
}

/// A queued task of a new account, made at `NOW` plus `after_ms`.
pub fn task(kind: &str, after_ms: u64) -> Task {
    let created = NOW.plus(Duration::from_millis(after_ms));
    let id = RequestId::generate(created);
    Task {
        request_id: id.to_string(),
        id,
        account: AccountId::generate(),
        key: KeyId::generate(),
        kind: kind.to_owned(),
        model: "glm-4.7".parse::<ModelName>().expect("a model name"),
        payload: json!({"messages": [{"role": "user", "content": "'; DROP TABLE task; -- 你好"}], "z": 1, "a": 1.5}),
        state: TaskState::Queued,
        result: None,
        attempts: 0,
        created,
        updated: created,
        lease: None,
        expires: created.plus(Duration::from_secs(3_600)),
    }
}

async fn submitted<S: TaskQueue>(queue: &S, kind: &str, after_ms: u64) -> Task {
    let task = task(kind, after_ms);
    assert_eq!(queue.task_submit(&task, MANY).await.expect("the queue answers"), Submission::Accepted);
    task
}

async fn found<S: TaskQueue>(queue: &S, task: &Task) -> Task {
    queue.task_find(task.account, &task.id).await.expect("the queue answers").expect("the task is there")
}

/// A new claim for one minute from `now`.
fn lease(now: Timestamp) -> Lease {
    Lease { id: LeaseId::generate(), until: now.plus(Duration::from_secs(60)) }
}

async fn claimed<S: TaskQueue>(queue: &S, lease: Lease, now: Timestamp) -> Option<Task> {
    queue.task_claim(&["chat".to_owned()], lease, now).await.expect("the queue answers")
}

async fn tasks_come_back_as_they_went_in<S: TaskQueue>(queue: &S) {
    let task = submitted(queue, "chat", 0).await;
    let kept = found(queue, &task).await;
    assert!(kept == task, "{kept:?} {task:?}");
    assert_eq!(kept.payload.to_string(), task.payload.to_string(), "in the same order");
}

/// ASYNC-02: to another account the task does not exist.
async fn a_task_is_seen_by_its_account_only<S: TaskQueue>(queue: &S) {
    let task = submitted(queue, "chat", 0).await;
    let stranger = AccountId::generate();
    assert!(queue.task_find(stranger, &task.id).await.expect("the queue answers").is_none());
    let unknown = RequestId::generate(NOW);
    assert!(queue.task_find(task.account, &unknown).await.expect("the queue answers").is_none());
}

/// ERR-08: a `request_id` in progress is refused, to its own account only and only until it is over.
async fn an_open_request_id_is_not_taken_twice<S: TaskQueue>(queue: &S) {
    let mut first = task("chat", 0);
    first.request_id = "job-1".to_owned();
    let mut again = Task { account: first.account, ..task("chat", 1) };
    again.request_id.clone_from(&first.request_id);
    let mut of_another = task("image", 2);
    of_another.request_id.clone_from(&first.request_id);

    let submit = async |task: &Task| queue.task_submit(task, MANY).await.expect("the queue answers");
    assert_eq!(submit(&first).await, Submission::Accepted);
    assert_eq!(submit(&first).await, Submission::AlreadyOpen);
    assert_eq!(submit(&again).await, Submission::AlreadyOpen);
    assert_eq!(submit(&of_another).await, Submission::Accepted);

    let lease = lease(NOW);
    claimed(queue, lease, NOW).await.expect("one waits");
    assert_eq!(submit(&again).await, Submission::AlreadyOpen, "running is open too");
    let outcome = Outcome::Failed(json!({}));
    assert!(queue.task_finish(&first.id, lease.id, &outcome, NOW).await.expect("the queue answers"));
    assert_eq!(submit(&again).await, Submission::Accepted);
}

async fn an_account_has_so_many_open_tasks<S: TaskQueue>(queue: &S) {
    let first = submitted(queue, "chat", 0).await;
    let second = Task { account: first.account, ..task("chat", 1) };
    let third = Task { account: first.account, ..task("chat", 2) };
    let submit = async |task: &Task| queue.task_submit(task, 2).await.expect("the queue answers");

    assert_eq!(submit(&second).await, Submission::Accepted);
    assert_eq!(submit(&third).await, Submission::TooMany);
    assert!(queue.task_find(third.account, &third.id).await.expect("the queue answers").is_none());
    assert_eq!(submit(&task("chat", 3)).await, Submission::Accepted, "another account is not affected");

    let lease = lease(NOW);
    claimed(queue, lease, NOW).await.expect("one waits");
    let outcome = Outcome::Succeeded(json!(null));
    assert!(queue.task_finish(&first.id, lease.id, &outcome, NOW).await.expect("the queue answers"));
    assert_eq!(submit(&third).await, Submission::Accepted);
}

async fn the_oldest_of_the_right_kind_is_claimed<S: TaskQueue>(queue: &S) {
    let late = submitted(queue, "chat", 20).await;
    let early = submitted(queue, "chat", 10).await;
    submitted(queue, "image", 0).await;
    let now = NOW.plus(Duration::from_secs(1));
    let lease = lease(now);

    let task = claimed(queue, lease, now).await.expect("two wait");
    assert_eq!(task.id, early.id);
    assert_eq!((task.state, task.attempts, task.updated), (TaskState::Running, 1, now));
    assert_eq!(task.lease, Some(lease));
    assert!(found(queue, &early).await == task);
    assert_eq!(claimed(queue, self::lease(now), now).await.expect("one waits").id, late.id);
    assert!(claimed(queue, self::lease(now), now).await.is_none());
    assert!(queue.task_claim(&[], self::lease(now), now).await.expect("the queue answers").is_none());
}

async fn a_task_is_claimed_by_one<S: TaskQueue>(queue: &S) {
    for after_ms in 0..20 {
        submitted(queue, "chat", after_ms).await;
    }
    let now = NOW.plus(Duration::from_secs(1));
    let claims = futures::future::join_all((0..40).map(|_| claimed(queue, lease(now), now))).await;
    let ids: Vec<_> = claims.into_iter().flatten().map(|task| task.id).collect();
    assert_eq!(ids.len(), 20);
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 20);
}

/// ASYNC-07: the task of a worker that died is taken up when its lease has run out, and not before.
async fn a_crashed_workers_task_is_claimed_again<S: TaskQueue>(queue: &S) {
    let task = submitted(queue, "chat", 0).await;
    let first = lease(NOW);
    claimed(queue, first, NOW).await.expect("one waits");

    let just_before = NOW.plus(Duration::from_millis(59_999));
    assert!(claimed(queue, lease(just_before), just_before).await.is_none());
    let second = lease(first.until);
    let again = claimed(queue, second, first.until).await.expect("the lease has run out");
    assert_eq!((again.id, again.attempts, again.lease), (task.id, 2, Some(second)));
}

/// ASYNC-07: what a worker brings after another took over is not kept.
async fn a_late_worker_changes_nothing<S: TaskQueue>(queue: &S) {
    let task = submitted(queue, "chat", 0).await;
    let (first, second) = (lease(NOW), lease(NOW.plus(Duration::from_secs(60))));
    claimed(queue, first, NOW).await.expect("one waits");
    let before = claimed(queue, second, first.until).await.expect("the lease has run out");

    let outcome = Outcome::Succeeded(json!("late"));
    assert!(!queue.task_finish(&task.id, first.id, &outcome, first.until).await.expect("the queue answers"));
    assert!(!queue.task_extend(&task.id, first.id, second.until).await.expect("the queue answers"));
    assert!(!queue.task_release(&task.id, first.id, first.until).await.expect("the queue answers"));
    assert!(found(queue, &task).await == before);

    let outcome = Outcome::Succeeded(json!("in time"));
    assert!(queue.task_finish(&task.id, second.id, &outcome, second.until).await.expect("the queue answers"));
}

async fn an_extended_lease_holds<S: TaskQueue>(queue: &S) {
    let task = submitted(queue, "chat", 0).await;
    let first = lease(NOW);
    claimed(queue, first, NOW).await.expect("one waits");
    let until = first.until.plus(Duration::from_secs(60));
    assert!(queue.task_extend(&task.id, first.id, until).await.expect("the queue answers"));
    assert!(claimed(queue, lease(first.until), first.until).await.is_none());
    assert!(claimed(queue, lease(until), until).await.is_some());
}

async fn a_released_task_costs_no_attempt<S: TaskQueue>(queue: &S) {
    let task = submitted(queue, "chat", 0).await;
    let first = lease(NOW);
    claimed(queue, first, NOW).await.expect("one waits");
    assert!(queue.task_release(&task.id, first.id, NOW).await.expect("the queue answers"));
    assert!(!queue.task_release(&task.id, first.id, NOW).await.expect("the queue answers"));
    assert!(found(queue, &task).await == task);
    assert_eq!(claimed(queue, lease(NOW), NOW).await.expect("it waits again").attempts, 1);
}

async fn an_outcome_stands<S: TaskQueue>(queue: &S) {
    let now = NOW.plus(Duration::from_secs(1));
    for (outcome, state) in [
        (Outcome::Succeeded(json!({"z": [1, null], "a": "ü"})), TaskState::Succeeded),
        (Outcome::Failed(json!({"code": "1230", "message": "no"})), TaskState::Failed),
        (Outcome::Succeeded(json!(null)), TaskState::Succeeded),
    ] {
        let task = submitted(queue, "chat", 0).await;
        let lease = lease(NOW);
        claimed(queue, lease, NOW).await.expect("one waits");
        assert!(queue.task_finish(&task.id, lease.id, &outcome, now).await.expect("the queue answers"));

        let kept = found(queue, &task).await;
        assert_eq!((kept.state, kept.updated, kept.lease), (state, now, None));
        assert_eq!(kept.result.as_ref(), Some(outcome.value()));
        let another = Outcome::Failed(json!("changed my mind"));
        assert!(!queue.task_finish(&task.id, lease.id, &another, now).await.expect("the queue answers"));
        assert!(!queue.task_extend(&task.id, lease.id, lease.until).await.expect("the queue answers"));
        assert!(found(queue, &task).await == kept);
    }
    let much_later = NOW.plus(Duration::from_secs(1_000));
    assert!(claimed(queue, lease(much_later), much_later).await.is_none());
}

/// ASYNC-06: rows go when their time is over, in bounded rounds.
async fn expired_tasks_are_forgotten<S: TaskQueue>(queue: &S) {
    let old = [
        submitted(queue, "chat", 0).await,
        submitted(queue, "chat", 1).await,
        submitted(queue, "chat", 2).await,
    ];
    let young = submitted(queue, "chat", 3).await;
    let end = old[2].expires;

    let claimed = claimed(queue, lease(end), end).await.expect("one has not expired");
    assert_eq!(claimed.id, young.id, "nothing is begun that nobody can ask for");
    assert_eq!(queue.task_purge(end, 2).await.expect("the queue answers"), 2);
    assert_eq!(queue.task_purge(end, 2).await.expect("the queue answers"), 1);
    assert_eq!(queue.task_purge(end, 2).await.expect("the queue answers"), 0);
    for task in &old {
        assert!(queue.task_find(task.account, &task.id).await.expect("the queue answers").is_none());
    }
    assert!(found(queue, &young).await == claimed);
}
