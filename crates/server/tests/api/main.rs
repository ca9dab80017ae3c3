//! What clients do and see, from the socket in.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod async_chat;
mod auth;
mod chat;
mod doors;
mod errors;
mod hostile;
mod limits;
mod models;
mod monitor;
mod parameters;
mod paying;
mod quota;
mod rates;
mod router;
mod stream;
mod tokenizer;
mod usage;

use serde_json::{Value, json};

/// A short chat.
fn hello() -> Value {
    json!({"model": "glm-4.7", "messages": [{"role": "user", "content": "Hi"}]})
}

/// A short chat with further fields.
fn hello_with(fields: &Value) -> Value {
    let mut body = hello();
    for (name, value) in fields.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}
