//! What every keeper of plan quota must do. Use is written by settling, so it is a ledger as well.

use std::time::Duration;

use ledger::{
    LedgerStore, Pool, PoolKind, QuotaStore, QuotaUse, Settlement, SliceOutcome, SliceRequest, Units,
    WindowLimit, WindowName, WindowSpan,
};
use vocab::{AccountId, HoldId, NodeId, RequestId, SubscriptionId, Timestamp};

use super::ledger::{NOW, after, is_clean};

const HOUR_MS: u64 = 3_600_000;

/// Runs every rule on a fresh store.
pub async fn all<S: LedgerStore + QuotaStore>(fresh: impl AsyncFn() -> S) {
    use_comes_back_after_five_hours(&fresh().await).await;
    the_window_that_ends_later_is_named(&fresh().await).await;
    a_slice_is_given_once(&fresh().await).await;
    slices_and_use_stay_within_the_limit(&fresh().await).await;
    use_is_counted_once_and_also_when_late(&fresh().await).await;
    a_renewed_slice_stays(&fresh().await).await;
    an_operator_takes_use_back(&fresh().await).await;
    old_use_is_forgotten_in_bounded_rounds(&fresh().await).await;
    pools_do_not_touch(&fresh().await).await;
    many_uses_in_one_group_add_up(&fresh().await).await;
}

/// A new pool.
pub fn pool() -> Pool {
    Pool { subscription: SubscriptionId::generate(), kind: PoolKind::Prompts }
}

/// Five rolling hours, and a week that began an hour before the tests.
pub fn limits(five_hours: i64, week: i64) -> Vec<WindowLimit> {
    let span = WindowSpan::Rolling(Duration::from_secs(5 * 3_600));
    let anchored = WindowSpan::Anchored { starts: week_start(), ends: week_start().plus(WEEK) };
    vec![
        WindowLimit { name: WindowName::FiveHours, span, limit: Units(five_hours) },
        WindowLimit { name: WindowName::Week, span: anchored, limit: Units(week) },
    ]
}

const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);

/// When the week of [`limits`] began.
pub fn week_start() -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() - 3_600_000)
}

/// A new slice for a second from `at`.
pub fn slice(pool: Pool, limits: Vec<WindowLimit>, want: i64, least: i64, at: Timestamp) -> SliceRequest {
    SliceRequest {
        id: HoldId::generate(),
        pool,
        node: NodeId::generate(),
        limits,
        want: Units(want),
        least: Units(least),
        at,
        until: at.plus(Duration::from_secs(1)),
    }
}

/// A new request that used so much of a pool.
pub fn used(pool: Pool, slice: Option<HoldId>, units: i64, used_at: Timestamp) -> Settlement {
    let anchored = vec![(WindowName::Week, week_start())];
    let quota = QuotaUse { pool, slice, units: Units(units), used_at, anchored };
    let request = RequestId::generate(used_at);
    Settlement { request, account: AccountId::generate(), at: used_at, money: None, quota: Some(quota) }
}

async fn open<S: QuotaStore>(store: &S, request: &SliceRequest) -> SliceOutcome {
    store.slice_open(request).await.expect("the store answers")
}

async fn settle<S: LedgerStore>(store: &S, settlements: &[Settlement]) {
    store.settle(settlements).await.expect("the store answers");
}

/// What is used of the five hours and of the week.
async fn state<S: QuotaStore>(store: &S, pool: Pool, at: Timestamp) -> (i64, i64) {
    let states = store.quota_used(pool, &limits(100, 500), at).await.expect("the store answers");
    (states[0].used.0, states[1].used.0)
}

