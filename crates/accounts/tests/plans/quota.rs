//! Rules QUOTA-01 to QUOTA-12 and ERR-04.

use accounts::{PlanBook, Turn, UtcOffset, permille_used, reset_text, window_words};
use ledger::{PoolKind, Units, WindowLimit, WindowName, WindowState};
use serde_json::json;
use vocab::Timestamp;

use crate::counter::Counter;
use crate::{book_with, moment, plan, subscription, units};

const MORNING: &str = "2026-07-07T10:00:00+08:00";
const PEAK: &str = "2026-07-07T15:00:00+08:00";

/// How many calls of these units fit, made one after the other at one moment, and what the next one is told.
fn calls_that_fit(book: &PlanBook, name: &str, units: Units, at: Timestamp) -> (u32, WindowName) {
    let subscription = subscription(name, MORNING, None);
    let mut counter = Counter::new(book, plan(book, name), &subscription, PoolKind::Prompts);
    let mut calls = 0;
    loop {
        match counter.take(units, at) {
            Ok(()) => calls += 1,
            Err((window, _)) => return (calls, window),
        }
    }
}

/// QUOTA-01: 80 / 400 / 1600 prompts in 5 hours and five times that in a week.
#[test]
fn five_full_windows_use_up_the_week() {
    let book = PlanBook::documented();
    for (name, prompts) in [("lite", 80), ("pro", 400), ("max", 1600)] {
        let plan = plan(book, name);
        assert_eq!((plan.prompts_per_5h, plan.prompts_per_week), (Some(prompts), Some(5 * prompts)));
    }

    let lite = subscription("lite", MORNING, None);
    let mut counter = Counter::new(book, plan(book, "lite"), &lite, PoolKind::Prompts);
    for window in 0..5 {
        let at = Timestamp::from_millis(moment(MORNING).as_millis() + window * 5 * 3600 * 1000);
        counter.take(book.prompts(80), at).unwrap();
        assert!(counter.take(Units(1), at).is_err());
    }
    let later = moment("2026-07-10T10:00:00+08:00");
    let (window, resets) = counter.take(Units(1), later).unwrap_err();
    assert_eq!((window, resets), (WindowName::Week, moment("2026-07-14T10:00:00+08:00")));
}

/// QUOTA-02: a call is a twentieth of a prompt; 1600 calls fit into Lite's five hours, the 1601st is refused.
#[test]
fn a_prompt_is_twenty_calls() {
    let book = PlanBook::documented();
    let call = units(book, "glm-4.7", MORNING);
    assert_eq!(call, Units(50));
    assert_eq!(calls_that_fit(book, "lite", call, moment(MORNING)), (1600, WindowName::FiveHours));
}

/// QUOTA-02: with 15 calls to a prompt exactly 1200 calls fit, and with any other number as many as it says.
#[test]
fn any_number_of_calls_to_a_prompt_is_exact() {
    for calls in [1, 3, 7, 15, 16, 17, 18, 19, 20, 21, 333, 999, 1000] {
        let book = book_with("/quota/calls_per_prompt", json!(calls));
        let call = units(&book, "glm-4.7", MORNING);
        let limit = book.prompts(80);
        assert_eq!(limit.0 / call.0, 80 * calls, "{calls}");
        assert_eq!(limit.0 % call.0, 0, "{calls}");
        let threefold = units(&book, "glm-5.1", PEAK);
        assert_eq!(limit.0 / threefold.0, 80 * calls / 3, "{calls}");
    }
    let book = book_with("/quota/calls_per_prompt", json!(15));
    let call = units(&book, "glm-4.7", MORNING);
    assert_eq!(calls_that_fit(&book, "lite", call, moment(MORNING)), (1200, WindowName::FiveHours));
}

/// QUOTA-02: `quota.unit = "user_turn"` counts what the user says and nothing that follows from it.
#[test]
fn by_user_turns_tool_results_are_free() {
    let book = book_with("/quota/unit", json!("user_turn"));
    let take = |model: &str, turn| book.units_for(&model.parse().unwrap(), moment(PEAK), turn);
    assert_eq!(take("glm-4.7", Turn::Begins), Units(1000));
    assert_eq!(take("glm-5.1", Turn::Begins), Units(3000));
    assert_eq!(take("glm-5.1", Turn::Continues), Units(0));
    assert_eq!(book.prompts(80), Units(80_000));
}

