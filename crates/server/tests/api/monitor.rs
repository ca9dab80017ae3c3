//! What quota meters inside coding tools ask.

use serde_json::{Value, json};
use testkit::TestApp;
use vocab::Secret;

use crate::hello;

async fn ask(app: &TestApp, path: &str, authorization: Option<&str>) -> Value {
    let mut request = app.http.get(format!("{}/api/monitor/{path}", app.base_url));
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200, "the body tells");
    response.json().await.unwrap()
}

fn bearer(key: &Secret) -> String {
    format!("Bearer {}", key.expose())
}

/// QUOTA-12, QUOTA-13: the meter shows what was used of each window, with the bare key as with a bearer token.
#[tokio::test]
async fn a_meter_shows_how_full_the_windows_are() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.grant(account, "lite").await;
    for _ in 0..16 {
        assert_eq!(app.chat_through("coding/paas", &key, &hello()).await.status(), 200);
    }
    assert_eq!(app.prompts_used(account).await[0].0, 800);
    let shown = ask(&app, "usage/quota/limit", Some(key.expose())).await;
    assert_eq!(shown, ask(&app, "usage/quota/limit", Some(&bearer(&key))).await);
    assert_eq!((&shown["code"], &shown["success"]), (&json!(200), &json!(true)));
    assert_eq!(shown["data"]["level"], "lite");
    let limits = shown["data"]["limits"].as_array().unwrap();
    let of = |index: usize| {
        let limit = &limits[index];
        (
            limit["type"].as_str().unwrap(),
            limit["unit"].as_i64().unwrap(),
            limit["percentage"].as_i64().unwrap(),
        )
    };
    assert_eq!([of(0), of(1), of(2)], [("TOKENS_LIMIT", 3, 1), ("TOKENS_LIMIT", 6, 0), ("TIME_LIMIT", 5, 0)]);
    assert_eq!((&limits[2]["usage"], &limits[2]["remaining"]), (&json!(100), &json!(100)));
    assert!(limits[0]["nextResetTime"].as_i64().unwrap() > 1_700_000_000_000);
}

/// `http-api.md` §25: hours without calls are null.
#[tokio::test]
async fn usage_is_shown_by_the_hour_and_only_ones_own() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "1").await;
    app.chat_through("paas", &key, &hello()).await;
    app.chat(&hello()).await;
    app.usage().await;
    let shown = ask(&app, "usage/model-usage", Some(&bearer(&key))).await;
    let counts = shown["data"]["modelCallCount"].as_array().unwrap();
    assert_eq!(counts.len(), shown["data"]["x_time"].as_array().unwrap().len());
    assert_eq!(counts.iter().filter(|count| **count == json!(1)).count(), 1);
    assert!(counts.iter().all(|count| count.is_null() || *count == json!(1)));
    assert_eq!(shown["data"]["totalUsage"]["totalModelCallCount"], 1);
    assert_eq!(shown["data"]["totalUsage"]["totalTokensUsage"], 11);

    let tools = ask(&app, "usage/tool-usage", Some(&bearer(&key))).await;
    assert_eq!(tools["data"]["totalUsage"]["totalSearchMcpCount"], 0);
    let odd = ask(&app, "usage/model-usage?startTime=yesterday", Some(&bearer(&key))).await;
    assert_eq!((&odd["code"], &odd["success"]), (&json!(400), &json!(false)));
}

/// `auth.md` §9: refusals are HTTP 200 with their code in the body.
#[tokio::test]
async fn the_meter_refuses_in_its_own_words() {
    let app = TestApp::start().await;
    let wrong = ask(&app, "usage/quota/limit", Some("nonsense")).await;
    assert_eq!(wrong, json!({"code": 401, "msg": "token expired or incorrect", "success": false}));
    let none = ask(&app, "usage/quota/limit", None).await;
    assert_eq!((&none["code"], &none["success"]), (&json!(1001), &json!(false)));
    let (_, key) = app.house.newcomer().await;
    let no_plan = ask(&app, "usage/quota/limit", Some(key.expose())).await;
    assert_eq!((&no_plan["code"], &no_plan["success"]), (&json!(500), &json!(false)));
}

#[tokio::test]
async fn feedback_is_taken() {
    let app = TestApp::start().await;
    let url = format!("{}/api/monitor/feedback/case", app.base_url);
    let report = json!({"feedback": "it stopped", "context": "", "codeType": "claude-code", "happenedTime": "", "requestId": "x"});
    let answer =
        app.http.post(url).header("authorization", app.key.expose()).json(&report).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer, json!({"code": 200, "msg": "Operation successful", "success": true}));
}
