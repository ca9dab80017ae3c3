use std::sync::Arc;

use tokio::task::{JoinHandle, yield_now};
use vocab::SystemClock;

use super::super::{Limits, MemoryPermits, MemoryPermitsSettings};
use super::*;

type Queue = Arc<Queued<MemoryPermits>>;

fn queue(settings: QueueSettings) -> Queue {
    let permits = MemoryPermits::new(Arc::new(SystemClock), &MemoryPermitsSettings::default());
    Arc::new(Queued::new(permits, settings))
}

fn call(scope: &str, concurrency: u32) -> PermitRequest {
    PermitRequest::new()
        .within(Scope::new(scope), Limits { concurrency: Some(concurrency), ..Limits::default() })
}

/// Starts to wait, and is in line when this returns.
async fn wait_for(queue: &Queue, request: PermitRequest) -> JoinHandle<Result<Permit, Denied>> {
    let before = queue.waiting();
    let queue_2 = queue.clone();
    let waiting = tokio::spawn(async move { queue_2.acquire(&request).await });
    while queue.waiting() == before && !waiting.is_finished() {
        yield_now().await;
    }
    waiting
}

/// RATE-03: `queue` waits for a place and takes it.
#[tokio::test(start_paused = true)]
async fn a_request_over_the_limit_runs_when_one_before_it_has_ended() {
    let queue = queue(QueueSettings::default());
    let running = queue.acquire(&call("acct_1", 1)).await.unwrap();
    let waiting = wait_for(&queue, call("acct_1", 1)).await;
    assert!(!waiting.is_finished());
    drop(running);
    drop(waiting.await.unwrap().unwrap());
    assert_eq!(queue.waiting(), 0);
}

/// RATE-03: waits up to `rate.queue_seconds`, then is refused as it would have been at once.
#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_the_refusal() {
    let wait_max = Duration::from_secs(7);
    let queue = queue(QueueSettings { wait_max, ..QueueSettings::default() });
    let _running = queue.acquire(&call("acct_1", 1)).await.unwrap();
    let began = Instant::now();
    let denied = queue.acquire(&call("acct_1", 1)).await.unwrap_err();
    assert_eq!((denied.limit, began.elapsed()), (Limit::Concurrency, wait_max));
    assert_eq!(queue.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn first_come_first_served() {
    let queue = queue(QueueSettings::default());
    let running = queue.acquire(&call("acct_1", 1)).await.unwrap();
    let first = wait_for(&queue, call("acct_1", 1)).await;
    let second = wait_for(&queue, call("acct_1", 1)).await;
    drop(running);
    let permit = first.await.unwrap().unwrap();
    assert!(!second.is_finished());

    let late = wait_for(&queue, call("acct_1", 1)).await;
    drop(permit);
    let permit = second.await.unwrap().unwrap();
    assert!(!late.is_finished(), "a newcomer does not overtake");
    drop(permit);
    drop(late.await.unwrap().unwrap());
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_leaves_the_line_to_the_next() {
    let queue = queue(QueueSettings::default());
    let running = queue.acquire(&call("acct_1", 1)).await.unwrap();
    let impatient = wait_for(&queue, call("acct_1", 1)).await;
    let patient = wait_for(&queue, call("acct_1", 1)).await;
    impatient.abort();
    impatient.await.unwrap_err();
    assert_eq!(queue.waiting(), 1);
    drop(running);
    drop(patient.await.unwrap().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_full_line_refuses_at_once_and_other_scopes_do_not_notice() {
    let queue = queue(QueueSettings { waiting_per_scope_max: 1, ..QueueSettings::default() });
    let _running = queue.acquire(&call("acct_1", 1)).await.unwrap();
    let _waiting = wait_for(&queue, call("acct_1", 1)).await;
    let began = Instant::now();
    queue.acquire(&call("acct_1", 1)).await.unwrap_err();
    let other = queue.acquire(&call("acct_2", 1)).await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    let waiting = wait_for(&queue, call("acct_2", 1)).await;
    drop(other);
    drop(waiting.await.unwrap().unwrap());
}

#[tokio::test(start_paused = true)]
async fn whoever_has_room_here_and_not_there_waits_there() {
    let queue = queue(QueueSettings::default());
    let account = queue.acquire(&call("acct_1", 1)).await.unwrap();
    let _key = queue.acquire(&call("key_1", 1)).await.unwrap();
    let both = wait_for(&queue, call("acct_1", 1).within(Scope::new("key_1"), limit(1))).await;
    let account_only = wait_for(&queue, call("acct_1", 1)).await;
    drop(account);
    drop(account_only.await.unwrap().unwrap());
    assert!(!both.is_finished());
}

fn limit(concurrency: u32) -> Limits {
    Limits { concurrency: Some(concurrency), ..Limits::default() }
}

#[tokio::test(start_paused = true)]
async fn what_comes_too_often_is_refused_at_once() {
    let queue = queue(QueueSettings::default());
    let rate = Limits { requests_per_minute: Some(1), ..limit(5) };
    let request = PermitRequest::new().within(Scope::new("acct_1"), rate);
    let _running = queue.acquire(&request).await.unwrap();
    let began = Instant::now();
    let denied = queue.acquire(&request).await.unwrap_err();
    assert_eq!((denied.limit, began.elapsed()), (Limit::RequestsPerMinute, Duration::ZERO));
}

/// Permits that come back outside this queue are noticed too: on several nodes that is where most come back.
#[tokio::test(start_paused = true)]
async fn a_permit_that_came_back_elsewhere_is_found() {
    let permits = MemoryPermits::new(Arc::new(SystemClock), &MemoryPermitsSettings::default());
    let queue = Arc::new(Queued::new(permits.clone(), QueueSettings::default()));
    let elsewhere = permits.try_acquire(&call("acct_1", 1)).unwrap();
    let waiting = wait_for(&queue, call("acct_1", 1)).await;
    drop(elsewhere);
    let began = Instant::now();
    drop(waiting.await.unwrap().unwrap());
    assert!(began.elapsed() <= RETRY_PAUSE.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_left_waiting_in_a_crowd() {
    let queue = queue(QueueSettings::default());
    let crowd: Vec<_> = (0..200)
        .map(|_| {
            let queue = queue.clone();
            tokio::spawn(async move {
                let permit = queue.acquire(&call("acct_1", 3)).await.unwrap();
                yield_now().await;
                drop(permit);
            })
        })
        .collect();
    for one in crowd {
        one.await.unwrap();
    }
    assert_eq!((queue.waiting(), queue.lines.lock().len()), (0, 0));
}