/// QUOTA-03, to the second and never early.
async fn use_comes_back_after_five_hours<S: LedgerStore + QuotaStore>(store: &S) {
    let pool = pool();
    settle(store, &[used(pool, None, 60, NOW), used(pool, None, 40, after(2 * HOUR_MS + 1))]).await;
    let ask = async |want, at| open(store, &slice(pool, limits(100, 500), want, want, at)).await;
    let full = |resets| SliceOutcome::Exhausted { window: WindowName::FiveHours, resets };
    assert_eq!(ask(1, after(3 * HOUR_MS)).await, full(after(5 * HOUR_MS)));
    assert_eq!(ask(1, after(5 * HOUR_MS - 1)).await, full(after(5 * HOUR_MS)));
    assert_eq!(ask(61, after(5 * HOUR_MS)).await, full(after(7 * HOUR_MS + 1_000)));
    assert_eq!(state(store, pool, after(5 * HOUR_MS)).await, (40, 100));
    assert_eq!(state(store, pool, after(7 * HOUR_MS + 999)).await, (40, 100));
    assert_eq!(state(store, pool, after(7 * HOUR_MS + 1_000)).await, (0, 100));
    assert_eq!(ask(60, after(5 * HOUR_MS)).await, SliceOutcome::Opened(Units(60)));

    let states = store.quota_used(pool, &limits(100, 500), after(HOUR_MS)).await.expect("the store answers");
    assert_eq!(states[0].resets, Some(after(5 * HOUR_MS)));
    assert_eq!(states[1].resets, Some(week_start().plus(WEEK)));
    let later =
        store.quota_used(pool, &limits(100, 500), after(9 * HOUR_MS)).await.expect("the store answers");
    assert_eq!(later[0].resets, None);
    is_clean(store).await;
}

/// QUOTA-05.
async fn the_window_that_ends_later_is_named<S: LedgerStore + QuotaStore>(store: &S) {
    let pool = pool();
    settle(store, &[used(pool, None, 100, NOW)]).await;
    let outcome = open(store, &slice(pool, limits(100, 100), 1, 1, NOW)).await;
    let resets = week_start().plus(WEEK);
    assert_eq!(outcome, SliceOutcome::Exhausted { window: WindowName::Week, resets });
    let outcome = open(store, &slice(pool, limits(0, 200), 1, 1, NOW)).await;
    let resets = after(5 * HOUR_MS);
    assert_eq!(outcome, SliceOutcome::Exhausted { window: WindowName::FiveHours, resets });
}

async fn a_slice_is_given_once<S: LedgerStore + QuotaStore>(store: &S) {
    let request = slice(pool(), limits(100, 500), 150, 10, NOW);
    for _ in 0..2 {
        assert_eq!(open(store, &request).await, SliceOutcome::Opened(Units(100)));
    }
    assert!(store.slice_open(&SliceRequest { pool: pool(), ..request.clone() }).await.is_err());
    assert_eq!(store.slice_release(request.id).await.expect("the store answers"), Units(100));
    assert_eq!(store.slice_release(request.id).await.expect("the store answers"), Units::ZERO);
    assert_eq!(open(store, &request).await, SliceOutcome::Opened(Units(100)), "as it was answered then");
    assert_eq!(store.slice_release(HoldId::generate()).await.expect("the store answers"), Units::ZERO);
    is_clean(store).await;
}

async fn slices_and_use_stay_within_the_limit<S: LedgerStore + QuotaStore>(store: &S) {
    let pool = pool();
    let first = slice(pool, limits(100, 500), 70, 70, NOW);
    assert_eq!(open(store, &first).await, SliceOutcome::Opened(Units(70)));
    settle(store, &[used(pool, Some(first.id), 20, NOW)]).await;
    assert_eq!(state(store, pool, NOW).await, (20, 20), "what is only set aside does not show");
    let second = slice(pool, limits(100, 500), 50, 1, NOW);
    assert_eq!(open(store, &second).await, SliceOutcome::Opened(Units(30)));
    let third = slice(pool, limits(100, 500), 1, 1, NOW);
    let resets = after(5 * HOUR_MS);
    let full = SliceOutcome::Exhausted { window: WindowName::FiveHours, resets };
    assert_eq!(open(store, &third).await, full);
    assert_eq!(store.slice_release(first.id).await.expect("the store answers"), Units(50));
    assert_eq!(open(store, &third).await, SliceOutcome::Opened(Units(1)));
    is_clean(store).await;
}

async fn use_is_counted_once_and_also_when_late<S: LedgerStore + QuotaStore>(store: &S) {
    let pool = pool();
    let given = slice(pool, limits(100, 500), 10, 10, NOW);
    open(store, &given).await;
    let one = used(pool, Some(given.id), 4, NOW);
    settle(store, &[one.clone(), one.clone()]).await;
    settle(store, &[one]).await;
    assert_eq!(state(store, pool, NOW).await, (4, 4));
    assert_eq!(store.slice_release(given.id).await.expect("the store answers"), Units(6));
    settle(store, &[used(pool, Some(given.id), 200, NOW), used(pool, Some(given.id), 0, NOW)]).await;
    assert_eq!(state(store, pool, NOW).await, (204, 204));
    is_clean(store).await;
}

