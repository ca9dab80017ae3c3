use std::time::Duration;

use futures::StreamExt;
use gateway::Ending;
use inference::{ChatEvent, EngineError, FinishReason};
use serde_json::{Value, json};
use server::ServerSettings;
use testkit::scripted_engine::{Answer, ScriptedEngine};
use testkit::{TestApp, TestSettings};

use crate::hello_with;

fn streamed() -> Value {
    hello_with(&json!({"stream": true}))
}

/// The events of a stream, each checked against the strictest client (http-api.md §0.3).
fn events(stream: &str) -> Vec<Value> {
    assert!(!stream.contains('\r'));
    let body = stream.strip_suffix("data: [DONE]\n\n").expect("the stream ends with [DONE]");
    body.split_terminator("\n\n")
        .map(|event| {
            let json = event.strip_prefix("data: ").expect("an event is one data line");
            assert!(!json.contains('\n'));
            serde_json::from_str(json).expect("an event is JSON")
        })
        .collect()
}

/// CAP-STR-01 to CAP-STR-06: role in every delta, thinking first, usage on the finish chunk, no keep-alive comments.
#[tokio::test]
async fn a_stream_is_byte_exact() {
    let app = TestApp::start().await;
    app.engine.will(Answer::Events(
        vec![
            ChatEvent::Reasoning("Hm.".to_owned()),
            ChatEvent::Content("Hel".to_owned()),
            ChatEvent::Content("lo".to_owned()),
        ],
        FinishReason::Stop,
    ));
    let events = events(&app.stream(&streamed()).await);
    let deltas: Vec<&Value> = events.iter().map(|event| &event["choices"][0]["delta"]).collect();
    assert_eq!(*deltas[0], json!({"role": "assistant", "reasoning_content": "Hm."}));
    assert_eq!(*deltas[1], json!({"role": "assistant", "content": "Hel"}));
    assert_eq!(*deltas[2], json!({"role": "assistant", "content": "lo"}));
    assert_eq!(*deltas[3], json!({"role": "assistant", "content": ""}));
    let (last, before) = events.split_last().unwrap();
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
    assert_eq!(last["usage"]["total_tokens"], 13);
    for event in before {
        assert_eq!(event["id"], last["id"]);
        assert_eq!(event["object"], "chat.completion.chunk");
        assert!(event["choices"][0].get("finish_reason").is_none());
        assert!(event.get("usage").is_none());
    }
}

