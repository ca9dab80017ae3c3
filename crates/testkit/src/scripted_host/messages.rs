//! Answers in Anthropic's dialect.

use serde_json::{Value, json};

use super::Answer;

impl Answer {
    /// A whole stream of these events of a message, each under the name of its type.
    pub fn messages(events: &[Value]) -> Self {
        events.iter().fold(Self::open_stream(), Self::named_event).end()
    }

    /// A message of one text in these pieces, with figures that fit them.
    pub fn message(pieces: &[&str]) -> Self {
        let mut events = vec![message_start(9, 0), json!({"type": "ping"})];
        let block = json!({"type": "text", "text": ""});
        events.push(json!({"type": "content_block_start", "index": 0, "content_block": block}));
        events.extend(pieces.iter().map(|piece| text_delta(piece)));
        events.push(json!({"type": "content_block_stop", "index": 0}));
        events.extend(message_end("end_turn", pieces.len()));
        Self::messages(&events)
    }

    /// One event under the name of its type.
    pub fn named_event(self, event: &Value) -> Self {
        let name = event["type"].as_str().unwrap_or("message");
        self.piece(format!("event: {name}\ndata: {event}\n\n").as_bytes())
    }
}

/// The event that begins a message, with what is known of its prompt.
pub fn message_start(input_tokens: u64, cache_read_input_tokens: u64) -> Value {
    let usage = json!({
        "input_tokens": input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cache_read_input_tokens,
        "output_tokens": 1,
    });
    json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
        "model": "scripted", "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage}})
}

/// A further piece of the text in the first block.
pub fn text_delta(text: &str) -> Value {
    json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})
}

/// The events that end a message.
pub fn message_end(stop_reason: &str, output_tokens: usize) -> [Value; 2] {
    [
        json!({"type": "message_delta", "delta": {"stop_reason": stop_reason, "stop_sequence": null},
            "usage": {"output_tokens": output_tokens}}),
        json!({"type": "message_stop"}),
    ]
}
