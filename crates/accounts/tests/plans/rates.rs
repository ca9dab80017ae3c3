//! Rule RATE-01.

use accounts::{Load, PlanBook};
use serde_json::json;

use crate::{book_with, moment, plan};

const PEAK: &str = "2026-07-07T06:00:00Z";
const OFF_PEAK: &str = "2026-07-07T10:00:00Z";

/// RATE-01: 2 / 5 / 10 at once in peak hours, twice that otherwise.
#[test]
fn more_requests_run_at_once_off_peak() {
    let book = PlanBook::documented();
    let at_once = |name: &str, at: &str, load| book.concurrency_at(plan(book, name), moment(at), load);
    for (name, peak) in [("lite", 2), ("pro", 5), ("max", 10)] {
        assert_eq!(at_once(name, PEAK, Load::Usual), peak);
        assert_eq!(at_once(name, OFF_PEAK, Load::Usual), 2 * peak);
        assert_eq!(at_once(name, OFF_PEAK, Load::High), peak, "under load nobody gets more than promised");
    }
}

#[test]
fn at_least_one_request_runs() {
    let book = book_with("/rate/off_peak_factor", json!(0.25));
    assert_eq!(book.concurrency_at(plan(&book, "lite"), moment(OFF_PEAK), Load::Usual), 1);
    let book = book_with("/rate/off_peak_factor", json!(1.5));
    assert_eq!(book.concurrency_at(plan(&book, "pro"), moment(OFF_PEAK), Load::Usual), 7);
}