/// QUOTA-03: 60 prompts at 10:00 and 20 at 12:00; what was used comes back five hours after it was.
#[test]
fn use_comes_back_five_hours_later() {
    let book = PlanBook::documented();
    let lite = subscription("lite", MORNING, None);
    let mut counter = Counter::new(book, plan(book, "lite"), &lite, PoolKind::Prompts);
    let clock = |time: &str| moment(&format!("2026-07-07T{time}:00+08:00"));
    counter.take(book.prompts(60), clock("10:00")).unwrap();
    counter.take(book.prompts(20), clock("12:00")).unwrap();

    let refused = counter.take(units(book, "glm-4.7", MORNING), clock("12:00")).unwrap_err();
    assert_eq!(refused, (WindowName::FiveHours, clock("15:00")));
    assert_eq!(counter.free(WindowName::FiveHours, clock("14:59")), Units(0));
    assert_eq!(counter.free(WindowName::FiveHours, clock("15:00")), book.prompts(60));
    assert_eq!(counter.free(WindowName::FiveHours, clock("17:00")), book.prompts(80));
}

/// QUOTA-03: `quota.window_mode = "anchored"` gives everything back at once.
#[test]
fn anchored_windows_give_everything_back_at_once() {
    let book = book_with("/quota/window_mode", json!("anchored"));
    let lite = subscription("lite", MORNING, None);
    let mut counter = Counter::new(&book, plan(&book, "lite"), &lite, PoolKind::Prompts);
    let clock = |time: &str| moment(&format!("2026-07-07T{time}:00+08:00"));
    counter.take(book.prompts(60), clock("10:00")).unwrap();
    counter.take(book.prompts(20), clock("12:00")).unwrap();

    assert_eq!(counter.take(Units(50), clock("12:00")), Err((WindowName::FiveHours, clock("15:00"))));
    assert_eq!(counter.free(WindowName::FiveHours, clock("15:00")), book.prompts(80));
}

/// QUOTA-04: the week begins with the subscription; the last twentieth of a prompt can be used, and no more.
#[test]
fn the_week_begins_with_the_subscription() {
    let book = PlanBook::documented();
    let lite = subscription("lite", "2026-05-05T09:30:00+08:00", None);
    let mut counter = Counter::new(book, plan(book, "lite"), &lite, PoolKind::Prompts);
    for (day, milli_prompts) in [(5, 80_000), (6, 80_000), (7, 80_000), (8, 80_000), (9, 79_950)] {
        let at = moment(&format!("2026-05-{day:02}T10:00:00+08:00"));
        counter.take(Units(milli_prompts), at).unwrap();
    }

    let at = moment("2026-05-12T09:29:59+08:00");
    let call = units(book, "glm-4.7", MORNING);
    counter.take(call, at).unwrap();
    let resets = moment("2026-05-12T09:30:00+08:00");
    assert_eq!(counter.take(call, at), Err((WindowName::Week, resets)));
    assert_eq!(counter.free(WindowName::Week, resets), book.prompts(400), "nothing is carried over");
}

/// QUOTA-04: `quota.week_anchor = "order"` counts from the moment a period was bought.
#[test]
fn the_week_may_begin_with_the_order() {
    let mut queued = subscription("lite", "2026-05-05T09:30:00+08:00", None);
    queued.created = moment("2026-05-02T20:00:00+08:00");
    let book = book_with("/quota/week_anchor", json!("order"));
    let counter = Counter::new(&book, plan(&book, "lite"), &queued, PoolKind::Prompts);
    let windows = book.windows(counter.plan, &queued, PoolKind::Prompts, moment("2026-05-09T20:00:00+08:00"));
    let (starts, ends) = (queued.created.plus(week()), queued.created.plus(2 * week()));
    assert_eq!(windows[1].span, ledger::WindowSpan::Anchored { starts, ends });
}

fn week() -> std::time::Duration {
    std::time::Duration::from_secs(7 * 24 * 3600)
}

/// QUOTA-05: with both gone the one that ends later is named.
#[test]
fn of_two_full_windows_the_later_one_is_named() {
    let book = PlanBook::documented();
    let lite = subscription("lite", "2026-07-01T11:00:00+08:00", None);
    let mut counter = Counter::new(book, plan(book, "lite"), &lite, PoolKind::Prompts);
    for at in ["2026-07-02T10:00:00Z", "2026-07-03T10:00:00Z", "2026-07-04T10:00:00Z", "2026-07-05T10:00:00Z"]
    {
        counter.take(book.prompts(80), moment(at)).unwrap();
    }
    let now = moment(MORNING);
    counter.take(book.prompts(80), now).unwrap();
    let (window, resets) = counter.take(Units(50), now).unwrap_err();
    assert_eq!((window, resets), (WindowName::Week, moment("2026-07-08T11:00:00+08:00")));
}

