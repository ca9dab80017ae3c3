//! What everything that gives out permits must do. Windows end with time, which an adapter may not let a test
//! turn, so that part is tested where the clock has hands.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use gateway::{Denied, Limit, Limits, Permit, PermitRequest, Permits, Scope};
use vocab::Tokens;

/// Runs every rule on permits of which none is given yet.
pub async fn all<P: Permits>(fresh: impl AsyncFn() -> P) {
    the_third_parallel_lite_call_is_refused(&fresh().await).await;
    a_permit_comes_back_when_it_is_dropped(&fresh().await).await;
    all_scopes_or_none(&fresh().await).await;
    what_comes_too_often_is_refused(&fresh().await).await;
    the_daily_limit_refuses_the_next_call(&fresh().await).await;
    tokens_that_were_used_count(&fresh().await).await;
    a_refusal_counts_nowhere(&fresh().await).await;
    nothing_limited_is_always_let_through(&fresh().await).await;
    zero_lets_nothing_through(&fresh().await).await;
    limits_may_change_while_requests_run(&fresh().await).await;
    who_hangs_up_while_waiting_leaves_nothing_behind(&fresh().await).await;
    a_crowd_never_holds_more_than_allowed(Arc::new(fresh().await)).await;
}

/// At most so many at once.
pub fn concurrency(limit: u32) -> Limits {
    Limits { concurrency: Some(limit), ..Limits::default() }
}

/// A request that is limited in one scope.
pub fn within(scope: &str, limits: Limits) -> PermitRequest {
    PermitRequest::new().within(Scope::new(scope), limits)
}

