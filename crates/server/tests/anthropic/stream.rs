//! Answers as they come (`anthropic-api.md` §13).

use std::time::Duration;

use futures::StreamExt;
use gateway::Ending;
use inference::{ChatEvent, EngineError, FinishReason};
use serde_json::{Value, json};
use server::ServerSettings;
use testkit::scripted_engine::{Answer, ScriptedEngine};
use testkit::{TestApp, TestSettings};

use crate::{events, hello_with, ids, kinds, own, refusal_body, text};

const SOON: Duration = Duration::from_millis(20);

fn streamed() -> Value {
    hello_with(&json!({"stream": true}))
}

fn words(text: &str) -> ChatEvent {
    ChatEvent::Content(text.to_owned())
}

async fn with(server: ServerSettings, engine: ScriptedEngine) -> TestApp {
    TestApp::with(TestSettings { engine, server, ..TestSettings::default() }).await
}

/// The next piece of a stream, as text.
async fn next(response: &mut reqwest::Response) -> String {
    String::from_utf8(response.chunk().await.unwrap().unwrap().to_vec()).unwrap()
}

/// Thinking, words and a tool call, byte for byte.
#[tokio::test]
async fn a_stream_is_byte_exact() {
    let app = TestApp::start().await;
    app.engine.will(Answer::Events(
        vec![
            ChatEvent::Reasoning("Hm.".to_owned()),
            ChatEvent::Signature("c2lnbmVk".to_owned()),
            words("I will "),
            words("write."),
            ChatEvent::ToolCallStarted { index: 0, id: "call_1".to_owned(), name: "Write".to_owned() },
            ChatEvent::ToolCallArguments { index: 0, fragment: "{\"path\": \"a\"}".to_owned() },
            ChatEvent::ToolCallFinished { index: 0 },
        ],
        FinishReason::ToolCalls,
    ));
    let body = hello_with(
        &json!({"stream": true, "tools": [{"name": "Write", "input_schema": {"type": "object"}}]}),
    );
    let response = own(&app, &body).await;
    let headers = response.headers().clone();
    assert_eq!(headers["content-type"], "text/event-stream; charset=utf-8");
    assert_eq!(
        (&headers["cache-control"], &headers["x-accel-buffering"]),
        (&"no-cache".parse().unwrap(), &"no".parse().unwrap())
    );
    assert!(!headers.contains_key("content-length"));
    let id = ids(&headers);
    let expected = format!(
        r#"event: message_start
data: {{"type":"message_start","message":{{"id":"msg_{id}","type":"message","role":"assistant","model":"glm-4.7","content":[],"stop_reason":null,"stop_sequence":null,"usage":{{"input_tokens":6,"cache_creation_input_tokens":0,"cache_read_input_tokens":4,"output_tokens":1}}}}}}

event: ping
data: {{"type":"ping"}}

event: content_block_start
data: {{"type":"content_block_start","index":0,"content_block":{{"type":"thinking","thinking":"","signature":""}}}}

event: content_block_delta
data: {{"type":"content_block_delta","index":0,"delta":{{"type":"thinking_delta","thinking":"Hm."}}}}

event: content_block_delta
data: {{"type":"content_block_delta","index":0,"delta":{{"type":"signature_delta","signature":"c2lnbmVk"}}}}

event: content_block_stop
data: {{"type":"content_block_stop","index":0}}

event: content_block_start
data: {{"type":"content_block_start","index":1,"content_block":{{"type":"text","text":""}}}}

event: content_block_delta
data: {{"type":"content_block_delta","index":1,"delta":{{"type":"text_delta","text":"I will "}}}}

event: content_block_delta
data: {{"type":"content_block_delta","index":1,"delta":{{"type":"text_delta","text":"write."}}}}

event: content_block_stop
data: {{"type":"content_block_stop","index":1}}

event: content_block_start
data: {{"type":"content_block_start","index":2,"content_block":{{"type":"tool_use","id":"call_1","name":"Write","input":{{}}}}}}

event: content_block_delta
data: {{"type":"content_block_delta","index":2,"delta":{{"type":"input_json_delta","partial_json":"{{\"path\": \"a\"}}"}}}}

event: content_block_stop
data: {{"type":"content_block_stop","index":2}}

event: message_delta
data: {{"type":"message_delta","delta":{{"stop_reason":"tool_use","stop_sequence":null}},"usage":{{"input_tokens":6,"cache_creation_input_tokens":0,"cache_read_input_tokens":4,"output_tokens":4,"output_tokens_details":{{"thinking_tokens":1}}}}}}

event: message_stop
data: {{"type":"message_stop"}}

"#
    );
    assert_eq!(response.text().await.unwrap(), expected);
}

