//! The windows of a plan, at its door.

use std::sync::Arc;
use std::time::Duration;

use accounts::PlanBook;
use ledger::Units;
use serde_json::{Value, json};
use testkit::clock::ManualClock;
use testkit::{TestApp, TestSettings};
use vocab::{AccountId, Secret, Timestamp};

use crate::{hello, hello_with};

const CODING: &str = "coding/paas";
const HOUR: Duration = Duration::from_secs(3600);

/// An account on a plan of so many prompts in five hours and in a week, at noon in UTC+8 on Tuesday 5 May 2026.
async fn on_a_plan(per_5h: u32, per_week: u32) -> (TestApp, Arc<ManualClock>, AccountId, Secret) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_777_953_600_000)));
    let models = &["glm-4.7", "glm-5.1"];
    let app = TestApp::with(TestSettings { clock: clock.clone(), models, ..TestSettings::default() }).await;
    let mut book: Value = serde_json::from_str(PlanBook::documented_json()).unwrap();
    book["plans"]["lite"]["prompts_per_5h"] = per_5h.into();
    book["plans"]["lite"]["prompts_per_week"] = per_week.into();
    app.house.plan_book.replace(PlanBook::from_value(&book).unwrap());
    let (account, key) = app.house.newcomer().await;
    app.house.grant(account, "lite").await;
    (app, clock, account, key)
}

/// Time passes, and with it what the schedule does. Records are written long before leases run out.
async fn later(app: &TestApp, clock: &ManualClock, span: Duration) {
    app.usage().await;
    clock.advance(span);
    app.house.sweep().await;
}

/// How many calls are answered before one is refused, and the refusal.
async fn calls_until_refused(app: &TestApp, key: &Secret, body: &Value) -> (u32, reqwest::Response) {
    for calls in 0..1000 {
        let answer = app.chat_through(CODING, key, body).await;
        if answer.status() != 200 {
            return (calls, answer);
        }
    }
    panic!("nothing was refused");
}

async fn said(refusal: reqwest::Response) -> (String, String) {
    let body: Value = refusal.json().await.unwrap();
    (
        body["error"]["code"].as_str().unwrap().to_owned(),
        body["error"]["message"].as_str().unwrap().to_owned(),
    )
}

/// QUOTA-02, QUOTA-03, ERR-04: one prompt is twenty calls; the next is refused with the moment in which something comes
/// back, in UTC+8; and then exactly what was used five hours ago is there again.
#[tokio::test]
async fn five_hours_after_its_use_a_prompt_comes_back() {
    let (app, clock, account, key) = on_a_plan(2, 100).await;
    for _ in 0..20 {
        assert_eq!(app.chat_through(CODING, &key, &hello()).await.status(), 200);
    }
    later(&app, &clock, 2 * HOUR).await;
    let (calls, refusal) = calls_until_refused(&app, &key, &hello()).await;
    assert_eq!(calls, 20);
    assert_eq!(refusal.status(), 429);
    assert_eq!(refusal.headers()["x-should-retry"], "false");
    assert!(!refusal.headers().contains_key("retry-after"), "clients would sit still until then");
    let (code, message) = said(refusal).await;
    assert_eq!(code, "1308");
    assert_eq!(message, "Usage limit reached for 5 hour. Your limit will reset at 2026-05-05 17:00:00");
    assert_eq!(app.prompts_used(account).await[0], Units(2000));

    later(&app, &clock, 3 * HOUR).await;
    let (calls, _) = calls_until_refused(&app, &key, &hello()).await;
    assert_eq!(calls, 20, "the first twenty are back");
    later(&app, &clock, 2 * HOUR).await;
    let (calls, _) = calls_until_refused(&app, &key, &hello()).await;
    assert_eq!(calls, 20, "and now the second");
}

/// QUOTA-04, QUOTA-05: a week that is used up is named rather than the five hours, and begins anew seven days after the
/// subscription did.
#[tokio::test]
async fn a_week_begins_anew_with_the_subscriptions_day() {
    let (app, clock, _, key) = on_a_plan(2, 2).await;
    let (calls, refusal) = calls_until_refused(&app, &key, &hello()).await;
    assert_eq!(calls, 40);
    let (code, message) = said(refusal).await;
    assert_eq!(code, "1310");
    assert!(message.ends_with("2026-05-12 12:00:00"), "{message}");
    later(&app, &clock, 6 * HOUR).await;
    let (calls, _) = calls_until_refused(&app, &key, &hello()).await;
    assert_eq!(calls, 0, "five hours do not help");
    later(&app, &clock, 7 * 24 * HOUR - 6 * HOUR).await;
    assert_eq!(app.chat_through(CODING, &key, &hello()).await.status(), 200);
}

/// QUOTA-07, QUOTA-08, QUOTA-09: the flagship takes three times as much from 14:00 to 18:00 in UTC+8, and while the
/// promotion lasts once at other times; both windows count the same (QUOTA-10).
#[tokio::test]
async fn the_flagship_is_dearer_in_peak_hours() {
    let (app, clock, account, key) = on_a_plan(80, 400).await;
    let flagship = hello_with(&json!({"model": "glm-5.1"}));
    app.chat_through(CODING, &key, &flagship).await;
    assert_eq!(app.prompts_used(account).await, [Units(50), Units(50)]);
    later(&app, &clock, 2 * HOUR).await;
    app.chat_through(CODING, &key, &flagship).await;
    assert_eq!(app.prompts_used(account).await, [Units(200), Units(200)]);
}

/// A used-up quota is refused cheaply and without an engine, however often a tool tries again (clients.md §4).
#[tokio::test]
async fn trying_again_does_not_help_and_does_not_count() {
    let (app, _, account, key) = on_a_plan(1, 100).await;
    calls_until_refused(&app, &key, &hello()).await;
    let asked = app.engine.requests().len();
    for _ in 0..27 {
        assert_eq!(app.chat_through(CODING, &key, &hello()).await.status(), 429);
    }
    assert_eq!(app.engine.requests().len(), asked);
    assert_eq!(app.prompts_used(account).await[0], Units(1000));
}

/// QUOTA-01: whatever comes at once, no more than the limit is let through.
#[tokio::test]
async fn requests_at_once_share_the_quota_exactly() {
    let (app, _, account, key) = on_a_plan(1, 100).await;
    app.house
        .accounts
        .set_rates(account, &serde_json::from_value(json!({"concurrency": 100})).unwrap())
        .await
        .unwrap();
    app.house.standings.forget(account).await;
    let body = hello();
    let requests = (0..60).map(|_| app.chat_through(CODING, &key, &body));
    let answers = futures::future::join_all(requests).await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 200).count(), 20);
}
