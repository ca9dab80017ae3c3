//! Quota by the rules: when it is gone, and when it comes back.

#![expect(clippy::unwrap_used, reason = "a helper that cannot do its part fails the test")]

use std::time::Duration;

use ledger::{
    Book, Pool, PoolKind, QuotaUse, Settlement, SliceOutcome, SliceRequest, Units, WindowLimit, WindowName,
    WindowSpan,
};
use vocab::{AccountId, HoldId, NodeId, RequestId, SubscriptionId, Timestamp};

const FIVE_HOURS: WindowSpan = WindowSpan::Rolling(Duration::from_secs(5 * 3_600));
const DAY_MS: i64 = 24 * 3_600_000;

/// 5 May 2026, 00:00 UTC, a Tuesday.
const TUESDAY: i64 = 1_777_939_200_000;

/// Tuesday at this time, or another day's if the hours go on.
fn at(hours: i64, minutes: i64) -> Timestamp {
    Timestamp::from_millis(TUESDAY + (hours * 60 + minutes) * 60_000)
}

/// The plan Lite, bought on Tuesday at 09:30.
struct Lite {
    book: Book,
    pool: Pool,
    account: AccountId,
}

impl Lite {
    fn new() -> Self {
        let pool = Pool { subscription: SubscriptionId::generate(), kind: PoolKind::Prompts };
        Self { book: Book::default(), pool, account: AccountId::generate() }
    }

    /// QUOTA-01: 80 prompts in five hours, 400 a week.
    fn limits() -> Vec<WindowLimit> {
        let week = WindowSpan::Anchored { starts: at(9, 30), ends: at(7 * 24 + 9, 30) };
        vec![
            WindowLimit { name: WindowName::FiveHours, span: FIVE_HOURS, limit: Units(80_000) },
            WindowLimit { name: WindowName::Week, span: week, limit: Units(400_000) },
        ]
    }

    fn asks(&mut self, units: i64, at: Timestamp) -> (HoldId, SliceOutcome) {
        let request = SliceRequest {
            id: HoldId::generate(),
            pool: self.pool,
            node: NodeId::generate(),
            limits: Self::limits(),
            want: Units(units),
            least: Units(units),
            at,
            until: at.plus(Duration::from_secs(60)),
        };
        (request.id, self.book.slice_open(&request).unwrap())
    }

    /// Uses so much, from a slice of its own.
    fn uses(&mut self, units: i64, at: Timestamp) {
        let (slice, outcome) = self.asks(units, at);
        assert_eq!(outcome, SliceOutcome::Opened(Units(units)));
        self.settles(Some(slice), units, at);
        assert_eq!(self.book.slice_release(slice), Units::ZERO);
    }

    fn settles(&mut self, slice: Option<HoldId>, units: i64, used_at: Timestamp) {
        let quota = QuotaUse {
            pool: self.pool,
            slice,
            units: Units(units),
            used_at,
            anchored: vec![(WindowName::Week, at(9, 30))],
        };
        let settlement = Settlement {
            request: RequestId::generate(used_at),
            account: self.account,
            at: used_at,
            money: None,
            quota: Some(quota),
        };
        for _ in 0..2 {
            self.book.settle(std::slice::from_ref(&settlement)).unwrap();
        }
    }

    fn used(&self, at: Timestamp) -> (Units, Units) {
        let states = self.book.quota_used(self.pool, &Self::limits(), at);
        (states[0].used, states[1].used)
    }
}

impl Drop for Lite {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let verified = self.book.verify();
            assert!(verified.is_clean(), "{verified:?}");
        }
    }
}

/// QUOTA-03: 60 prompts at 10:00, 20 at 12:00. The next call is refused until 15:00; then 60 are free, at 17:00 all 80.
#[test]
fn use_comes_back_five_hours_after_it_was_consumed() {
    let mut lite = Lite::new();
    lite.uses(60_000, at(10, 0));
    lite.uses(20_000, at(12, 0));
    let refused = SliceOutcome::Exhausted { window: WindowName::FiveHours, resets: at(15, 0) };
    assert_eq!(lite.asks(50, at(12, 0)).1, refused);
    let just_before = Timestamp::from_millis(at(15, 0).as_millis() - 1);
    assert_eq!(lite.asks(50, just_before).1, refused);
    assert_eq!(lite.used(at(15, 0)).0, Units(20_000));

    let refused = SliceOutcome::Exhausted { window: WindowName::FiveHours, resets: at(17, 0) };
    assert_eq!(lite.asks(60_001, at(15, 0)).1, refused, "60 are free");
    let (slice, outcome) = lite.asks(60_000, at(15, 0));
    assert_eq!(outcome, SliceOutcome::Opened(Units(60_000)));
    assert_eq!(lite.book.slice_release(slice), Units(60_000));
    assert_eq!(lite.asks(80_000, at(17, 0)).1, SliceOutcome::Opened(Units(80_000)));
}

