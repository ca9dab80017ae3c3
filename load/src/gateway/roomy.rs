//! Limits of every kind, so that all of them are counted, and so wide that nobody reaches them.

use accounts::PlanBook;
use anyhow::Context;
use serde_json::{Value, json};

use super::MODEL;

const PLENTY: u32 = 1_000_000_000;

/// The documented plans, with much more in them.
pub(super) fn plans() -> anyhow::Result<Value> {
    let mut book: Value = serde_json::from_str(PlanBook::documented_json())?;
    let plans = book["plans"].as_object_mut().context("there are plans")?;
    for plan in plans.values_mut() {
        plan["prompts_per_5h"] = json!(PLENTY);
        plan["prompts_per_week"] = json!(PLENTY);
        plan["concurrency"] = json!(PLENTY);
    }
    Ok(book)
}

/// Limits of accounts, of keys and of the model.
pub(super) fn rates() -> Value {
    let limits = json!({
        "concurrency": PLENTY,
        "requests_per_minute": PLENTY,
        "tokens_per_minute": 1_000_000_000_000_u64,
        "requests_per_day": PLENTY,
    });
    json!({"account": limits, "key": limits, "models": {MODEL: limits}})
}
