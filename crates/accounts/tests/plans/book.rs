//! The document of plans: what is shipped, and what is said of mistakes. Rules PLAN-01, PLAN-03, C-06.

use accounts::{Cycle, NoPlanCode, PlanBook};
use serde_json::{Value, json};
use vocab::NanoUsd;

use crate::{book_with, plan};

fn published(name: &str) -> Value {
    let path = format!("{}/../../../shared/spec/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// PLAN-01: the prices of the pages; a quarter is three months less 10 %, a year twelve less 20 %.
#[test]
fn prices_are_those_of_the_pages() {
    let book = PlanBook::documented();
    let prices = |name: &str| Cycle::ALL.map(|cycle| plan(book, name).prices_usd[&cycle].to_string());
    assert_eq!(prices("lite"), ["18.00", "48.60", "172.80"]);
    assert_eq!(prices("pro"), ["72.00", "194.40", "691.20"]);
    assert_eq!(prices("max"), ["160.00", "432.00", "1536.00"]);
    for (_, plan) in book.plans() {
        let [month, quarter, year] = Cycle::ALL.map(|cycle| plan.prices_usd[&cycle]);
        assert_eq!(quarter, NanoUsd(month.0 * 3 / 10 * 9));
        assert_eq!(year, NanoUsd(month.0 * 12 / 10 * 8));
    }
}

/// PLAN-01, QUOTA-01, MCPQ-01, RATE-01: every figure of `plans.json`.
#[test]
fn figures_are_those_of_the_pages() {
    let (book, published) = (PlanBook::documented(), published("plans"));
    let tiers = published["tiers"].as_array().unwrap();
    assert_eq!(book.plans().len(), tiers.len());
    for tier in tiers {
        let id = tier["id"].as_str().unwrap();
        let plan = plan(book, id);
        assert_eq!(plan.name, tier["display_name"]);
        assert_eq!(plan.rank, tier["rank"]);
        assert_eq!(json!(plan.prompts_per_5h), tier["limits"]["prompts_per_5h"]);
        assert_eq!(json!(plan.prompts_per_week), tier["limits"]["prompts_per_week"]);
        assert_eq!(json!(plan.mcp_calls_per_month), tier["mcp_calls_per_month"]["limit"]);
        assert_eq!(plan.concurrency, published["concurrency"]["recommended"][id]);
    }
    assert_eq!(book.no_plan_code(), NoPlanCode::Expired);
}

/// PLAN-03: of the documented models exactly four are on every plan; glm-5 is not until the operator says so (C-06).
#[test]
fn of_the_documented_models_four_are_on_every_plan() {
    let (book, published) = (PlanBook::documented(), published("models"));
    let mut included = 0;
    for model in published["models"].as_array().unwrap() {
        let name = model["id"].as_str().unwrap().parse().unwrap();
        for (id, plan) in book.plans() {
            assert_eq!(book.includes(plan, &name), model["coding_plan"] == "yes", "{id}: {name}");
        }
        included += u32::from(model["coding_plan"] == "yes");
    }
    assert_eq!(included, 4);
    assert!(!book.includes(plan(book, "lite"), &"glm-4.6".parse().unwrap()), "code 1311");
    assert!(book.includes(plan(book, "lite"), &"GLM-4.7".parse().unwrap()), "whatever the case");
}

/// PLAN-03: `plan.extra_models_by_tier` and `plan.allowed_models`.
#[test]
fn the_operator_adds_models_and_draws_lines() {
    let book = book_with("/plans/pro/extra_models", json!(["glm-5"]));
    let has =
        |book: &PlanBook, name: &str, model: &str| book.includes(plan(book, name), &model.parse().unwrap());
    assert!(has(&book, "pro", "glm-5") && !has(&book, "lite", "glm-5"));
    assert!(has(&book, "lite", "a-model-of-the-house"), "what the pages do not name is on every plan");

    let book = book_with("/plans/lite/allowed_models", json!(["glm-4.7", "glm-5"]));
    assert!(has(&book, "lite", "glm-4.7") && has(&book, "lite", "glm-5"));
    assert!(!has(&book, "lite", "glm-5.1") && !has(&book, "lite", "a-model-of-the-house"));
}

#[test]
fn a_book_survives_its_own_text() {
    let book = PlanBook::documented();
    let text = serde_json::to_string(book).unwrap();
    assert_eq!(PlanBook::from_json(&text).as_ref(), Ok(book));
}

/// A mistake is told with the key it is in.
#[test]
fn a_mistake_names_its_key() {
    let told = |pointer: &str, value: Value| {
        let mut document: Value = serde_json::from_str(PlanBook::documented_json()).unwrap();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap()[key] = value;
        let mistake = PlanBook::from_json(&document.to_string()).unwrap_err();
        format!("{} | {}", mistake.key, mistake.problem)
    };
    let is_told = |pointer: &str, value: Value, key: &str, problem: &str| {
        let told = told(pointer, value);
        assert!(told.starts_with(&format!("{key} | ")) && told.contains(problem), "{pointer}: {told}");
    };

    is_told("/quota/calls_per_promt", json!(20), "quota.calls_per_promt", "unknown field");
    is_told("/quota/calls_per_prompt", json!(0), "quota.calls_per_prompt", "nonzero");
    is_told("/quota/calls_per_prompt", json!(1001), "quota.calls_per_prompt", "1 to 1000");
    is_told("/quota/unit", json!("token"), "quota.unit", "unknown variant `token`");
    is_told("/quota/time_zone", json!("Mars"), "quota.time_zone", "`+08:00`");
    is_told(
        "/quota/peak_windows",
        json!([{"tz": "+08:00", "from": "25:00", "to": "18:00"}]),
        "quota.peak_windows[0].from",
        "`25:00` is not a time of day",
    );
    is_told(
        "/quota/peak_windows",
        json!([{"tz": "+08:00", "from": "18:00", "to": "18:00"}]),
        "quota.peak_windows[0].to",
        "another time",
    );
    is_told(
        "/quota/promos",
        json!([{"models": ["glm-5.1"], "until": "2026-06-30T00:00:00Z"}]),
        "quota.promos[0]",
        "`peak`, `off_peak`",
    );
    is_told(
        "/quota/promos",
        json!([{"models": ["glm-5.1"], "peak": 1, "until": "June"}]),
        "quota.promos[0].until",
        "`June` is not a moment",
    );
    is_told(
        "/quota/multipliers",
        json!([{"models": ["a b"], "peak": 1, "off_peak": 1}]),
        "quota.multipliers[0].models[0]",
        "model name",
    );
    is_told(
        "/quota/multipliers",
        json!([{"models": ["a"], "peak": -1, "off_peak": 1}]),
        "quota.multipliers[0].peak",
        "`-1`",
    );
    is_told(
        "/quota/multipliers",
        json!([{"models": ["a", "A"], "peak": 1, "off_peak": 1}]),
        "quota.multipliers[0].models",
        "`a` has a multiplier",
    );
    is_told("/plans/lite/prompts_per_5h", json!(0), "plans.lite.prompts_per_5h", "null for none");
    is_told("/plans/lite/prompts_per_week", json!("many"), "plans.lite.prompts_per_week", "invalid type");
    is_told("/plans/lite/concurrency", json!(0), "plans.lite.concurrency", "at least one");
    is_told("/plans/lite/name", json!(" "), "plans.lite.name", "1 to 100 characters");
    is_told("/plans/lite/prices_usd", json!({"month": "18.0.0"}), "plans.lite.prices_usd.month", "`18.0.0`");
    is_told("/plans/lite/prices_usd", json!({"month": 18.0}), "plans.lite.prices_usd.month", "string");
    is_told("/plans/lite/prices_usd", json!({"month": "-1"}), "plans.lite.prices_usd.month", "below zero");
    is_told(
        "/plans/lite/prices_usd",
        json!({"decade": "1"}),
        "plans.lite.prices_usd.decade",
        "unknown field",
    );
    is_told("/plans/Lite", json!({}), "plans.Lite", "lower-case");
    is_told("/no_plan_code", json!("1310"), "no_plan_code", "1113");
    is_told("/rate/off_peak_factor", json!(0.0001), "rate.off_peak_factor", "three decimals");
}

/// A limit that was forgotten is a mistake, and not a gift.
#[test]
fn a_limit_cannot_be_forgotten() {
    for key in ["prompts_per_5h", "prompts_per_week", "mcp_calls_per_month", "concurrency"] {
        let mut document: Value = serde_json::from_str(PlanBook::documented_json()).unwrap();
        document["plans"]["lite"].as_object_mut().unwrap().remove(key);
        let mistake = PlanBook::from_json(&document.to_string()).unwrap_err();
        assert_eq!(mistake.key, "plans.lite");
        assert!(mistake.problem.contains(&format!("missing field `{key}`")), "{mistake}");
    }
    for text in ["", "[]", "{}", "{\"plans\":", &format!("{} x", PlanBook::documented_json())] {
        assert!(PlanBook::from_json(text).is_err(), "{text}");
    }
}
