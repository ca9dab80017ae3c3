//! What is told to those who are refused (`anthropic-api.md` §11, `clients.md` §4).

use accounts::AccountState;
use gateway::{Limits, RateRules};
use inference::{EngineError, Overflow};
use serde_json::{Value, json};
use server::ServerSettings;
use std::time::Duration;
use testkit::scripted_engine::Answer;
use testkit::{TestApp, TestSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use vocab::{NanoUsd, Tokens};

use crate::{ask, door, hello, hello_with, own, refusal};

/// ERR-03, ERR-06, ERR-13: whatever is wrong with a request, its code is that of the table, and trying again is no use.
#[tokio::test]
async fn a_wrong_request_is_told_what_is_wrong() {
    let app = TestApp::start().await;
    let without = |field: &str| {
        let mut body = hello();
        body.as_object_mut().unwrap().remove(field);
        body.to_string()
    };
    let with = |fields: Value| hello_with(&fields).to_string();
    for (body, code, words) in [
        ("{\"model\": ".to_owned(), "1210", ""),
        ("[]".to_owned(), "1210", ""),
        (without("model"), "1213", "model"),
        (without("messages"), "1213", "messages"),
        (with(json!({"messages": null})), "1213", "messages"),
        (with(json!({"tools": [{"input_schema": {"type": "object"}}]})), "1213", "name"),
        (with(json!({"model": "glm-9"})), "1211", "Unknown Model"),
        (with(json!({"model": "no model at all"})), "1211", "Unknown Model"),
        (with(json!({"model": "glm-5.1"})), "1211", "No engine is mapped to `glm-5.1`"),
        (with(json!({"model": "glm-image"})), "1212", ""),
    ] {
        let request = app.http.post(door(&app, "/v1/messages")).bearer_auth(app.key.expose());
        let refused = refusal(request.body(body.clone()).send().await.unwrap()).await;
        assert_eq!(refused.brief(), (400, "invalid_request_error", code, true), "{body}");
        assert!(refused.text.contains(words), "{body}: {}", refused.text);
    }
    assert!(app.engine.requests().is_empty());
    assert!(app.usage().await.is_empty());
}

/// ERR-07, clients.md §3.7: the words for an overlong prompt are those that make coding tools compact by themselves, also
/// where a stream was asked for; and nothing is taken for it.
#[tokio::test]
async fn an_overlong_prompt_is_told_in_the_words_that_tools_look_for() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.grant(account, "lite").await;
    for stream in [false, true] {
        let overflow = Overflow { prompt: Tokens(250_000), window: Tokens(200_000) };
        app.engine.will(Answer::Refusal(EngineError::ContextOverflow(overflow)));
        let refused = refusal(ask(&app, &key, &hello_with(&json!({"stream": stream}))).await).await;
        assert_eq!(refused.brief(), (400, "invalid_request_error", "1261", true));
        assert!(
            refused.text.contains("prompt is too long: 250000 tokens > 200000 maximum"),
            "{}",
            refused.text
        );
    }
    assert!(app.prompts_used(account).await.iter().all(|used| used.0 == 0));
}

/// anthropic-api.md §2.2 and §11: an engine that has too much to do is 529 and says when to come back; one that fails is 500
/// and may be tried again.
#[tokio::test]
async fn an_engine_that_does_not_answer_is_told_by_its_status() {
    let app = TestApp::start().await;
    let gone = || "gone".to_owned();
    for (error, expected, wait) in [
        (EngineError::Busy { retry_after: None }, (529, "overloaded_error", "1305", false), Some("1")),
        (
            EngineError::Busy { retry_after: Some(Duration::from_millis(2500)) },
            (529, "overloaded_error", "1305", false),
            Some("3"),
        ),
        (EngineError::Failed { reason: gone() }, (500, "api_error", "1230", false), None),
        (EngineError::Unavailable { reason: gone() }, (500, "api_error", "1234", false), None),
        (EngineError::Unauthorized, (500, "api_error", "1230", false), None),
    ] {
        for stream in [false, true] {
            app.engine.will(Answer::Refusal(error.clone()));
            let refused = refusal(own(&app, &hello_with(&json!({"stream": stream}))).await).await;
            assert_eq!(refused.brief(), expected, "{error:?}");
            assert_eq!(refused.retry_after.as_deref(), wait, "{error:?}");
        }
    }
}

