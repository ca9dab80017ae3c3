//! What is told to those who are refused.

use accounts::{AccountState, Cause, Evidence, KeyScope, KeyTerms};
use inference::{EngineError, Overflow};
use serde_json::{Value, json};
use testkit::TestApp;
use testkit::scripted_engine::Answer;
use vocab::{NanoUsd, Secret, Tokens};

use crate::{hello, hello_with};

const GENERAL: &str = "paas";
const CODING: &str = "coding/paas";

/// A refusal in the one shape there is: its status, its code and its message.
async fn refusal(response: reqwest::Response) -> (u16, String, String) {
    let status = response.status().as_u16();
    let is_json = response.headers()["content-type"].to_str().unwrap().starts_with("application/json");
    let text = response.text().await.unwrap();
    assert!(is_json, "{text}");
    let body: Value = serde_json::from_str(&text).unwrap();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        (names(&body), names(&body["error"])),
        (vec!["error".to_owned()], vec!["code".to_owned(), "message".to_owned()])
    );
    let code = body["error"]["code"].as_str().unwrap().to_owned();
    let message = body["error"]["message"].as_str().unwrap().to_owned();
    assert!(code.bytes().all(|digit| digit.is_ascii_digit()), "{code}");
    assert!(!message.is_empty() && !message.contains("${"), "{message}");
    (status, code, message)
}

async fn status_and_code(response: reqwest::Response) -> (u16, String) {
    let (status, code, _) = refusal(response).await;
    (status, code)
}

/// ERR-01, ERR-02, ERR-03: whatever is wrong, the body is one `error` with a code of digits and a sentence, and code and
/// status are those of the tables; an empty balance is 429 and not 402.
#[tokio::test]
async fn every_refusal_has_one_shape_and_the_documented_status() {
    let app = TestApp::start().await;
    let (account, poor) = app.house.newcomer().await;
    let post = async |door: &str, key: &Secret, body: Value| {
        status_and_code(app.chat_through(door, key, &body).await).await
    };
    let own = async |fields: Value| post(GENERAL, &app.key, hello_with(&fields)).await;

    let keyless =
        app.http.post(app.paas("/chat/completions")).body(hello().to_string()).send().await.unwrap();
    assert_eq!(status_and_code(keyless).await, (401, "1001".to_owned()));
    assert_eq!(post(GENERAL, &Secret::new("nonsense"), hello()).await, (401, "1002".to_owned()));
    let cut = app.post("/chat/completions").body("{\"model\": ").send().await.unwrap();
    assert_eq!(status_and_code(cut).await, (400, "1210".to_owned()));
    assert_eq!(own(json!({"model": "glm-9"})).await, (400, "1211".to_owned()));
    assert_eq!(own(json!({"model": "glm-image"})).await, (400, "1212".to_owned()));
    assert_eq!(own(json!({"messages": null})).await, (400, "1213".to_owned()));
    assert_eq!(own(json!({"thinking": {"type": "maybe"}})).await, (400, "1214".to_owned()));
    let unknown = app.get("/async-result/20000101000000ffffffffffffffff").send().await.unwrap();
    assert_eq!(status_and_code(unknown).await, (404, "1222".to_owned()));

    assert_eq!(post(GENERAL, &poor, hello()).await, (429, "1113".to_owned()));
    assert_eq!(post(CODING, &poor, hello()).await, (429, "1309".to_owned()));
    app.house.grant(account, "lite").await;
    assert_eq!(post(CODING, &poor, hello_with(&json!({"model": "glm-4.5"}))).await, (429, "1311".to_owned()));

    for (error, status, code) in [
        (EngineError::Busy { retry_after: None }, 429, "1305"),
        (EngineError::Failed { reason: "gone".to_owned() }, 500, "1230"),
        (EngineError::Unavailable { reason: "down".to_owned() }, 500, "1234"),
    ] {
        app.engine.will(Answer::Refusal(error));
        assert_eq!(own(json!({})).await, (status, code.to_owned()));
    }
}

