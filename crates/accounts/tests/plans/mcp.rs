//! Rules MCPQ-01, MCPQ-03, MCPQ-04.

use accounts::{McpTool, PlanBook};
use ledger::{PoolKind, Units, WindowName, WindowSpan};
use serde_json::json;

use crate::counter::Counter;
use crate::{book_with, moment, plan, subscription};

const START: &str = "2026-01-31T12:00:00+08:00";

/// MCPQ-01: searches, reads and Zread calls share one number; the 101st of any kind is refused.
#[test]
fn three_kinds_of_calls_share_a_month() {
    let book = PlanBook::documented();
    for (name, calls) in [("lite", 100), ("pro", 1000), ("max", 4000)] {
        assert_eq!(plan(book, name).mcp_calls_per_month, Some(calls));
    }

    let lite = subscription("lite", START, None);
    let mut counter = Counter::new(book, plan(book, "lite"), &lite, PoolKind::McpCalls);
    let at = moment("2026-02-02T00:00:00Z");
    for (tool, calls) in [(McpTool::WebSearch, 60), (McpTool::WebReader, 30), (McpTool::Zread, 10)] {
        for _ in 0..calls {
            counter.take(book.mcp_units_for(tool), at).unwrap();
        }
    }
    for tool in [McpTool::WebSearch, McpTool::WebReader, McpTool::Zread] {
        let refused = counter.take(book.mcp_units_for(tool), at).unwrap_err();
        assert_eq!(refused, (WindowName::Month, moment("2026-02-28T12:00:00+08:00")));
    }
}

/// MCPQ-01: `quota.mcp_pool_includes_zread = false`
#[test]
fn zread_may_stand_outside_the_pool() {
    let book = book_with("/quota/mcp_pool_includes_zread", json!(false));
    assert_eq!(book.mcp_units_for(McpTool::Zread), Units(0));
    assert_eq!(book.mcp_units_for(McpTool::WebSearch), Units(1));
    assert_eq!(book.mcp_units_for(McpTool::WebReader), Units(1));
}

/// MCPQ-03: a year's plan from 31 January resets on 28 February, 31 March, 30 April and so on.
#[test]
fn calls_come_back_on_monthly_anniversaries() {
    let book = PlanBook::documented();
    let year = subscription("pro", START, Some("2027-01-31T12:00:00+08:00"));
    let mut at = year.starts;
    let mut resets = Vec::new();
    while Some(at) < year.ends {
        let windows = book.windows(plan(book, "pro"), &year, PoolKind::McpCalls, at);
        let [window] = windows.as_slice() else { panic!("{windows:?}") };
        let WindowSpan::Anchored { starts, ends } = window.span else { panic!("{window:?}") };
        assert_eq!(starts, at);
        resets.push(accounts::reset_text(ends, accounts::UtcOffset::UTC_8));
        at = ends;
    }
    let days = [
        "2026-02-28",
        "2026-03-31",
        "2026-04-30",
        "2026-05-31",
        "2026-06-30",
        "2026-07-31",
        "2026-08-31",
        "2026-09-30",
        "2026-10-31",
        "2026-11-30",
        "2026-12-31",
        "2027-01-31",
    ];
    assert_eq!(resets, days.map(|day| format!("{day} 12:00:00")));
}

/// MCPQ-03: the calendar is that of the zone that is set. Early on 31 January in UTC+8 it is still the 30th in UTC.
#[test]
fn anniversaries_follow_the_calendar_of_the_zone() {
    let early = subscription("lite", "2026-01-31T04:00:00+08:00", None);
    let at = moment("2026-03-15T00:00:00Z");
    let span = |book: &PlanBook| book.windows(plan(book, "lite"), &early, PoolKind::McpCalls, at)[0].span;
    let [starts, ends] = ["2026-02-28T04:00:00+08:00", "2026-03-31T04:00:00+08:00"].map(moment);
    assert_eq!(span(PlanBook::documented()), WindowSpan::Anchored { starts, ends });
    let [starts, ends] = ["2026-02-28T20:00:00Z", "2026-03-30T20:00:00Z"].map(moment);
    let in_utc = book_with("/quota/time_zone", json!("+00:00"));
    assert_eq!(span(&in_utc), WindowSpan::Anchored { starts, ends });
}

/// MCPQ-03: `quota.mcp_reset = "billing_cycle"` gives one month's calls for the whole period.
#[test]
fn calls_may_come_back_with_the_billing_cycle_only() {
    let book = book_with("/quota/mcp_reset", json!("billing_cycle"));
    let year = subscription("pro", START, Some("2027-01-31T12:00:00+08:00"));
    let at = moment("2026-08-01T00:00:00Z");
    let windows = book.windows(plan(&book, "pro"), &year, PoolKind::McpCalls, at);
    assert_eq!(windows[0].span, WindowSpan::Anchored { starts: year.starts, ends: year.ends.unwrap() });

    let endless = subscription("pro", START, None);
    let windows = book.windows(plan(&book, "pro"), &endless, PoolKind::McpCalls, at);
    let [starts, ends] = ["2026-07-31T12:00:00+08:00", "2026-08-31T12:00:00+08:00"].map(moment);
    assert_eq!(windows[0].span, WindowSpan::Anchored { starts, ends }, "without an end it has anniversaries");
}

/// MCPQ-04: vision tools draw on the prompts, also with models that are not on the plan themselves.
#[test]
fn vision_tools_have_their_own_models() {
    let book = PlanBook::documented();
    let lite = plan(book, "lite");
    for model in ["glm-4.5v", "glm-4.6v", "glm-5.3-flash", "glm-4.7"] {
        assert!(book.includes_for_vision_tools(lite, &model.parse().unwrap()), "{model}");
    }
    assert!(!book.includes(lite, &"glm-4.6v".parse().unwrap()));
    assert!(!book.includes_for_vision_tools(lite, &"glm-image".parse().unwrap()));
}