/// RATE-02: too many at once and too often may be tried again after a moment; a daily limit may not.
#[tokio::test]
async fn limits_that_pass_say_when() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.grant(account, "lite").await;
    let asked = async || refusal(ask(&app, &key, &hello()).await).await;
    let concurrency = |most: u32| serde_json::from_value(json!({"concurrency": most})).unwrap();
    app.house.accounts.set_rates(account, &concurrency(0)).await.unwrap();
    app.house.standings.forget(account).await;
    let refused = asked().await;
    assert_eq!(refused.brief(), (429, "rate_limit_error", "1302", false));
    assert_eq!(refused.retry_after.as_deref(), Some("1"));

    app.house.accounts.set_rates(account, &concurrency(10)).await.unwrap();
    app.house.standings.forget(account).await;
    let none = |limits| RateRules { key: limits, ..RateRules::default() };
    app.house.rates.replace(none(Limits { requests_per_minute: Some(0), ..Limits::default() }));
    let refused = asked().await;
    assert_eq!((refused.status, refused.code.as_str()), (429, "1303"));
    app.house.rates.replace(none(Limits { requests_per_day: Some(0), ..Limits::default() }));
    let refused = asked().await;
    assert_eq!(refused.brief(), (429, "rate_limit_error", "1304", true));
    assert_eq!(refused.retry_after, None);
    // Tokens are a limit of the caller's, not a load of the platform's.
    app.house.rates.replace(none(Limits { tokens_per_minute: Some(0), ..Limits::default() }));
    let refused = asked().await;
    assert_eq!(
        (refused.status, refused.kind.as_str(), refused.code.as_str()),
        (429, "rate_limit_error", "1305")
    );
}

/// ERR-10: a model that the operator calls busy is overloaded, and another is named.
#[tokio::test]
async fn a_busy_model_names_another() {
    let app = TestApp::start().await;
    let busy = [("glm-4.7".parse().unwrap(), "glm-4.5".parse().unwrap())].into();
    app.house.rates.replace(RateRules { busy, ..RateRules::default() });
    let refused = refusal(own(&app, &hello()).await).await;
    assert_eq!(refused.brief(), (529, "overloaded_error", "1312", false));
    assert!(refused.text.contains("glm-4.5"), "{}", refused.text);
}

/// PLAN-03, PLAN-04, PLAN-05, AUTH-09, ENDP-05: who may not call is told why, and however much money there is, it is not
/// taken at this door.
#[tokio::test]
async fn an_account_that_may_not_call_is_told_why() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "5").await;
    let asked = async |body: &Value| refusal(ask(&app, &key, body).await).await;
    assert_eq!(asked(&hello()).await.brief(), (429, "rate_limit_error", "1309", true));
    app.house.grant(account, "lite").await;
    let other = hello_with(&json!({"model": "glm-4.5"}));
    assert_eq!(asked(&other).await.brief(), (429, "rate_limit_error", "1311", true));
    for (state, status, code) in [
        (AccountState::Inactive, 429, "1110"),
        (AccountState::Locked, 429, "1112"),
        (AccountState::Closed, 401, "1111"),
    ] {
        app.house.set_state(account, state).await;
        let refused = asked(&hello()).await;
        assert_eq!((refused.status, refused.code.as_str()), (status, code));
        assert_eq!(refused.should_retry.as_deref(), Some("false"));
    }
    assert_eq!(app.wallet(account).await, NanoUsd(5_000_000_000));
    assert!(app.engine.requests().is_empty());
}

/// anthropic-api.md §3: a body above the limit is 413, whether it says so before or not.
#[tokio::test]
async fn a_body_over_the_limit_is_too_large() {
    let server = ServerSettings { body_bytes_max: 1000, ..ServerSettings::default() };
    let app = TestApp::with(TestSettings { server, ..TestSettings::default() }).await;
    let large = hello_with(&json!({"padding": "x".repeat(2000)})).to_string();
    let pieces = futures::stream::iter(vec![Ok::<_, std::io::Error>(large.clone())]);
    for body in [reqwest::Body::from(large), reqwest::Body::wrap_stream(pieces)] {
        let request = app.http.post(door(&app, "/v1/messages")).bearer_auth(app.key.expose());
        let refused = refusal(request.body(body).send().await.unwrap()).await;
        assert_eq!(refused.brief(), (413, "request_too_large", "1214", true));
    }
}

/// A body that does not go on is refused in the door's words as well, and may come faster the next time.
#[tokio::test]
async fn a_body_that_does_not_go_on_may_be_sent_again() {
    let server = ServerSettings { body_wait_max: Duration::from_millis(100), ..ServerSettings::default() };
    let app = TestApp::with(TestSettings { server, ..TestSettings::default() }).await;
    let mut stream = tokio::net::TcpStream::connect(app.address()).await.unwrap();
    let head = format!(
        "POST /api/anthropic/v1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nx-api-key: {}\r\n\
         Content-Length: 1000\r\n\r\n{{\"model\":",
        app.key.expose()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408") && !answer.contains("x-should-retry:"), "{answer}");
    assert!(answer.contains(r#"{"type":"error","error":{"type":"#), "{answer}");
}

/// A host that fails while a whole answer is made is told by its status: nothing was sent yet.
#[tokio::test]
async fn a_whole_answer_that_breaks_off_is_an_error() {
    let app = TestApp::start().await;
    let half = vec![inference::ChatEvent::Content("Hel".to_owned())];
    app.engine.will(Answer::BreaksOff(half, EngineError::Failed { reason: "gone".to_owned() }));
    assert_eq!(refusal(own(&app, &hello()).await).await.brief(), (500, "api_error", "1234", false));
}
