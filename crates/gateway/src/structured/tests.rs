use std::sync::Arc;

use serde_json::json;
use vocab::Tokens;

use super::*;
use crate::fake_engine::{FakeEngine, conversation};

/// CAP-JSON-05: fenced JSON reaches the client bare.
#[test]
fn fences_and_words_around_the_json_are_taken_off() {
    let format = ResponseFormat::JsonObject;
    assert_eq!(valid_json("```json\n{\"a\": 1}\n```", &format), Ok("{\"a\": 1}".to_owned()));
    assert_eq!(valid_json("Here it is: {\"a\": 1}. Enjoy!", &format), Ok("{\"a\": 1}".to_owned()));
    assert!(valid_json("[1, 2]", &format).is_err());
    assert!(valid_json("no", &format).is_err());
}

#[test]
fn a_schema_is_obeyed_or_the_mistake_is_named() {
    let schema = json!({"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}});
    let format = ResponseFormat::JsonSchema { name: "place".to_owned(), schema };
    assert!(valid_json("{\"city\": \"Beijing\"}", &format).is_ok());
    assert!(valid_json("{\"city\": 1}", &format).unwrap_err().contains("string"));
    let long = format!("{{\"city\": [\"{}\"]}}", "x".repeat(10_000));
    assert!(valid_json(&long, &format).unwrap_err().len() <= MISTAKE_CHARS_MAX);
}

/// A schema is the caller's: it may refer to itself, to other hosts or to files, and must not hurt.
#[test]
fn a_hostile_schema_checks_nothing_and_harms_nothing() {
    let hostile = [
        json!({"$ref": "#"}),
        json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}),
        json!({"allOf": [{"$ref": "#"}]}),
        json!({"$ref": "http://127.0.0.1:1/schema"}),
        json!({"$ref": "file:///etc/passwd"}),
        json!({"properties": {"a": {"pattern": "(a+)+$"}}}),
    ];
    // Each definition asks for the next one twice: unfolded, there are more of them than atoms.
    let doubling = (0..300).map(|n| {
        let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
        (format!("d{n}"), json!({"allOf": [next, next]}))
    });
    let mut definitions: serde_json::Map<String, Value> = doubling.collect();
    definitions.insert("d300".to_owned(), json!({"type": "object"}));
    let hostile = hostile.into_iter().chain([
        json!({"$defs": definitions, "$ref": "#/$defs/d0"}),
        json!({"$defs": definitions, "properties": {"absent": {"$ref": "#/$defs/d0"}}}),
    ]);
    let answer = format!("{{\"a\": \"{}!\"}}", "a".repeat(5_000));
    for schema in hostile {
        let shown = schema.to_string();
        let format = ResponseFormat::JsonSchema { name: "x".to_owned(), schema };
        let began = std::time::Instant::now();
        let _ = valid_json(&answer, &format);
        assert!(began.elapsed().as_secs() < 5, "{shown}");
    }
}

fn json_request() -> ChatRequest {
    let mut request = conversation(&["Where?"]);
    request.format = ResponseFormat::JsonObject;
    request
}

fn say(text: &str) -> Result<ChatEvent, EngineError> {
    Ok(ChatEvent::Content(text.to_owned()))
}

fn finished(reason: FinishReason) -> Result<ChatEvent, EngineError> {
    let usage = Usage { fresh_prompt: Tokens(10), answer: Tokens(3), ..Usage::default() };
    Ok(ChatEvent::Finished { reason, usage })
}

/// Everything a caller gets of the engine's first answer, and how often the engine was asked again.
async fn checked(
    first: Vec<Result<ChatEvent, EngineError>>,
    engine: FakeEngine,
) -> (Vec<Result<ChatEvent, String>>, usize) {
    let engine = Arc::new(engine);
    let running = Running { engine: engine.clone(), events: Box::pin(futures::stream::iter(first)) };
    let events = Check(json_request()).over(running);
    let events = events.map(|event| event.map_err(|error| error.to_string())).collect().await;
    (events, engine.asked())
}

