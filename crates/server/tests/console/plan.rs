//! Plans, limits, cases and end users (rules RATE-04, USE-08, USE-10).

use accounts::{Cause, Evidence};
use serde_json::json;
use testkit::TestApp;

use crate::User;

/// QUOTA-12, PLAN-18: the plan that counts, how full its windows are, and what else is on offer.
#[tokio::test]
async fn a_plan_shows_its_windows() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    let path = format!("/accounts/{account}/plan");
    let none = ana.get(&path).await.ok();
    assert_eq!((&none["plan"], &none["subscriptions"]), (&json!(null), &json!([])));
    assert!(none["offers"].as_array().unwrap().iter().any(|offer| offer["id"] == "lite"));

    app.house.grant(account, "lite").await;
    let plan = ana.get(&path).await.ok();
    assert_eq!((&plan["plan"]["id"], &plan["subscriptions"][0]["state"]), (&json!("lite"), &json!("active")));
    let windows = plan["plan"]["windows"].as_array().unwrap();
    assert_eq!((&windows[0]["window"], &windows[0]["used"]), (&json!("five_hours"), &json!("0")));
    let offer = plan["offers"].as_array().unwrap().iter().find(|offer| offer["id"] == "lite").unwrap();
    assert_eq!(windows[0]["limit"], json!(offer["prompts_per_5h"].to_string()));
}

/// RATE-04: a page lists the limits that apply to the account, per model too.
#[tokio::test]
async fn the_limits_that_apply_are_listed() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    let operator = User::operator(&app).await;
    let path = format!("/accounts/{account}/limits");
    assert_eq!(ana.get(&path).await.ok()["account"]["concurrency"], json!(null));

    let rates = json!({"account": {"requests_per_minute": 600}, "models": {"glm-4.7": {"concurrency": 3}},
        "busy": {"glm-4.5": "glm-4.7"}});
    app.house.rates.replace(gateway::RateRules::from_json(&rates.to_string()).unwrap());
    app.house.grant(account, "pro").await;
    operator.put(&format!("/admin/accounts/{account}/rates"), &json!({"concurrency": 7})).await.ok();
    let limits = ana.get(&path).await.ok();
    assert_eq!(
        (&limits["account"]["requests_per_minute"], &limits["account"]["concurrency"]),
        (&json!(600), &json!(7))
    );
    assert_eq!(limits["plan_concurrency"], 7);
    let model = |name: &str| {
        limits["models"].as_array().unwrap().iter().find(|model| model["model"] == name).unwrap()
    };
    assert_eq!(model("glm-4.7")["limits"]["concurrency"], 3);
    assert_eq!(model("glm-4.5")["busy_try"], "glm-4.7");
}

/// USE-08: a strike is appealed; while it is looked at its state is open, and lifted it is gone.
#[tokio::test]
async fn a_strike_is_appealed_and_lifted() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    let operator = User::operator(&app).await;
    let wish = json!({"account": account, "cause": "sharing", "note": "twelve addresses at once"});
    let case = operator.post("/admin/cases", &wish).await.ok();
    let id = case["id"].as_str().unwrap().to_owned();
    let decide = async |decision: &str| {
        let body = json!({"decision": decision, "words": "we looked"});
        operator.post(&format!("/admin/cases/{id}/decision"), &body).await
    };
    assert_eq!(decide("strike").await.ok()["state"], "struck");
    let limits = ana.get(&format!("/accounts/{account}/limits")).await.ok();
    assert_eq!(
        (&limits["restriction"]["kind"], &limits["restriction"]["case"]),
        (&json!("throttled"), &json!(id))
    );

    let path = format!("/accounts/{account}/cases/{id}");
    let (eve, eves) = User::owner(&app, "eve@example.com").await;
    let words = json!({"words": "it was one team behind one proxy"});
    assert_eq!(eve.post(&format!("/accounts/{eves}/cases/{id}/appeal"), &words).await.status, 404);
    assert_eq!(ana.post(&format!("{path}/appeal"), &json!({"words": " "})).await.status, 422);
    assert_eq!(ana.post(&format!("{path}/appeal"), &words).await.ok()["appeal"]["state"], "open");
    assert_eq!(operator.get("/admin/cases").await.ok()["items"][0]["id"], json!(id));

    assert_eq!(decide("lift").await.ok()["appeal"]["state"], "lifted");
    assert_eq!(decide("uphold").await.refusal(), (409, "illegal_state"));
    let shown = ana.get(&path).await.ok();
    assert_eq!(shown["decision"]["words"], "we looked");
    assert!(shown["decision"].get("by").is_none(), "who decided stays with the operator");
    assert_eq!(ana.get(&format!("/accounts/{account}/limits")).await.ok()["restriction"], json!(null));
}

/// USE-10: one end user is blocked alone, and let in again.
#[tokio::test]
async fn an_end_user_is_blocked_alone() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    let path = format!("/accounts/{account}/end-users");
    let wish = json!({"id": "user/000001?", "note": "spam"});
    assert_eq!(ana.post(&format!("{path}/block"), &wish).await.ok(), json!({"changed": true}));
    assert_eq!(ana.get(&path).await.ok()["items"][0]["id"], "user/000001?");
    assert_eq!(
        ana.post(&format!("{path}/block"), &json!({"id": "short"})).await.refusal(),
        (422, "invalid_field")
    );
    assert_eq!(ana.post(&format!("{path}/unblock"), &wish).await.ok(), json!({"changed": true}));
    assert_eq!(ana.get(&path).await.ok()["items"], json!([]));
}

/// Another account's case does not exist for this one.
#[tokio::test]
async fn a_case_is_seen_by_its_account_only() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    let (_, others) = User::owner(&app, "eve@example.com").await;
    let case = app.house.conduct.open(others, Cause::Other, Evidence::default()).await.unwrap();
    assert_eq!(
        ana.get(&format!("/accounts/{account}/cases/{}", case.id)).await.refusal(),
        (404, "not_found")
    );
    assert_eq!(ana.get(&format!("/accounts/{account}/cases")).await.ok()["items"], json!([]));
}
