//! What holds for the windows of every subscription at every moment.

use accounts::{PlanBook, Subscription};
use ledger::{PoolKind, WindowSpan};
use proptest::prelude::*;
use serde_json::json;
use vocab::Timestamp;

use crate::{book_with, plan, subscription};

/// Moments from 1970 to about 2100.
fn moments() -> impl Strategy<Value = Timestamp> {
    (0..4_102_444_800_000_i64).prop_map(Timestamp::from_millis)
}

fn zones() -> impl Strategy<Value = String> {
    (0..=14_u32, prop::sample::select(vec!['+', '-']))
        .prop_map(|(hours, sign)| format!("{sign}{hours:02}:00"))
}

fn anchored_windows(
    book: &PlanBook,
    subscription: &Subscription,
    at: Timestamp,
) -> Vec<(Timestamp, Timestamp)> {
    let of_kind = |kind| book.windows(plan(book, "lite"), subscription, kind, at);
    let windows = [PoolKind::Prompts, PoolKind::McpCalls].into_iter().flat_map(of_kind);
    let spans = windows.map(|window| match window.span {
        WindowSpan::Anchored { starts, ends } => (starts, ends),
        WindowSpan::Rolling(_) => panic!("every window of this book is anchored"),
    });
    spans.collect()
}

proptest! {
    /// Every moment lies in exactly one window of each name: where one ends the next begins, and seen from its last
    /// moment a window is the same as from its first.
    #[test]
    fn windows_follow_each_other_without_gap_or_overlap(
        starts in moments(), ordered in moments(), at in moments(), zone in zones(),
    ) {
        let mut document: serde_json::Value = serde_json::from_str(PlanBook::documented_json()).unwrap();
        document["quota"]["window_mode"] = json!("anchored");
        document["quota"]["week_anchor"] = json!("order");
        document["quota"]["time_zone"] = json!(zone);
        let book = PlanBook::from_json(&document.to_string()).unwrap();
        let mut held = subscription("lite", "2026-01-31T00:00:00Z", None);
        (held.starts, held.created) = (starts, ordered);

        let spans = anchored_windows(&book, &held, at);
        prop_assert_eq!(spans.len(), 3);
        for (number, (starts, ends)) in spans.into_iter().enumerate() {
            prop_assert!(starts <= at && at < ends, "{at} is not in {starts}..{ends}");
            let last = Timestamp::from_millis(ends.as_millis() - 1);
            prop_assert_eq!(anchored_windows(&book, &held, starts)[number], (starts, ends));
            prop_assert_eq!(anchored_windows(&book, &held, last)[number], (starts, ends));
            prop_assert_eq!(anchored_windows(&book, &held, ends)[number].0, ends);
            let before = Timestamp::from_millis(starts.as_millis() - 1);
            prop_assert_eq!(anchored_windows(&book, &held, before)[number].1, starts);
        }
    }

    /// A subscription's own beginning begins every window, so that nothing used before it counts.
    #[test]
    fn windows_begin_with_the_subscription(starts in moments()) {
        let book = book_with("/quota/window_mode", json!("anchored"));
        let mut held = subscription("lite", "2026-01-31T00:00:00Z", None);
        held.starts = starts;
        for (first, _) in anchored_windows(&book, &held, starts) {
            prop_assert_eq!(first, starts);
        }
    }

    /// No moment, however absurd, makes a window panic.
    #[test]
    fn absurd_moments_do_no_harm(starts: i64, at: i64) {
        let book = book_with("/quota/window_mode", json!("anchored"));
        let mut held = subscription("lite", "2026-01-31T00:00:00Z", None);
        held.starts = Timestamp::from_millis(starts);
        anchored_windows(&book, &held, Timestamp::from_millis(at));
        book.units_for(&"glm-5.1".parse().unwrap(), Timestamp::from_millis(at), accounts::Turn::Begins);
    }
}

/// What a plan does not limit has no window.
#[test]
fn what_is_not_limited_has_no_window() {
    let book = book_with("/plans/lite/prompts_per_week", json!(null));
    let held = subscription("lite", "2026-01-31T00:00:00Z", None);
    let windows = book.windows(plan(&book, "lite"), &held, PoolKind::Prompts, held.starts);
    assert_eq!(windows.iter().map(|window| window.name).collect::<Vec<_>>(), [ledger::WindowName::FiveHours]);
}