fn content(events: &[Result<ChatEvent, String>]) -> String {
    let text = |event: &Result<ChatEvent, String>| match event {
        Ok(ChatEvent::Content(text)) => Some(text.clone()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

/// CAP-JSON-05: the answer is asked for once more, and both tries are counted.
#[tokio::test]
async fn an_answer_that_is_no_json_is_asked_for_once_more() {
    let engine = FakeEngine::new("host").will(Ok(vec![say("{\"a\":1}"), finished(FinishReason::Stop)]));
    let (events, asked) = checked(vec![say("sorry"), finished(FinishReason::Stop)], engine).await;
    assert_eq!((content(&events).as_str(), asked), ("{\"a\":1}", 1));
    let Some(Ok(ChatEvent::Finished { usage, .. })) = events.last() else { panic!("it finished") };
    assert_eq!((usage.prompt(), usage.completion()), (Tokens(20), Tokens(6)));
}

#[tokio::test]
async fn the_first_answer_stands_if_the_second_is_no_better() {
    let engine = FakeEngine::new("host").will(Ok(vec![say("still no"), finished(FinishReason::Stop)]));
    let (events, asked) = checked(vec![say("no"), finished(FinishReason::Stop)], engine).await;
    assert_eq!((content(&events).as_str(), asked), ("no", 1));
}

/// Half an answer, and a turn that calls tools, are passed on as they are.
#[tokio::test]
async fn what_is_no_whole_answer_is_not_asked_for_again() {
    let cut = vec![say("{\"a\":"), finished(FinishReason::Length)];
    let (events, asked) = checked(cut, FakeEngine::new("host")).await;
    assert_eq!((content(&events).as_str(), asked), ("{\"a\":", 0));

    let call = ChatEvent::ToolCallStarted { index: 0, id: "call_1".to_owned(), name: "f".to_owned() };
    let calls = vec![say("Let me look."), Ok(call), finished(FinishReason::ToolCalls)];
    let (events, asked) = checked(calls, FakeEngine::new("host")).await;
    assert_eq!((content(&events).as_str(), asked), ("Let me look.", 0));
}

/// ERR-05: what was held back when the engine failed still reaches the caller, before the end.
#[tokio::test]
async fn a_failure_does_not_swallow_what_came_before_it() {
    let failure = EngineError::Failed { reason: "gone".to_owned() };
    let (events, asked) = checked(vec![say("{\"a\":"), Err(failure)], FakeEngine::new("host")).await;
    assert_eq!(events.len(), 2);
    assert_eq!((content(&events).as_str(), asked), ("{\"a\":", 0));
    assert!(events[1].is_err());
}

/// Log probabilities are those of the text they come with, or are left out.
#[tokio::test]
async fn probabilities_of_an_answer_that_was_changed_are_left_out() {
    let token = TokenLogprob { token: "{}".to_owned(), bytes: Vec::new(), logprob: -0.1, top: Vec::new() };
    let with = |text: &str| {
        vec![say(text), Ok(ChatEvent::Logprobs(vec![token.clone()])), finished(FinishReason::Stop)]
    };
    let has_logprobs = |events: &[Result<ChatEvent, String>]| {
        events.iter().any(|event| matches!(event, Ok(ChatEvent::Logprobs(_))))
    };
    assert!(has_logprobs(&checked(with("{}"), FakeEngine::new("host")).await.0));
    assert!(!has_logprobs(&checked(with("```json\n{}\n```"), FakeEngine::new("host")).await.0));
}

/// An engine that constrains its answers is not checked, and neither is free text.
#[test]
fn only_answers_that_may_stray_are_checked() {
    let routes = |constrains_json| {
        let engine = FakeEngine { constrains_json, ..FakeEngine::new("e") };
        vec![RouteTo { engine: Arc::new(engine), weight: 1 }]
    };
    assert!(Check::wanted(&json_request(), &routes(false)).is_some());
    assert!(Check::wanted(&json_request(), &routes(true)).is_none());
    assert!(Check::wanted(&conversation(&["Hi"]), &routes(false)).is_none());
}