/// The beginning, with the real counts, and each word go out as soon as they are there: nothing waits for more.
#[tokio::test]
async fn nothing_is_held_back() {
    let app = TestApp::gated().await;
    app.engine.will_say(&["one", "two"]);
    let mut response = own(&app, &streamed()).await;
    let begun = next(&mut response).await;
    assert_eq!(kinds(&events(&begun)), ["message_start"]);
    assert!(
        begun.contains(r#""input_tokens":6,"cache_creation_input_tokens":0,"cache_read_input_tokens":4"#)
    );
    app.engine.let_through(1);
    let first = next(&mut response).await;
    assert_eq!(text(&events(&first)), "one");
    app.engine.let_through(1);
    assert_eq!(text(&events(&response.text().await.unwrap())), "two");
}

/// Silence, while an answer is thought about, is filled with pings.
#[tokio::test]
async fn a_silent_stream_is_kept_open_with_pings() {
    let settings = ServerSettings { keep_alive_after: SOON, ..ServerSettings::default() };
    let app = with(settings, ScriptedEngine::gated("slow")).await;
    app.engine.will_say(&["at last"]);
    let mut response = own(&app, &streamed()).await;
    next(&mut response).await;
    for _ in 0..3 {
        assert_eq!(next(&mut response).await, "event: ping\ndata: {\"type\":\"ping\"}\n\n");
    }
    app.engine.let_through(1);
    let rest = response.text().await.unwrap();
    assert_eq!(text(&events(&rest)), "at last");
    assert_eq!(events(&rest).last().unwrap()["type"], "message_stop");
}

async fn slow_to_begin(answer: Answer) -> (TestApp, reqwest::Response) {
    let settings = ServerSettings { keep_alive_after: SOON, ..ServerSettings::default() };
    let app = with(settings, ScriptedEngine::gated("slow")).await;
    app.engine.will(Answer::Late(Box::new(answer)));
    let response = own(&app, &streamed()).await;
    assert_eq!(response.status(), 200);
    (app, response)
}

/// The same while an engine reads a long prompt and has not even taken the request; the message begins once.
#[tokio::test]
async fn a_stream_is_kept_open_before_the_engine_begins() {
    let (app, mut response) = slow_to_begin(Answer::Events(vec![words("at last")], FinishReason::Stop)).await;
    let begun = next(&mut response).await;
    app.engine.let_through(2);
    let all = events(&(begun + &response.text().await.unwrap()));
    assert_eq!(
        kinds(&all),
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    // What was not known at the beginning is in the end.
    let usage = &all.iter().find(|event| event["type"] == "message_delta").unwrap()["usage"];
    assert_eq!((&usage["input_tokens"], &usage["cache_read_input_tokens"]), (&json!(6), &json!(4)));
    assert_eq!(app.usage().await[0].ending, Ending::Finished);
}

/// A refusal after the stream has begun is an event, with all that the envelope holds, and the stream's last.
#[tokio::test]
async fn a_refusal_after_the_stream_has_begun_is_told_in_the_stream() {
    let refusal = Answer::Refusal(EngineError::Busy { retry_after: None });
    let (app, response) = slow_to_begin(refusal).await;
    let id = ids(response.headers());
    app.engine.let_through(1);
    let events = events(&response.text().await.unwrap());
    assert_eq!(kinds(&events), ["message_start", "error"]);
    let (kind, code, _) = refusal_body(&events.last().unwrap().clone(), &id);
    assert_eq!((kind.as_str(), code.as_str()), ("overloaded_error", "1305"));
    assert_eq!(app.usage().await[0].ending, Ending::EngineRefused);
}

/// An engine that fails midway ends the stream with an error and no `message_stop`; what was sent is counted.
#[tokio::test]
async fn an_answer_that_breaks_off_ends_with_an_error() {
    let app = TestApp::start().await;
    app.engine.will(Answer::BreaksOff(vec![words("Hel")], EngineError::Failed { reason: "gone".to_owned() }));
    let response = own(&app, &streamed()).await;
    let id = ids(response.headers());
    let events = events(&response.text().await.unwrap());
    assert_eq!(text(&events), "Hel");
    let last = events.last().unwrap();
    assert_eq!(last["type"], "error");
    let (kind, code, text) = refusal_body(last, &id);
    assert_eq!((kind.as_str(), code.as_str()), ("api_error", "1234"));
    assert!(text.contains(&id), "{text}");
    let recorded = &app.usage().await[0];
    assert_eq!((recorded.ending, recorded.usage.completion().0), (Ending::EngineFailed, 1));
}

/// ENDP-13: an answer that takes too long is ended, whether its stream runs or has yet to begin.
#[tokio::test]
async fn an_answer_that_never_ends_is_ended() {
    let settings = || ServerSettings {
        answer_duration_max: Duration::from_millis(100),
        keep_alive_after: SOON,
        ..ServerSettings::default()
    };
    for (engine, answer) in [
        (ScriptedEngine::new("hangs"), Answer::Hangs(vec![words("a")])),
        (ScriptedEngine::gated("never begins"), Answer::Late(Box::new(Answer::Hangs(Vec::new())))),
    ] {
        let app = with(settings(), engine).await;
        app.engine.will(answer);
        let response = own(&app, &streamed()).await;
        let id = ids(response.headers());
        let events = events(&response.text().await.unwrap());
        let (kind, code, _) = refusal_body(events.last().unwrap(), &id);
        assert_eq!((kind.as_str(), code.as_str()), ("api_error", "1234"));
        app.until("the engine is freed", async || app.engine.running() == 0).await;
    }
}

/// anthropic-api.md §13.9: whoever leaves frees the engine and is charged with what was made.
#[tokio::test]
async fn a_caller_that_leaves_frees_the_engine() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.grant(account, "lite").await;
    app.engine.will(Answer::Hangs(vec![words("Hel")]));
    let response = crate::ask(&app, &key, &streamed()).await;
    let mut stream = response.bytes_stream();
    let mut seen = String::new();
    while !seen.contains("Hel") {
        seen.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
    }
    drop(stream);
    app.until("the engine is freed", async || app.engine.running() == 0).await;
    app.until("the record is written", async || !app.usage().await.is_empty()).await;
    let recorded = &app.usage().await[0];
    assert_eq!((recorded.ending, recorded.usage.completion().0), (Ending::CallerLeft, 1));
    assert_eq!(app.prompts_used(account).await[0].0, 50);
}
