use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use proptest::prelude::*;

use super::super::Limit;
use super::*;

/// 2026-02-09T15:59:00Z, a minute before midnight in UTC+8.
const START: i64 = 1_770_652_740_000;

struct HandClock(AtomicI64);

impl HandClock {
    fn start() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(START)))
    }

    fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

fn permits(clock: &Arc<HandClock>) -> MemoryPermits {
    MemoryPermits::new(clock.clone(), &MemoryPermitsSettings::default())
}

fn request(scope: &str, limits: Limits) -> PermitRequest {
    PermitRequest::new().within(Scope::new(scope), limits)
}

fn concurrency(limit: u32) -> Limits {
    Limits { concurrency: Some(limit), ..Limits::default() }
}

/// RATE-05: with a limit of ten a minute the eleventh is refused, and told when to come back.
#[test]
fn the_eleventh_in_a_minute_waits_for_the_first_to_be_a_minute_old() {
    let clock = HandClock::start();
    let permits = permits(&clock);
    let upload = request("acct_1/files", Limits { requests_per_minute: Some(10), ..Limits::default() });
    for _ in 0..10 {
        drop(permits.try_acquire(&upload).unwrap());
        clock.advance(1_000);
    }
    let denied = permits.try_acquire(&upload).unwrap_err();
    assert_eq!((denied.limit, denied.retry_after), (Limit::RequestsPerMinute, Duration::from_secs(51)));
    clock.advance(50_999);
    assert!(permits.try_acquire(&upload).is_err(), "no sixty seconds hold eleven, wherever they begin");
    clock.advance(1);
    drop(permits.try_acquire(&upload).unwrap());
    permits.try_acquire(&upload).unwrap_err();
}

/// RATE-02: a daily limit of a thousand refuses call 1001, until the day ends in UTC+8.
#[test]
fn a_daily_limit_ends_at_midnight_in_utc_8() {
    let clock = HandClock::start();
    let permits = permits(&clock);
    let call = request("acct_1", Limits { requests_per_day: Some(1_000), ..Limits::default() });
    for _ in 0..1_000 {
        drop(permits.try_acquire(&call).unwrap());
    }
    let denied = permits.try_acquire(&call).unwrap_err();
    assert_eq!((denied.limit, denied.retry_after), (Limit::RequestsPerDay, Duration::from_secs(60)));
    clock.advance(60_000);
    drop(permits.try_acquire(&call).unwrap());
}

#[test]
fn tokens_count_from_the_end_of_the_request_that_used_them() {
    let clock = HandClock::start();
    let permits = permits(&clock);
    let call = request("key_1", Limits { tokens_per_minute: Some(1_000), ..Limits::default() });
    let mut long = permits.try_acquire(&call).unwrap();
    clock.advance(120_000);
    drop(permits.try_acquire(&call).unwrap());
    long.used(Tokens(600));
    long.used(Tokens(400));
    drop(long);
    let denied = permits.try_acquire(&call).unwrap_err();
    assert_eq!((denied.limit, denied.retry_after), (Limit::TokensPerMinute, Duration::from_secs(61)));
    clock.advance(61_000);
    drop(permits.try_acquire(&call).unwrap());
}

#[test]
fn of_several_limits_the_one_that_takes_longest_is_named() {
    let clock = HandClock::start();
    let permits = permits(&clock);
    let call = request("acct_1", concurrency(1))
        .within(Scope::new("key_1"), Limits { requests_per_minute: Some(1), ..Limits::default() });
    let _running = permits.try_acquire(&call).unwrap();
    let denied = permits.try_acquire(&call).unwrap_err();
    assert_eq!((denied.limit, denied.scope.as_str()), (Limit::RequestsPerMinute, "key_1"));
}

#[test]
fn a_permit_that_somebody_else_gave_is_counted_beyond_the_limit() {
    let clock = HandClock::start();
    let permits = permits(&clock);
    let call = request("acct_1", concurrency(1));
    let (one, two) = (permits.take(&call), permits.take(&call));
    permits.try_acquire(&call).unwrap_err();
    drop(one);
    permits.try_acquire(&call).unwrap_err();
    drop(two);
    drop(permits.try_acquire(&call).unwrap());
}

#[test]
fn idle_scopes_are_forgotten() {
    let clock = HandClock::start();
    let permits = permits(&clock);
    let _running = permits.try_acquire(&request("acct_1", concurrency(1))).unwrap();
    drop(permits.try_acquire(&request("acct_2", concurrency(1))).unwrap());
    assert_eq!(permits.scopes(), 1, "with only concurrency to count, at once");

    let rate = Limits { requests_per_minute: Some(1), ..Limits::default() };
    for number in 0..10_000 {
        drop(permits.try_acquire(&request(&format!("user_{number}"), rate)).unwrap());
    }
    assert_eq!(permits.scopes(), 10_001);
    clock.advance(61_000);
    for number in 0..10_000 {
        drop(permits.try_acquire(&request(&format!("other_{number}"), rate)).unwrap());
    }
    assert!(permits.scopes() < 11_000, "newcomers make room for themselves: {}", permits.scopes());
}

