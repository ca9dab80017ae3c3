//! What a chat request may say, and how each refusal names its field (`errors.md` §5).
#![expect(clippy::needless_pass_by_value, reason = "values are written where they are used")]

mod anything;
mod body;
mod conversation;
mod output;
mod tools;

use inference::ChatRequest;
use serde_json::{Value, json};
use wire::BadRequest;
use wire::paas::{ChatCompletionRequest, ChatOptions, ClearThinkingDefault};

/// A good request with `changes` laid over it.
fn body(changes: Value) -> Value {
    let mut body = json!({"model": "glm-4.7", "messages": [{"role": "user", "content": "hi"}]});
    for (field, value) in changes.as_object().unwrap() {
        body[field] = value.clone();
    }
    body
}

fn parse(body: &Value) -> Result<ChatCompletionRequest, BadRequest> {
    ChatCompletionRequest::parse(body.to_string().as_bytes())
}

fn read(changes: Value) -> Result<(ChatRequest, ChatOptions), BadRequest> {
    parse(&body(changes))?.into_request(ClearThinkingDefault::GENERAL)
}

fn accepted(changes: Value) -> ChatRequest {
    read(changes).unwrap().0
}

#[track_caller]
fn refused(changes: Value, code: u16, fields: &[&str]) {
    let refusal = read(changes).unwrap_err();
    assert_eq!((refusal.code.number(), &refusal.fields[..]), (code, &fields.map_owned()[..]), "{refusal}");
    for field in fields {
        assert!(refusal.message.contains(field), "{refusal}");
    }
}

trait MapOwned {
    fn map_owned(&self) -> Vec<String>;
}

impl MapOwned for [&str] {
    fn map_owned(&self) -> Vec<String> {
        self.iter().map(ToString::to_string).collect()
    }
}

fn user(content: Value) -> Value {
    json!({"messages": [{"role": "user", "content": content}]})
}

fn function(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name}})
}
