use inference::Overflow;
use serde_json::{Value, json};
use testkit::scripted_host::{Answer, message_start, text_delta};
use vocab::{Secret, Tokens};

use super::*;

fn envelope(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})
}

async fn after(answer: Answer) -> EngineError {
    let host = ScriptedHost::start().await;
    host.will(answer);
    refused(&engine(&host)).await
}

/// `anthropic-api.md` §11, read from the other side.
#[tokio::test]
async fn refusals_are_told_apart() {
    use EngineError as E;
    let refusal = async |status, kind| after(Answer::json(status, &envelope(kind, "m"))).await;
    assert!(matches!(refusal(400, "invalid_request_error").await, E::Rejected { message } if message == "m"));
    assert!(matches!(refusal(401, "authentication_error").await, E::Unauthorized));
    assert!(matches!(refusal(403, "permission_error").await, E::Unauthorized));
    assert!(matches!(refusal(404, "not_found_error").await, E::Unavailable { .. }));
    assert!(matches!(refusal(413, "request_too_large").await, E::Rejected { .. }));
    assert!(matches!(refusal(500, "api_error").await, E::Failed { .. }));
    assert!(matches!(refusal(529, "overloaded_error").await, E::Busy { .. }));

    let body = envelope("rate_limit_error", "slow down").to_string();
    let error = after(Answer::status(429, &[("retry-after", "7")], &body)).await;
    assert!(matches!(error, E::Busy { retry_after: Some(wait) } if wait == Duration::from_secs(7)));
}

#[tokio::test]
async fn a_prompt_that_does_not_fit_is_told_with_numbers() {
    let message = "prompt is too long: 210000 tokens > 200000 maximum";
    let error = after(Answer::json(400, &envelope("invalid_request_error", message))).await;
    let expected = Overflow { prompt: Tokens(210_000), window: Tokens(200_000) };
    assert!(matches!(error, EngineError::ContextOverflow(overflow) if overflow == expected), "{error:?}");
}

/// Before the first piece an error in the stream is a refusal, so that another engine can be asked.
#[tokio::test]
async fn an_error_before_the_first_piece_is_a_refusal() {
    let start = || Answer::open_stream().named_event(&message_start(9, 0));
    let overloaded = envelope("overloaded_error", "Overloaded");
    assert!(matches!(after(start().named_event(&overloaded).end()).await, EngineError::Busy { .. }));
    assert!(matches!(after(start().cut()).await, EngineError::Failed { .. }));
    assert!(matches!(after(start().end()).await, EngineError::Failed { .. }));
    // A success that is none, as some hosts have it.
    let odd = json!({"code": 500, "msg": "404 NOT_FOUND", "success": false});
    assert!(matches!(after(Answer::json(200, &odd)).await, EngineError::Failed { .. }));
}

#[tokio::test]
async fn an_error_midway_is_a_failure_after_what_was_said() {
    let begun = || {
        let start = Answer::open_stream().named_event(&message_start(9, 0));
        start.named_event(&text_delta("Hel")).named_event(&text_delta("lo"))
    };
    let overloaded = envelope("overloaded_error", "Overloaded");
    for answer in [begun().named_event(&overloaded).end(), begun().cut(), begun().end()] {
        let host = ScriptedHost::start().await;
        host.will(answer);
        let told = listen(engine(&host).chat(hi()).await.unwrap()).await;
        assert_eq!(told.content, "Hello");
        assert_eq!(told.usage.prompt(), Tokens(9));
        assert_eq!(told.usage.completion(), Tokens(2), "what was sent is counted");
        assert!(matches!(told.error, Some(EngineError::Failed { .. })), "{:?}", told.error);
        assert!(told.finish.is_none());
    }
}

#[tokio::test]
async fn dropping_the_stream_hangs_up_on_the_host() {
    let host = ScriptedHost::start().await;
    let start = Answer::open_stream().named_event(&message_start(9, 0));
    host.will(start.named_event(&text_delta("Hel")).silence());
    let engine = engine(&host);
    let mut stream = engine.chat(hi()).await.unwrap();
    assert_eq!(next_content(&mut stream).await, "Hel");
    drop(stream);
    host.wait_for_hang_up(0).await;
    assert_eq!(engine.describe().in_flight, 0);
    assert!(engine.is_healthy());
}

/// Whatever a host makes of our key, it shows up in no error.
#[tokio::test]
async fn the_key_never_leaks() {
    const KEY: &str = "planted-key-4711";
    let echo = envelope("invalid_request_error", &format!("x-api-key: {KEY} is no key"));
    let mut shown = String::new();
    for answer in [
        Answer::json(400, &echo),
        Answer::json(500, &echo),
        Answer::open_stream().named_event(&echo).end(),
        Answer::open_stream().named_event(&text_delta("x")).named_event(&echo).end(),
        Answer::open_stream().event(KEY).end(),
    ] {
        let host = ScriptedHost::start().await;
        host.will(answer);
        let mut config = config(&host);
        config.key = Some(Secret::new(KEY));
        let engine = RemoteEngine::new(config).unwrap();
        match engine.chat(hi()).await {
            Ok(stream) => shown += &format!("{:?}", listen(stream).await),
            Err(error) => shown += &format!("{error} {error:?}"),
        }
        assert_eq!(host.only_request().header("x-api-key"), Some(KEY));
    }
    assert!(!shown.contains("planted"), "{shown}");
}

#[tokio::test]
async fn a_probe_asks_for_the_list_of_models() {
    let host = ScriptedHost::start().await;
    host.will(Answer::json(200, &json!({"data": [], "has_more": false})));
    let mut config = config(&host);
    config.key = Some(Secret::new("k-1"));
    RemoteEngine::new(config).unwrap().probe().await.unwrap();
    let seen = host.only_request();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("GET", "/v1/models"));
    assert_eq!(seen.header("x-api-key"), Some("k-1"));
    assert_eq!(seen.header("anthropic-version"), Some("2023-06-01"));
}
