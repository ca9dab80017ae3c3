//! Answers in one piece (`anthropic-api.md` §12), and counts (§9).

use inference::{ChatEvent, FinishReason};
use serde_json::{Value, json};
use testkit::TestApp;
use testkit::scripted_engine::Answer;

use crate::{door, hello, hello_with, ids, own};

/// An answer with thinking, words and a call, as it stands in the specification.
#[tokio::test]
async fn a_message_has_every_field_of_the_protocol() {
    let app = TestApp::start().await;
    app.engine.will(Answer::Events(
        vec![
            ChatEvent::Reasoning("Hm.".to_owned()),
            ChatEvent::Content("I will write.".to_owned()),
            ChatEvent::ToolCallStarted { index: 0, id: "call_1".to_owned(), name: "Write".to_owned() },
            ChatEvent::ToolCallArguments { index: 0, fragment: "{\"path\": \"a\"}".to_owned() },
            ChatEvent::ToolCallFinished { index: 0 },
        ],
        FinishReason::ToolCalls,
    ));
    let tools = json!([{"name": "Write", "input_schema": {"type": "object"}}]);
    let response = own(&app, &hello_with(&json!({"tools": tools}))).await;
    assert_eq!(response.headers()["content-type"], "application/json; charset=UTF-8");
    assert_eq!(response.headers()["x-azimuth-model"], "scripted.scripted");
    let id = ids(response.headers());
    let body: Value = response.json().await.unwrap();
    let signature = body["content"][0]["signature"].as_str().unwrap();
    assert_eq!(
        body,
        json!({
            "id": format!("msg_{id}"), "type": "message", "role": "assistant", "model": "glm-4.7",
            "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": signature},
                {"type": "text", "text": "I will write."},
                {"type": "tool_use", "id": "call_1", "name": "Write", "input": {"path": "a"}},
            ],
            "stop_reason": "tool_use", "stop_sequence": null,
            "usage": {
                "input_tokens": 6, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 4,
                "output_tokens": 3, "output_tokens_details": {"thinking_tokens": 1}, "service_tier": "standard",
            },
        })
    );
    let asked = app.engine.requests().remove(0);
    assert_eq!(asked.model.as_str(), "glm-4.7");
    assert!(asked.thinking.enabled && asked.thinking.preserved, "thinking is on unless it is switched off");
    assert!(asked.original.is_some(), "a host of this dialect gets the client's own words");
}

/// anthropic-api.md §12.2
#[tokio::test]
async fn why_an_answer_ended_is_said_in_the_protocols_words() {
    let app = TestApp::start().await;
    let say = |more: Vec<ChatEvent>| [vec![ChatEvent::Content("a".to_owned())], more].concat();
    for (events, reason, expected) in [
        (say(Vec::new()), FinishReason::Stop, json!(["end_turn", null])),
        (
            say(vec![ChatEvent::StopMet("END".to_owned())]),
            FinishReason::Stop,
            json!(["stop_sequence", "END"]),
        ),
        (say(Vec::new()), FinishReason::Length, json!(["max_tokens", null])),
        (
            say(Vec::new()),
            FinishReason::ModelContextWindowExceeded,
            json!(["model_context_window_exceeded", null]),
        ),
        (say(Vec::new()), FinishReason::Sensitive, json!(["refusal", null])),
    ] {
        app.engine.will(Answer::Events(events, reason));
        let body: Value =
            own(&app, &hello_with(&json!({"stop_sequences": ["END"]}))).await.json().await.unwrap();
        assert_eq!(json!([body["stop_reason"], body["stop_sequence"]]), expected, "{reason:?}");
    }
}

/// anthropic-api.md §9: a burst of counts is exact, is not use, and asks no engine for an answer.
#[tokio::test]
async fn counting_costs_nothing() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.grant(account, "lite").await;
    let mut body = hello();
    body.as_object_mut().unwrap().remove("max_tokens");
    body["tools"] = json!([]);
    let count = async || {
        let request =
            app.http.post(door(&app, "/v1/messages/count_tokens?beta=true")).bearer_auth(key.expose());
        request.body(body.to_string()).send().await.unwrap().text().await.unwrap()
    };
    let counts = futures::future::join_all((0..14).map(|_| count())).await;
    assert!(counts.iter().all(|count| count == r#"{"input_tokens":10}"#), "{counts:?}");
    assert!(app.usage().await.is_empty() && app.engine.requests().is_empty());
    assert!(app.prompts_used(account).await.iter().all(|used| used.0 == 0));
}
