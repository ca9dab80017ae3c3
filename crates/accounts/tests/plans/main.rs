//! Plans from the outside: the worked examples of the rules, and what holds for every plan and moment.

#![expect(clippy::unwrap_used, reason = "a helper that cannot do its part fails the test")]

mod book;
mod counter;
mod grants;
mod life;
mod mcp;
mod quota;
mod rates;
mod windows;

use accounts::{Plan, PlanBook, Subscription, Turn};
use ledger::Units;
use vocab::{AccountId, SubscriptionId, Timestamp};

/// A moment such as `2026-05-05T09:30:00+08:00`.
fn moment(text: &str) -> Timestamp {
    Timestamp::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

/// The documented book with one key changed.
fn book_with(pointer: &str, value: serde_json::Value) -> PlanBook {
    let mut document: serde_json::Value = serde_json::from_str(PlanBook::documented_json()).unwrap();
    *document.pointer_mut(pointer).unwrap() = value;
    PlanBook::from_json(&document.to_string()).unwrap()
}

fn plan<'a>(book: &'a PlanBook, id: &str) -> &'a Plan {
    book.plan(&id.parse().unwrap()).unwrap()
}

fn units(book: &PlanBook, model: &str, at: &str) -> Units {
    book.units_for(&model.parse().unwrap(), moment(at), Turn::Begins)
}

fn subscription(plan: &str, starts: &str, ends: Option<&str>) -> Subscription {
    Subscription {
        id: SubscriptionId::generate(),
        account: AccountId::generate(),
        number: 1,
        plan: plan.parse().unwrap(),
        starts: moment(starts),
        ends: ends.map(moment),
        ended_early: None,
        granted_by: None,
        note: String::new(),
        created: moment(starts),
    }
}