/// Takes a permit, trying again for a while: an adapter may take a moment to count one that came back.
pub async fn soon<P: Permits>(permits: &P, request: &PermitRequest) -> Permit {
    for _ in 0..500 {
        if let Ok(permit) = permits.acquire(request).await {
            return permit;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no permit came back for {request:?}");
}

async fn refusal<P: Permits>(permits: &P, request: &PermitRequest) -> Denied {
    permits.acquire(request).await.expect_err("the limit is reached")
}

/// RATE-01: with a limit of two the third parallel call is refused; off-peak, with factor two, four run.
async fn the_third_parallel_lite_call_is_refused<P: Permits>(permits: &P) {
    let lite = within("acct_1", concurrency(2));
    let _one = permits.acquire(&lite).await.expect("a permit");
    let _two = permits.acquire(&lite).await.expect("a permit");
    let denied = refusal(permits, &lite).await;
    assert_eq!((denied.limit, denied.scope.as_str()), (Limit::Concurrency, "acct_1"));
    assert!(denied.retry_after > Duration::ZERO);

    let off_peak = within("acct_1", concurrency(4));
    let _three = permits.acquire(&off_peak).await.expect("a permit");
    let _four = permits.acquire(&off_peak).await.expect("a permit");
    refusal(permits, &off_peak).await;
    drop(permits.acquire(&within("acct_2", concurrency(2))).await.expect("another account does not notice"));
}

async fn a_permit_comes_back_when_it_is_dropped<P: Permits>(permits: &P) {
    let request = within("acct_1", concurrency(1));
    for _ in 0..3 {
        let permit = soon(permits, &request).await;
        refusal(permits, &request).await;
        drop(permit);
    }
}

async fn all_scopes_or_none<P: Permits>(permits: &P) {
    let both = within("acct_1", concurrency(5)).within(Scope::new("acct_1/glm-5.1"), concurrency(1));
    let running = permits.acquire(&both).await.expect("a permit");
    for _ in 0..10 {
        assert_eq!(refusal(permits, &both).await.scope.as_str(), "acct_1/glm-5.1");
    }
    let mut others = Vec::new();
    for _ in 0..4 {
        others.push(permits.acquire(&within("acct_1", concurrency(5))).await.expect("room for four more"));
    }
    refusal(permits, &within("acct_1", concurrency(5))).await;
    drop(running);
    drop(soon(permits, &both).await);
}

/// RATE-05: with a limit of ten a minute the eleventh is refused.
async fn what_comes_too_often_is_refused<P: Permits>(permits: &P) {
    let upload = within("acct_1/files", Limits { requests_per_minute: Some(10), ..Limits::default() });
    for _ in 0..10 {
        drop(permits.acquire(&upload).await.expect("a permit"));
    }
    let denied = refusal(permits, &upload).await;
    assert_eq!(denied.limit, Limit::RequestsPerMinute);
    let wait = denied.retry_after.as_secs();
    assert!((50..=61).contains(&wait), "{wait} s");
}

/// RATE-02: a daily limit lets no more calls through.
async fn the_daily_limit_refuses_the_next_call<P: Permits>(permits: &P) {
    let call = within("acct_1", Limits { requests_per_day: Some(100), ..Limits::default() });
    for _ in 0..100 {
        drop(permits.acquire(&call).await.expect("a permit"));
    }
    let denied = refusal(permits, &call).await;
    assert_eq!(denied.limit, Limit::RequestsPerDay);
    assert!(denied.retry_after <= Duration::from_secs(24 * 3600));
}

async fn tokens_that_were_used_count<P: Permits>(permits: &P) {
    let call = within("key_1", Limits { tokens_per_minute: Some(1_000), ..Limits::default() });
    let mut first = permits.acquire(&call).await.expect("a permit");
    let mut second = permits.acquire(&call).await.expect("nothing is used yet");
    first.used(Tokens(999));
    drop(first);
    drop(permits.acquire(&call).await.expect("one token is left"));
    second.used(Tokens(u64::MAX));
    drop(second);
    for _ in 0..500 {
        match permits.acquire(&call).await {
            Err(denied) => {
                assert_eq!(denied.limit, Limit::TokensPerMinute);
                return;
            }
            Ok(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("the tokens were not counted");
}

async fn a_refusal_counts_nowhere<P: Permits>(permits: &P) {
    let rate = Limits { requests_per_minute: Some(2), requests_per_day: Some(2), ..Limits::default() };
    let refused = within("acct_1", rate).within(Scope::new("key_1"), concurrency(0));
    for _ in 0..5 {
        refusal(permits, &refused).await;
    }
    for _ in 0..2 {
        drop(permits.acquire(&within("acct_1", rate)).await.expect("refusals were not counted"));
    }
    refusal(permits, &within("acct_1", rate)).await;
}

async fn nothing_limited_is_always_let_through<P: Permits>(permits: &P) {
    let free = within("acct_1", Limits::default());
    assert!(free.is_unlimited());
    let mut running = Vec::new();
    for _ in 0..100 {
        running.push(permits.acquire(&free).await.expect("a permit"));
    }
}

async fn zero_lets_nothing_through<P: Permits>(permits: &P) {
    let zeros = [
        concurrency(0),
        Limits { requests_per_minute: Some(0), ..Limits::default() },
        Limits { requests_per_day: Some(0), ..Limits::default() },
        Limits { tokens_per_minute: Some(0), ..Limits::default() },
    ];
    for zero in zeros {
        let denied = refusal(permits, &within("acct_1", zero)).await;
        assert!(denied.retry_after > Duration::ZERO);
    }
}

async fn limits_may_change_while_requests_run<P: Permits>(permits: &P) {
    let mut running = Vec::new();
    for _ in 0..4 {
        running.push(permits.acquire(&within("acct_1", concurrency(4))).await.expect("a permit"));
    }
    let tighter = within("acct_1", concurrency(2));
    refusal(permits, &tighter).await;
    running.truncate(1);
    let _second = soon(permits, &tighter).await;
    refusal(permits, &tighter).await;
}

/// A caller that goes while its permit is being fetched holds none afterwards.
async fn who_hangs_up_while_waiting_leaves_nothing_behind<P: Permits>(permits: &P) {
    let request = within("acct_1", concurrency(1));
    for _ in 0..20 {
        let asked = permits.acquire(&request);
        // Polled once, which sends the question of an adapter that asks one, and dropped.
        let _ = futures::poll!(std::pin::pin!(asked));
    }
    drop(soon(permits, &request).await);
}

async fn a_crowd_never_holds_more_than_allowed<P: Permits>(permits: Arc<P>) {
    const LIMIT: u32 = 5;
    let running = Arc::new(AtomicU32::new(0));
    let crowd: Vec<_> = (0..64)
        .map(|number| {
            let (permits, running) = (permits.clone(), running.clone());
            tokio::spawn(async move {
                let own = Scope::new(&format!("key_{number}"));
                let request = within("acct_1", concurrency(LIMIT)).within(own, concurrency(1));
                for _ in 0..20 {
                    let Ok(permit) = permits.acquire(&request).await else {
                        tokio::task::yield_now().await;
                        continue;
                    };
                    assert!(running.fetch_add(1, Ordering::SeqCst) < LIMIT);
                    tokio::task::yield_now().await;
                    running.fetch_sub(1, Ordering::SeqCst);
                    drop(permit);
                }
            })
        })
        .collect();
    for one in crowd {
        one.await.expect("nobody held too many");
    }
}
