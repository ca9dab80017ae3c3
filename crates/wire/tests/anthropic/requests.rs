//! Requests to read, and the shared material.

use std::path::{Path, PathBuf};

use inference::{ChatRequest, Message, Part};
use serde_json::{Value, json};
use wire::BadRequest;
use wire::anthropic::{MessageOptions, MessagesRequest};

/// A file or folder of the shared material.
pub fn shared(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path)
}

/// The body of a recorded request.
pub fn recorded(file: &str) -> Value {
    let path = shared("fixtures/clients").join(file);
    let mut recording: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    recording["request"]["body"].take()
}

/// Reads a body as `glm-4.7`, whatever model it asks for.
pub fn read(body: &Value) -> Result<(ChatRequest, MessageOptions), BadRequest> {
    MessagesRequest::parse(body.to_string().as_bytes())?.into_request("glm-4.7".parse().unwrap())
}

/// A good request with `changes` laid over it.
pub fn with(changes: &Value) -> Value {
    let mut body = json!({
        "model": "glm-4.7", "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}],
    });
    for (field, value) in changes.as_object().unwrap() {
        body[field] = value.clone();
    }
    body
}

/// The request that a good one with `changes` becomes.
pub fn accepted(changes: Value) -> ChatRequest {
    read(&with(&changes)).unwrap().0
}

/// What the server is asked by a good request with `changes`.
pub fn options(changes: Value) -> MessageOptions {
    read(&with(&changes)).unwrap().1
}

/// What the model sees of `messages`.
pub fn seen(messages: Value) -> Vec<Message> {
    accepted(json!({ "messages": messages })).messages
}

pub fn system(text: &str) -> Message {
    Message::System { content: vec![Part::text(text)] }
}

pub fn user(text: &str) -> Message {
    Message::User { content: vec![Part::text(text)] }
}

pub fn assistant(text: &str) -> Message {
    Message::Assistant { content: text.to_owned(), reasoning: None, tool_calls: Vec::new() }
}

pub fn result(id: &str, text: &str) -> Message {
    let content = if text.is_empty() { Vec::new() } else { vec![Part::text(text)] };
    Message::Tool { tool_call_id: id.to_owned(), content }
}