/// CAP-TST-01, CAP-TST-03: arguments in one piece, or as they arise.
#[tokio::test]
async fn tool_arguments_come_whole_or_in_pieces() {
    let app = TestApp::start().await;
    let call = vec![
        ChatEvent::ToolCallStarted { index: 0, id: "call_1".to_owned(), name: "get_weather".to_owned() },
        ChatEvent::ToolCallArguments { index: 0, fragment: "{\"city\": ".to_owned() },
        ChatEvent::ToolCallArguments { index: 0, fragment: "\"Beijing\"}".to_owned() },
        ChatEvent::ToolCallFinished { index: 0 },
    ];
    let tools = json!([{"type": "function", "function": {"name": "get_weather"}}]);
    for (tool_stream, pieces) in [(false, 1), (true, 3)] {
        app.engine.will(Answer::Events(call.clone(), FinishReason::ToolCalls));
        let body = hello_with(&json!({"stream": true, "tool_stream": tool_stream, "tools": tools}));
        let events = events(&app.stream(&body).await);
        let arguments: Vec<&str> = events
            .iter()
            .filter_map(|event| {
                event["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str()
            })
            .collect();
        assert_eq!(arguments.len(), pieces);
        assert_eq!(arguments.concat(), "{\"city\": \"Beijing\"}");
    }
}

/// ERR-05: a break after the start is told by `finish_reason`, and what was sent is still counted.
#[tokio::test]
async fn a_stream_that_breaks_off_ends_properly() {
    let app = TestApp::start().await;
    let half = vec![ChatEvent::Content("Hel".to_owned())];
    app.engine.will(Answer::BreaksOff(half, EngineError::Failed { reason: "gone".to_owned() }));
    let events = events(&app.stream(&streamed()).await);
    let last = events.last().unwrap();
    assert_eq!(last["choices"][0]["finish_reason"], "network_error");
    assert_eq!(last["usage"]["completion_tokens"], 1);
    assert_eq!(app.usage().await[0].ending, Ending::EngineFailed);
}

/// errors.md §4.1: before the first byte, an error has its own status although a stream was asked for.
#[tokio::test]
async fn an_error_before_the_stream_is_plain_json() {
    let app = TestApp::start().await;
    let (status, body) = app.chat(&hello_with(&json!({"stream": true, "model": "no-such-model"}))).await;
    assert_eq!((status, &body["error"]["code"]), (400, &json!("1211")));
}

/// A client that hangs up pays for the tokens it was sent, not for the ones it was not, and frees the engine.
#[tokio::test]
async fn hanging_up_mid_stream_cancels_the_engine_and_counts_only_what_was_sent() {
    let app = TestApp::gated().await;
    app.engine.will_say(&["Hel", "lo", ", world"]);
    let response = app.post("/chat/completions").body(streamed().to_string()).send().await.unwrap();
    app.engine.let_through(1);
    let mut stream = response.bytes_stream();
    let first = stream.next().await.unwrap().unwrap();
    assert!(std::str::from_utf8(&first).unwrap().contains("Hel"));
    drop(stream);

    app.until("the engine is freed", async || app.engine.running() == 0).await;
    app.until("the record is written", async || !app.usage().await.is_empty()).await;
    let record = &app.usage().await[0];
    assert_eq!(record.ending, Ending::CallerLeft);
    assert_eq!(record.usage.completion().0, 1);
}

/// A client that leaves before the first token frees the engine too.
#[tokio::test]
async fn hanging_up_before_the_first_token_cancels_the_engine() {
    let app = TestApp::start().await;
    app.engine.will(Answer::Hangs(Vec::new()));
    let request = app.post("/chat/completions").body(crate::hello().to_string()).send();
    assert!(tokio::time::timeout(Duration::from_millis(300), request).await.is_err());
    app.until("the engine is freed", async || app.engine.running() == 0).await;
    app.until("the record is written", async || !app.usage().await.is_empty()).await;
    assert_eq!(app.usage().await[0].ending, Ending::CallerLeftEarly);
}

/// A client that leaves while a host still reads the prompt is recorded as well.
#[tokio::test]
async fn hanging_up_before_an_engine_begins_is_recorded() {
    let app = TestApp::gated().await;
    app.engine.will(Answer::Late(Box::new(Answer::Hangs(Vec::new()))));
    let request = app.post("/chat/completions").body(streamed().to_string()).send();
    assert!(tokio::time::timeout(Duration::from_millis(300), request).await.is_err());
    app.until("the engine is freed", async || app.engine.running() == 0).await;
    app.until("the record is written", async || !app.usage().await.is_empty()).await;
    assert_eq!(app.usage().await[0].ending, Ending::CallerLeftEarly);
}

/// http-api.md §0.3: silence is filled with empty deltas, never with comments.
#[tokio::test]
async fn a_silent_stream_is_kept_open_with_empty_deltas() {
    let server = ServerSettings { keep_alive_after: Duration::from_millis(20), ..ServerSettings::default() };
    let engine = ScriptedEngine::gated("slow");
    let app = TestApp::with(TestSettings { engine, server, ..TestSettings::default() }).await;
    app.engine.will_say(&["at last"]);
    let response = app.post("/chat/completions").body(streamed().to_string()).send().await.unwrap();
    let mut stream = response.bytes_stream();
    let silence = stream.next().await.unwrap().unwrap();
    let silence = std::str::from_utf8(&silence).unwrap();
    assert!(silence.starts_with("data: {"), "{silence}");
    assert!(silence.contains("\"delta\":{\"role\":\"assistant\",\"content\":\"\"}"), "{silence}");
    app.engine.let_through(1);
    let mut rest = String::new();
    while let Some(bytes) = stream.next().await {
        rest.push_str(std::str::from_utf8(&bytes.unwrap()).unwrap());
    }
    assert!(rest.contains("at last"));
    assert!(rest.ends_with("data: [DONE]\n\n"));
}

async fn slow_to_begin(answer: Answer) -> (TestApp, reqwest::Response) {
    let server = ServerSettings { keep_alive_after: Duration::from_millis(20), ..ServerSettings::default() };
    let engine = ScriptedEngine::gated("slow");
    let app = TestApp::with(TestSettings { engine, server, ..TestSettings::default() }).await;
    app.engine.will(Answer::Late(Box::new(answer)));
    let response = app.post("/chat/completions").body(streamed().to_string()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    (app, response)
}

/// http-api.md §0.3: the same while an engine reads a long prompt and has not even taken the request.
#[tokio::test]
async fn a_stream_is_kept_open_before_the_engine_begins() {
    let answer = Answer::Events(vec![ChatEvent::Content("at last".to_owned())], FinishReason::Stop);
    let (app, mut response) = slow_to_begin(answer).await;
    let silence = response.chunk().await.unwrap().unwrap();
    app.engine.let_through(2);
    let rest = response.text().await.unwrap();
    let events = events(&format!("{}{rest}", std::str::from_utf8(&silence).unwrap()));
    assert_eq!(events[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
    let last = events.last().unwrap();
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
    assert!(rest.contains("at last"));
    assert_eq!(app.usage().await[0].ending, Ending::Finished);
}

/// errors.md §4.3: a refusal that comes after the stream has begun is told in an event, and the stream ends properly.
#[tokio::test]
async fn a_refusal_after_the_stream_has_begun_is_told_in_the_stream() {
    let refusal = Answer::Refusal(EngineError::Busy { retry_after: None });
    let (app, response) = slow_to_begin(refusal).await;
    app.engine.let_through(1);
    let events = events(&response.text().await.unwrap());
    assert_eq!(events.last().unwrap()["error"]["code"], "1305");
    assert_eq!(app.usage().await[0].ending, Ending::EngineRefused);
}

/// ENDP-13: an answer ends properly when its time is over, with what it used so far, and is recorded once.
#[tokio::test]
async fn an_answer_that_never_ends_is_ended() {
    let server =
        ServerSettings { answer_duration_max: Duration::from_millis(50), ..ServerSettings::default() };
    let app = TestApp::with(TestSettings { server, ..TestSettings::default() }).await;
    app.engine.will(Answer::Hangs(vec![ChatEvent::Content("a".to_owned())]));
    let events = events(&app.stream(&streamed()).await);
    let last = events.last().unwrap();
    assert_eq!(last["choices"][0]["finish_reason"], "network_error");
    assert_eq!(
        (&last["usage"]["prompt_tokens"], &last["usage"]["completion_tokens"]),
        (&json!(10), &json!(1))
    );
    app.until("the engine is freed", async || app.engine.running() == 0).await;
    let records = app.usage().await;
    assert_eq!((records.len(), records[0].ending), (1, Ending::EngineFailed));
    assert_eq!((records[0].usage.prompt().0, records[0].usage.completion().0), (10, 1));
}

/// ENDP-13, ERR-12: the same without a stream; nothing was sent yet, so the status tells.
#[tokio::test]
async fn a_whole_answer_that_never_ends_is_refused_in_the_end() {
    let server =
        ServerSettings { answer_duration_max: Duration::from_millis(50), ..ServerSettings::default() };
    let app = TestApp::with(TestSettings { server, ..TestSettings::default() }).await;
    app.engine.will(Answer::Hangs(vec![ChatEvent::Content("a".to_owned())]));
    let (status, body) = app.chat(&crate::hello()).await;
    assert_eq!((status, &body["error"]["code"]), (500, &json!("1234")));
    assert_eq!(app.engine.running(), 0);
    assert_eq!(app.usage().await[0].ending, Ending::EngineFailed);
}