/// ERR-03, ERR-06: what is missing is named with 1213, a bad value with 1214, and two that exclude each other with 1215,
/// both by name.
#[tokio::test]
async fn the_field_at_fault_is_named() {
    let app = TestApp::start().await;
    let own = async |body: Value| refusal(app.chat_through(GENERAL, &app.key, &body).await).await;

    let (status, code, message) = own(json!({"model": "glm-4.7"})).await;
    assert_eq!((status, code.as_str()), (400, "1213"));
    assert_eq!(message, "messages parameter not received properly");

    let (_, code, message) = own(hello_with(&json!({"max_tokens": 0}))).await;
    assert_eq!(code, "1214");
    assert!(message.starts_with("Invalid max_tokens parameter"), "{message}");

    let content = json!([
        {"type": "file_url", "file_url": {"url": "https://example.com/a.pdf"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "text", "text": "?"},
    ]);
    let (status, code, message) =
        own(json!({"model": "glm-4.6v", "messages": [{"role": "user", "content": content}]})).await;
    assert_eq!((status, code.as_str()), (400, "1215"));
    assert_eq!(
        message,
        "file_url and image_url cannot be set simultaneously, please check the documentation"
    );
    assert!(app.engine.requests().is_empty());
}

/// ERR-07: a prompt that does not fit is 1261, and nothing is billed for it.
#[tokio::test]
async fn an_overlong_prompt_costs_nothing() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "5").await;
    let overflow = Overflow { prompt: Tokens(210_000), window: Tokens(204_800) };
    app.engine.will(Answer::Refusal(EngineError::ContextOverflow(overflow)));
    let refused = app.chat_through(GENERAL, &key, &hello()).await;
    assert_eq!(status_and_code(refused).await, (400, "1261".to_owned()));
    assert_eq!(app.wallet(account).await, NanoUsd(5_000_000_000));
}

/// AUTH-09: whatever is the matter with an account has a code of its own, at every door, and ends when the matter does.
#[tokio::test]
async fn an_account_that_may_not_call_is_told_why() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "5").await;
    app.house.grant(account, "lite").await;
    for (state, status, code) in [
        (AccountState::Inactive, 429, "1110"),
        (AccountState::Locked, 429, "1112"),
        (AccountState::Irregular, 429, "1121"),
        (AccountState::Closed, 401, "1111"),
    ] {
        app.house.set_state(account, state).await;
        for door in [GENERAL, CODING] {
            let refused = app.chat_through(door, &key, &hello()).await;
            assert_eq!(refused.headers()["x-should-retry"], "false", "{state:?}");
            assert_eq!(status_and_code(refused).await, (status, code.to_owned()), "{state:?}");
        }
    }
    assert!(app.engine.requests().is_empty());
    app.house.set_state(account, AccountState::Active).await;
    assert_eq!(app.chat_through(GENERAL, &key, &hello()).await.status(), 200);
}

/// USE-07: a fair-use restriction has a code of its own and names the way back.
#[tokio::test]
async fn a_restricted_account_is_told_the_way_back() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.grant(account, "lite").await;
    let case = app.house.conduct.open(account, Cause::Sharing, Evidence::default()).await.unwrap();
    app.house.conduct.strike(case.id, "reviewer", "three networks at once").await.unwrap();
    app.house.standings.forget(account).await;

    assert_eq!(app.chat_through(CODING, &key, &hello()).await.status(), 200, "one call a minute");
    let refused = app.chat_through(CODING, &key, &hello()).await;
    assert_eq!(refused.headers()["x-should-retry"], "false");
    assert!(!refused.headers().contains_key("retry-after"));
    let (status, code, message) = refusal(refused).await;
    assert_eq!((status, code.as_str()), (429, "1313"));
    for place in ["Fair Use Policy", "Personal Center → My Subscription", "request to lift the restriction"]
    {
        assert!(message.contains(place), "{message}");
    }
}

/// A key that is not for a door or a model is refused with 403 and 1220, which says what it is not for.
#[tokio::test]
async fn a_key_out_of_its_scope_is_told_what_it_is_not_for() {
    let app = TestApp::start().await;
    let (account, _) = app.house.newcomer().await;
    app.house.top_up(account, "5").await;
    let scope: KeyScope =
        serde_json::from_value(json!({"doors": ["general"], "models": ["glm-4.7"]})).unwrap();
    let terms = KeyTerms { scope, ..KeyTerms::default() };
    let (_, key) = app.house.keys.create_under(account, "narrow", terms).await.unwrap();

    assert_eq!(app.chat_through(GENERAL, &key, &hello()).await.status(), 200);
    let (status, code, message) = refusal(app.chat_through(CODING, &key, &hello()).await).await;
    assert_eq!((status, code.as_str()), (403, "1220"));
    assert!(message.contains("this endpoint"), "{message}");
    let other = hello_with(&json!({"model": "glm-4.5"}));
    let (status, code, message) = refusal(app.chat_through(GENERAL, &key, &other).await).await;
    assert_eq!((status, code.as_str()), (403, "1220"));
    assert!(message.contains("this model"), "{message}");
}