#[test]
fn a_flood_of_scopes_takes_bounded_room_and_forgets_nothing_that_runs() {
    let clock = HandClock::start();
    let settings = MemoryPermitsSettings { scopes_max: 1_000, ..MemoryPermitsSettings::default() };
    let permits = MemoryPermits::new(clock, &settings);
    let running = request("acct_1", concurrency(1));
    let _permit = permits.try_acquire(&running).unwrap();
    let daily = Limits { requests_per_day: Some(5), ..Limits::default() };
    for number in 0..20_000 {
        drop(permits.try_acquire(&request(&format!("user_{number}"), daily)).unwrap());
    }
    assert!(permits.scopes() <= 1_100, "{}", permits.scopes());
    permits.try_acquire(&running).unwrap_err();
}

#[test]
fn threads_that_want_the_same_scopes_in_any_order_never_hold_more_than_allowed() {
    let permits = &permits(&HandClock::start());
    let running = &AtomicU32::new(0);
    let orders = [["a", "b", "c"], ["c", "b", "a"], ["b", "a", "c"], ["c", "a", "b"]];
    std::thread::scope(|threads| {
        for order in &orders {
            threads.spawn(move || {
                let call = order.iter().fold(PermitRequest::new(), |request, scope| {
                    request.within(Scope::new(scope), concurrency(2))
                });
                for _ in 0..2_000 {
                    if let Ok(permit) = permits.try_acquire(&call) {
                        assert!(running.fetch_add(1, Ordering::SeqCst) < 2);
                        running.fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    }
                }
            });
        }
    });
    assert_eq!(permits.scopes(), 0);
}

#[derive(Clone, Debug)]
enum Step {
    Acquire(Vec<(usize, Limits)>),
    Drop { which: usize, used: u64 },
    Wait(i64),
}

fn any_limits() -> impl Strategy<Value = Limits> {
    let small = || prop::option::of(0..4_u32);
    (small(), small(), small(), prop::option::of(0..200_u64)).prop_map(
        |(concurrency, requests_per_minute, requests_per_day, tokens_per_minute)| Limits {
            concurrency,
            requests_per_minute,
            tokens_per_minute,
            requests_per_day,
        },
    )
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec((0..SCOPES, any_limits()), 0..4).prop_map(Step::Acquire),
        3 => (any::<usize>(), 0..150_u64).prop_map(|(which, used)| Step::Drop { which, used }),
        2 => (0..40_000_i64).prop_map(Step::Wait),
    ]
}

const SCOPES: usize = 3;

/// The slow truth: a log of everything that happened in a scope.
#[derive(Default)]
struct Log {
    running: u32,
    requests: Vec<(i64, u64)>,
    tokens: Vec<(i64, u64)>,
    daily: Vec<i64>,
}

impl Log {
    fn in_minute(events: &[(i64, u64)], now: i64) -> u64 {
        let begins = now.div_euclid(1000) - 60;
        events.iter().filter(|(at, _)| at.div_euclid(1000) >= begins).map(|(_, count)| count).sum()
    }

    fn has_room(&self, limits: &Limits, now: i64) -> bool {
        let day = |at: i64| (at + 8 * 3_600_000).div_euclid(86_400_000);
        let today = self.daily.iter().filter(|at| day(**at) == day(now)).count() as u64;
        limits.concurrency.is_none_or(|limit| self.running < limit)
            && limits.requests_per_minute.is_none_or(|max| Self::in_minute(&self.requests, now) < max.into())
            && limits.tokens_per_minute.is_none_or(|max| Self::in_minute(&self.tokens, now) < max)
            && limits.requests_per_day.is_none_or(|max| today < max.into())
    }
}

proptest! {
    /// Whatever happens, a permit is given exactly when every scope has room, and a refusal counts nowhere.
    #[test]
    fn permits_follow_the_log_of_what_happened(steps in prop::collection::vec(any_step(), 1..120)) {
        let clock = HandClock::start();
        let permits = permits(&clock);
        let mut logs: [Log; SCOPES] = Default::default();
        let mut held: Vec<(Permit, PermitRequest)> = Vec::new();
        let index = |scope: &Scope| scope.as_str().parse::<usize>().unwrap();

        for step in steps {
            let now = clock.now().as_millis();
            match step {
                Step::Acquire(wanted) => {
                    let request = wanted.iter().fold(PermitRequest::new(), |request, (scope, limits)| {
                        request.within(Scope::new(&scope.to_string()), *limits)
                    });
                    let has_room = (request.limited().iter())
                        .all(|(scope, limits)| logs[index(scope)].has_room(limits, now));
                    match permits.try_acquire(&request) {
                        Ok(permit) => {
                            prop_assert!(has_room);
                            for (scope, limits) in request.limited() {
                                let log = &mut logs[index(scope)];
                                log.running += u32::from(limits.concurrency.is_some());
                                log.requests.extend(limits.requests_per_minute.map(|_| (now, 1)));
                                log.daily.extend(limits.requests_per_day.map(|_| now));
                            }
                            held.push((permit, request));
                        }
                        Err(denied) => {
                            prop_assert!(!has_room);
                            prop_assert!(denied.retry_after > Duration::ZERO);
                        }
                    }
                }
                Step::Drop { which, used } if !held.is_empty() => {
                    let (mut permit, request) = held.swap_remove(which % held.len());
                    permit.used(Tokens(used));
                    drop(permit);
                    for (scope, limits) in request.limited() {
                        let log = &mut logs[index(scope)];
                        log.running -= u32::from(limits.concurrency.is_some());
                        log.tokens.extend(limits.tokens_per_minute.map(|_| (now, used)));
                    }
                }
                Step::Drop { .. } => {}
                Step::Wait(millis) => clock.advance(millis),
            }
        }
    }
}