async fn a_renewed_slice_stays<S: LedgerStore + QuotaStore>(store: &S) {
    let pool = pool();
    let (renewed, left) =
        (slice(pool, limits(100, 500), 10, 10, NOW), slice(pool, limits(100, 500), 20, 20, NOW));
    open(store, &renewed).await;
    open(store, &left).await;
    store.slice_renew(&[renewed.id, HoldId::generate()], after(2_000)).await.expect("the store answers");
    store.slice_renew(&[renewed.id], after(1_500)).await.expect("the store answers");
    store.slice_renew(&[], after(2_000)).await.expect("the store answers");
    let sweep = async |at| store.slices_expire(at, week_start(), 10).await.expect("the store answers");
    assert_eq!(sweep(after(999)).await, 0);
    assert_eq!(sweep(after(1_000)).await, 1);
    assert_eq!(store.slice_release(left.id).await.expect("the store answers"), Units::ZERO);
    assert_eq!(sweep(after(1_999)).await, 0);
    assert_eq!(store.slice_release(renewed.id).await.expect("the store answers"), Units(10));
    is_clean(store).await;
}

async fn an_operator_takes_use_back<S: LedgerStore + QuotaStore>(store: &S) {
    let pool = pool();
    settle(store, &[used(pool, None, 60, NOW), used(pool, None, 40, after(500))]).await;
    let windows = limits(100, 500);
    store.quota_reset(pool, &windows[..1]).await.expect("the store answers");
    assert_eq!(state(store, pool, after(1_000)).await, (0, 100));
    store.quota_reset(pool, &windows[1..]).await.expect("the store answers");
    settle(store, &[used(pool, None, 7, NOW)]).await;
    assert_eq!(state(store, pool, after(1_000)).await, (7, 7));
    store.quota_reset(self::pool(), &windows).await.expect("the store answers");
    is_clean(store).await;
}

async fn old_use_is_forgotten_in_bounded_rounds<S: LedgerStore + QuotaStore>(store: &S) {
    let pool = pool();
    for second in 0..5 {
        settle(store, &[used(pool, None, 1, after(second * 1_000))]).await;
    }
    let old = slice(pool, limits(100, 500), 10, 10, NOW);
    open(store, &old).await;
    let sweep = async |forget_before, limit| {
        store.slices_expire(after(10_000), forget_before, limit).await.expect("the store answers")
    };
    assert_eq!(sweep(after(4_000), 3).await, 1);
    assert_eq!(state(store, pool, after(5_000)).await, (2, 5));
    assert_eq!(sweep(after(4_000), 3).await, 0);
    assert_eq!(state(store, pool, after(5_000)).await, (1, 5), "the last of them is younger");
    is_clean(store).await;
}

async fn pools_do_not_touch<S: LedgerStore + QuotaStore>(store: &S) {
    let prompts = pool();
    let calls = Pool { kind: PoolKind::McpCalls, ..prompts };
    settle(store, &[used(prompts, None, 100, NOW)]).await;
    assert_eq!(state(store, calls, NOW).await, (0, 0));
    let given = slice(calls, limits(100, 500), 100, 100, NOW);
    assert_eq!(open(store, &given).await, SliceOutcome::Opened(Units(100)));
    settle(store, &[used(prompts, Some(given.id), 30, NOW)]).await;
    assert_eq!(
        store.slice_release(given.id).await.expect("the store answers"),
        Units(100),
        "of another pool"
    );
    is_clean(store).await;
}

async fn many_uses_in_one_group_add_up<S: LedgerStore + QuotaStore>(store: &S) {
    let pools: Vec<_> = (0..30).map(|_| pool()).collect();
    let group: Vec<_> = (0..1_200_u64)
        .zip(pools.iter().cycle())
        .map(|(place, pool)| used(*pool, None, 1, after(place % 3 * 1_000)))
        .collect();
    settle(store, &group).await;
    for pool in &pools {
        assert_eq!(state(store, *pool, after(5_000)).await, (40, 40));
    }
    is_clean(store).await;
}
