use std::sync::Arc;

use inference::Original;
use serde_json::{Value, json};
use testkit::scripted_host::Answer;
use vocab::Tokens;

use super::*;

fn with_original(body: &Value, max_tokens: u32) -> ChatRequest {
    let mut request = hi();
    request.max_tokens = Some(max_tokens);
    request.original = Some(Original::Messages(Arc::from(body.to_string().into_bytes())));
    request
}

fn recorded(name: &str) -> Value {
    let path = format!("{}/../../../shared/fixtures/clients/{name}", env!("CARGO_MANIFEST_DIR"));
    let recording: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    recording["request"]["body"].clone()
}

/// Claude Code's own words reach the host: cache marks, tools, metadata and betas, under the host's name of the model.
#[tokio::test]
async fn a_clients_body_is_sent_as_it_came() {
    let host = ScriptedHost::start().await;
    host.will(Answer::message(&["Hi"]));
    let body = recorded("claude-code/02-first-turn.json");
    listen(engine(&host).chat(with_original(&body, 32_000)).await.unwrap()).await;

    let seen = host.only_request();
    let mut expected = body;
    expected["model"] = json!("claude-x");
    expected["max_tokens"] = json!(32_000);
    expected["system"].as_array_mut().unwrap().remove(0);
    assert_eq!(seen.json(), expected);
    assert_eq!(
        seen.header("anthropic-beta"),
        Some("context-management-2025-06-27,effort-2025-11-24,mid-conversation-system-2026-04-07")
    );
}

#[tokio::test]
async fn a_count_goes_by_the_clients_body_too() {
    let host = ScriptedHost::start().await;
    host.will(Answer::json(200, &json!({"input_tokens": 7})));
    let body = json!({"model": "glm-4.7", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(engine(&host).count_tokens(&with_original(&body, 5)).await.unwrap(), Tokens(7));
    assert_eq!(host.only_request().json(), json!({"model": "claude-x", "messages": body["messages"]}));
}

/// A host of another dialect is asked in its own words.
#[tokio::test]
async fn other_hosts_do_not_see_the_clients_body() {
    let host = ScriptedHost::start().await;
    let body = json!({"model": "glm-4.7", "messages": [{"role": "user", "content": "other"}]});
    listen(super::super::engine(&host).chat(with_original(&body, 5)).await.unwrap()).await;
    let seen = host.only_request();
    assert_eq!(seen.path, "/v1/chat/completions");
    assert_eq!(seen.json()["messages"], json!([{"role": "user", "content": "Hi"}]));
}