/// QUOTA-07: at three times over 533 calls fit into Lite's five hours, which are 26 whole prompts; off-peak 40.
#[test]
fn dear_models_use_more() {
    let book = PlanBook::documented();
    for model in ["glm-5.1", "glm-5-turbo"] {
        assert_eq!(units(book, model, PEAK), Units(150));
        assert_eq!(units(book, model, MORNING), Units(100));
    }
    for model in ["glm-4.7", "glm-4.5-air", "a-model-of-the-house"] {
        assert_eq!(units(book, model, PEAK), Units(50));
        assert_eq!(units(book, model, MORNING), Units(50));
    }
    let (calls, _) = calls_that_fit(book, "lite", units(book, "glm-5.1", PEAK), moment(PEAK));
    assert_eq!((calls, calls / 20), (533, 26));
    let (calls, _) = calls_that_fit(book, "lite", units(book, "glm-5.1", MORNING), moment(MORNING));
    assert_eq!((calls, calls / 20), (800, 40));
}

/// QUOTA-08: the beginning of the request decides; 06:00:00 UTC is peak, 10:00:00 is not.
#[test]
fn peak_hours_include_their_beginning_and_not_their_end() {
    let book = PlanBook::documented();
    for (time, milli_prompts) in [
        ("05:59:59.999", 100),
        ("06:00:00", 150),
        ("09:59:59", 150),
        ("09:59:59.999", 150),
        ("10:00:00", 100),
    ] {
        for day in ["2026-07-07", "2026-12-25", "2028-02-29"] {
            assert_eq!(units(book, "glm-5.1", &format!("{day}T{time}Z")), Units(milli_prompts), "{time}");
        }
    }
}

/// QUOTA-09: the promotion lasts through the last second of June in UTC+8; peak hours stay at three.
#[test]
fn the_promotion_ends_with_june() {
    let book = PlanBook::documented();
    assert_eq!(units(book, "glm-5.1", "2026-06-30T15:59:59Z"), Units(50));
    assert_eq!(units(book, "glm-5.1", "2026-06-30T15:59:59.999Z"), Units(50));
    assert_eq!(units(book, "glm-5.1", "2026-06-30T16:00:00Z"), Units(100));
    assert_eq!(units(book, "glm-5-turbo", "2026-06-30T07:00:00Z"), Units(150));
}

/// QUOTA-10: the same amount is taken of both windows.
#[test]
fn a_call_counts_in_both_windows_alike() {
    let book = PlanBook::documented();
    let lite = subscription("lite", MORNING, None);
    let mut counter = Counter::new(book, plan(book, "lite"), &lite, PoolKind::Prompts);
    counter.take(units(book, "glm-5.1", PEAK), moment(PEAK)).unwrap();
    assert_eq!(counter.free(WindowName::FiveHours, moment(PEAK)), Units(80_000 - 150));
    assert_eq!(counter.free(WindowName::Week, moment(PEAK)), Units(400_000 - 150));
}

/// QUOTA-12, QUOTA-13: ten calls are 0.5 of 80 prompts, 0.6 %; 800 of 1600 are 50 %.
#[test]
fn progress_is_shown_in_tenths_of_a_percent() {
    let book = PlanBook::documented();
    let state = |name: &str, used: Units| {
        let subscription = subscription(name, MORNING, None);
        let windows = book.windows(plan(book, name), &subscription, PoolKind::Prompts, moment(MORNING));
        WindowState { limit: windows[0], used, resets: None }
    };
    let ten_calls = Units(10 * units(book, "glm-4.7", MORNING).0);
    assert_eq!(ten_calls, Units(500));
    assert_eq!(permille_used(&state("lite", ten_calls)), 6);
    assert_eq!(permille_used(&state("max", book.prompts(800))), 500);
    assert_eq!(permille_used(&state("lite", Units(0))), 0);
    assert_eq!(permille_used(&state("lite", book.prompts(80))), 1000);
    assert_eq!(permille_used(&state("lite", Units(i64::MAX))), 1000, "never more than everything");
    let empty = WindowLimit { limit: Units(0), ..state("lite", Units(0)).limit };
    assert_eq!(permille_used(&WindowState { limit: empty, used: Units(0), resets: None }), 1000);
}

/// ERR-04: `yyyy-MM-dd HH:mm:ss` in the zone that is set, and the window's name as the refusal prints it.
#[test]
fn a_refusal_names_the_window_and_the_moment() {
    let resets = moment("2026-07-07T15:00:00+08:00");
    assert_eq!(reset_text(resets, UtcOffset::UTC_8), "2026-07-07 15:00:00");
    assert_eq!(reset_text(resets, "+00:00".parse().unwrap()), "2026-07-07 07:00:00");
    assert_eq!(reset_text(resets, "-09:30".parse().unwrap()), "2026-07-06 21:30:00");
    let begun = Timestamp::from_millis(resets.as_millis() + 1);
    assert_eq!(reset_text(begun, UtcOffset::UTC_8), "2026-07-07 15:00:01", "never too early");
    assert_eq!(window_words(WindowName::FiveHours), ("5", "hour"));
    for absurd in [i64::MIN, i64::MAX] {
        assert!(!reset_text(Timestamp::from_millis(absurd), UtcOffset::UTC_8).is_empty());
    }
}
