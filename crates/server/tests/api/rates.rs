//! How much at once, how often, and by whom.

use std::sync::Arc;

use accounts::{Enforcement, UseRules};
use gateway::{Limits, Overflow, RateRules};
use inference::ChatEvent;
use serde_json::{Value, json};
use testkit::clock::ManualClock;
use testkit::scripted_engine::Answer;
use testkit::{TestApp, TestSettings};
use vocab::Timestamp;

use crate::{hello, hello_with};

const CODING: &str = "coding/paas";

async fn code(response: reqwest::Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

/// RATE-01, RATE-02: in peak hours the third parallel call on Lite is refused with 1302, and let through when one of the
/// others has ended.
#[tokio::test]
async fn the_third_parallel_call_on_lite_is_refused() {
    // 15:00 in UTC+8.
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_777_964_400_000)));
    let app = TestApp::with(TestSettings { clock, ..TestSettings::default() }).await;
    let (account, key) = app.house.newcomer().await;
    app.house.grant(account, "lite").await;
    let streamed = hello_with(&json!({"stream": true}));
    for _ in 0..2 {
        app.engine.will(Answer::Hangs(vec![ChatEvent::Content("thinking about it".to_owned())]));
    }
    let first = app.chat_through(CODING, &key, &streamed).await;
    let _second = app.chat_through(CODING, &key, &streamed).await;
    app.until("both run", async || app.engine.running() == 2).await;

    let third = app.chat_through(CODING, &key, &streamed).await;
    assert_eq!(third.headers()["retry-after"], "1");
    assert_eq!(code(third).await, (429, "1302".to_owned()));

    drop(first);
    app.until("a place is free", async || app.chat_through(CODING, &key, &streamed).await.status() == 200)
        .await;
}

/// RATE-03: where the operator lets requests wait, one above the limit waits for its turn, and is refused with 1302 only if
/// that takes too long.
#[tokio::test]
async fn a_request_above_the_limit_waits_where_it_may() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "5").await;
    let one_at_once = Limits { concurrency: Some(1), ..Limits::default() };
    let waiting = |seconds| RateRules {
        account: one_at_once,
        overflow: Overflow::Queue,
        queue_seconds: seconds,
        ..RateRules::default()
    };
    app.house.rates.replace(waiting(1));
    app.engine.will(Answer::Hangs(vec![ChatEvent::Content("thinking about it".to_owned())]));
    let first = app.chat_through("paas", &key, &hello_with(&json!({"stream": true}))).await;
    assert_eq!(code(app.chat_through("paas", &key, &hello()).await).await, (429, "1302".to_owned()));

    app.house.rates.replace(waiting(60));
    let body = hello();
    let second = app.chat_through("paas", &key, &body);
    let hang_up = async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        drop(first);
    };
    let (answer, ()) = tokio::join!(second, hang_up);
    assert_eq!(answer.status(), 200);
}

/// RATE-02: too often in a minute is 1303, too often in a day 1304, and a daily limit is not worth trying again.
#[tokio::test]
async fn the_platforms_own_limits_have_their_codes() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "5").await;
    let limited = |limits| RateRules { account: limits, ..RateRules::default() };
    app.house.rates.replace(limited(Limits { requests_per_minute: Some(2), ..Limits::default() }));
    for _ in 0..2 {
        assert_eq!(app.chat_through("paas", &key, &hello()).await.status(), 200);
    }
    assert_eq!(code(app.chat_through("paas", &key, &hello()).await).await, (429, "1303".to_owned()));

    app.house.rates.replace(limited(Limits { requests_per_day: Some(0), ..Limits::default() }));
    let refused = app.chat_through("paas", &key, &hello()).await;
    assert_eq!(refused.headers()["x-should-retry"], "false");
    assert_eq!(code(refused).await, (429, "1304".to_owned()));
}

/// ERR-10: a model that the operator calls busy is refused with 1312, which names another.
#[tokio::test]
async fn a_busy_model_names_another() {
    let app = TestApp::start().await;
    let busy = [("glm-4.5".parse().unwrap(), "glm-4.7".parse().unwrap())].into();
    app.house.rates.replace(RateRules { busy, ..RateRules::default() });
    let (status, body) = app.chat(&hello_with(&json!({"model": "glm-4.5"}))).await;
    assert_eq!((status, &body["error"]["code"]), (429, &json!("1312")));
    assert!(body["error"]["message"].as_str().unwrap().contains("glm-4.7"));
    assert_eq!(app.chat(&hello()).await.0, 200);
}

/// RATE-06: while there is much to do, OpenClaw on a plan is refused with 1305 and Claude Code is served; who pays from the
/// balance is served with either.
#[tokio::test]
async fn on_a_plan_general_purpose_tools_come_second() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "5").await;
    app.house.grant(account, "lite").await;
    app.house.rates.replace(RateRules { is_load_high: true, ..RateRules::default() });
    let openclaw = json!({"model": "glm-4.7", "messages": [
        {"role": "system", "content": "You are a personal assistant running inside OpenClaw."},
        {"role": "user", "content": "Hi"},
    ]});
    let call = async |door: &str, agent: &str, body: &Value| {
        let url = format!("{}/api/{door}/v4/chat/completions", app.base_url);
        let request = app.http.post(url).bearer_auth(key.expose()).header("user-agent", agent);
        code(request.body(body.to_string()).send().await.unwrap()).await
    };
    assert_eq!(call(CODING, "OpenAI/JS 6.0.0", &openclaw).await, (429, "1305".to_owned()));
    assert_eq!(call(CODING, "claude-cli/2.1.197 (external, cli)", &hello()).await.0, 200);
    assert_eq!(call("paas", "OpenAI/JS 6.0.0", &openclaw).await.0, 200);
}

/// USE-01, USE-02: a plain SDK at a plan's door is served and noted, and refused with 1313 only where the operator enforces
/// the rules; a listed tool is served in any case.
#[tokio::test]
async fn a_plain_sdk_is_noted_and_refused_only_where_rules_are_enforced() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.grant(account, "lite").await;
    let call = async |agent: &str| {
        let url = format!("{}/api/coding/paas/v4/chat/completions", app.base_url);
        let request = app.http.post(url).bearer_auth(key.expose()).header("user-agent", agent);
        code(request.body(hello().to_string()).send().await.unwrap()).await
    };
    assert_eq!(call("OpenAI/Python 3.54.0").await.0, 200);
    let recorded = app.usage().await;
    assert_eq!(recorded[0].client.confidence, "good");

    let enforced = UseRules { enforcement: Enforcement::Enforce, ..UseRules::default() };
    app.house.use_rules.replace(enforced);
    assert_eq!(call("OpenAI/Python 3.54.0").await, (429, "1313".to_owned()));
    app.until("the strike is there", async || app.house.conduct.record(account).await.unwrap().strikes == 1)
        .await;
    app.house.standings.forget(account).await;
    assert_eq!(call("claude-cli/2.1.197 (external, cli)").await.0, 200, "USE-06: one call a minute");
    assert_eq!(call("claude-cli/2.1.197 (external, cli)").await, (429, "1313".to_owned()));
}

/// USE-10: a blocked end user is refused with status 429, and others of the same account are not.
#[tokio::test]
async fn a_blocked_end_user_is_refused_alone() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "5").await;
    app.house.end_users.block(account, "u-000001".parse().unwrap(), "spam").await.unwrap();
    let call = async |user: &str| {
        app.chat_through("paas", &key, &hello_with(&json!({"user_id": user}))).await.status().as_u16()
    };
    assert_eq!([call("u-000001").await, call("u-000002").await], [429, 200]);
}