/// QUOTA-03: use within a second comes back with the next one, never early.
#[test]
fn use_within_a_second_does_not_come_back_early() {
    let mut lite = Lite::new();
    let used_at = Timestamp::from_millis(at(10, 0).as_millis() + 1);
    lite.uses(80_000, used_at);
    let resets = Timestamp::from_millis(at(15, 0).as_millis() + 1_000);
    let refused = SliceOutcome::Exhausted { window: WindowName::FiveHours, resets };
    assert_eq!(lite.asks(1, at(15, 0)).1, refused);
    assert_eq!(lite.asks(1, resets).1, SliceOutcome::Opened(Units(1)));
}

/// QUOTA-04: 399.95 used, one 1x call (0.05) is fine, the next is refused until Tuesday 12 May 09:30.
#[test]
fn a_week_ends_when_the_subscription_says() {
    let mut lite = Lite::new();
    for day in 0..4 {
        lite.uses(80_000, at(day * 24 + 10, 0));
    }
    lite.uses(79_950, at(4 * 24 + 10, 0));
    lite.uses(50, at(5 * 24 + 10, 0));
    let refused = SliceOutcome::Exhausted { window: WindowName::Week, resets: at(7 * 24 + 9, 30) };
    assert_eq!(lite.asks(50, at(6 * 24, 0)).1, refused);
    let states = lite.book.quota_used(lite.pool, &Lite::limits(), at(6 * 24, 0));
    assert_eq!((states[0].used, states[0].resets), (Units::ZERO, None));
    assert_eq!((states[1].used, states[1].resets), (Units(400_000), Some(at(7 * 24 + 9, 30))));
}

/// QUOTA-05: the five hours reset at 15:00 and the week tomorrow: the week is named.
#[test]
fn of_two_full_windows_the_one_that_ends_later_is_named() {
    let mut lite = Lite::new();
    for day in 0..4 {
        lite.uses(80_000, at(day * 24 + 10, 0));
    }
    let sunday_at_ten = at(5 * 24 + 10, 0);
    lite.uses(80_000, sunday_at_ten);
    let refused = SliceOutcome::Exhausted { window: WindowName::Week, resets: at(7 * 24 + 9, 30) };
    assert_eq!(lite.asks(50, sunday_at_ten).1, refused);
}

/// QUOTA-10: one glm-5.1 peak call takes 0.15 prompts of both limits.
#[test]
fn the_same_amount_is_taken_from_both_windows() {
    let mut lite = Lite::new();
    lite.uses(150, at(10, 0));
    assert_eq!(lite.used(at(10, 0)), (Units(150), Units(150)));
}

/// QUOTA-11: what is reserved and not used goes back, and does not show as used.
#[test]
fn a_reserved_call_that_failed_leaves_the_counters_unchanged() {
    let mut lite = Lite::new();
    let (slice, _) = lite.asks(80_000, at(10, 0));
    assert_eq!(lite.used(at(10, 0)), (Units::ZERO, Units::ZERO));
    let resets = at(15, 0);
    let refused = SliceOutcome::Exhausted { window: WindowName::FiveHours, resets };
    assert_eq!(lite.asks(50, at(10, 0)).1, refused, "what is set aside counts as used now");
    assert_eq!(lite.book.slice_release(slice), Units(80_000));
    lite.uses(80_000, at(10, 1));
}

#[test]
fn use_counts_although_its_slice_has_ended() {
    let mut lite = Lite::new();
    let (slice, _) = lite.asks(80_000, at(10, 0));
    assert_eq!(lite.book.slices_expire(at(10, 1), at(0, 0), 10), 1);
    lite.settles(Some(slice), 30_000, at(10, 0));
    lite.settles(None, 60_000, at(10, 0));
    assert_eq!(lite.used(at(10, 2)).0, Units(90_000), "more than there is, and all of it counts");
    let refused = SliceOutcome::Exhausted { window: WindowName::FiveHours, resets: at(15, 0) };
    assert_eq!(lite.asks(50, at(10, 2)).1, refused);
}

#[test]
fn an_operator_gives_a_window_back() {
    let mut lite = Lite::new();
    lite.uses(80_000, at(10, 0));
    let limits = Lite::limits();
    lite.book.quota_reset(lite.pool, &limits[..1]);
    assert_eq!(lite.used(at(10, 0)), (Units::ZERO, Units(80_000)));
    lite.uses(80_000, at(10, 0));
    assert_eq!(lite.used(at(10, 0)), (Units(80_000), Units(160_000)));
}

#[test]
fn what_no_window_reaches_is_forgotten_and_weeks_stay() {
    let mut lite = Lite::new();
    lite.uses(80_000, at(10, 0));
    let tomorrow = Timestamp::from_millis(at(10, 0).as_millis() + DAY_MS);
    assert_eq!(lite.book.slices_expire(tomorrow, at(15, 0), 10), 0);
    assert_eq!(lite.used(at(10, 1)), (Units::ZERO, Units(80_000)));
}
