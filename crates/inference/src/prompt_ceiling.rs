use serde_json::Value;
use vocab::Tokens;

use crate::{ChatRequest, Message, Part, ResponseFormat};

/// What templates put around a conversation, at most: tags, a date, a word about the effort.
const CONVERSATION_TOKENS: u64 = 160;
/// What they say about how to call tools or which form to answer in, at most.
const INSTRUCTION_TOKENS: u64 = 1200;
/// What they put around a message or a tool.
const PIECE_TOKENS: u64 = 64;
/// What a picture is at most, in any of the models; a film or a document has no such bound.
const IMAGE_TOKENS: u64 = 16_384;

impl ChatRequest {
    /// More tokens than the prompt can have, found without a tokenizer: no token of a byte-level vocabulary is shorter
    /// than a byte. `None` where only the model's context window bounds it, as with films and documents.
    ///
    /// Money is set aside by this, so it may be far too much and never too little.
    pub fn prompt_ceiling(&self) -> Option<Tokens> {
        let mut ceiling = CONVERSATION_TOKENS;
        for message in &self.messages {
            ceiling += PIECE_TOKENS + message_ceiling(message)?;
        }
        if !self.tools.is_empty() || self.format != ResponseFormat::Text {
            ceiling += INSTRUCTION_TOKENS;
        }
        for tool in &self.tools {
            let description = tool.description.as_deref().map_or(0, escaped_bytes);
            let parameters = tool.parameters.as_ref().map_or(0, json_bytes);
            ceiling += PIECE_TOKENS + escaped_bytes(&tool.name) + description + parameters;
        }
        if let ResponseFormat::JsonSchema { name, schema } = &self.format {
            ceiling += escaped_bytes(name) + json_bytes(schema);
        }
        Some(Tokens(ceiling))
    }
}

fn message_ceiling(message: &Message) -> Option<u64> {
    match message {
        Message::System { content } | Message::User { content } => content.iter().map(part_ceiling).sum(),
        Message::Tool { content, tool_call_id } => {
            let parts: Option<u64> = content.iter().map(part_ceiling).sum();
            Some(parts? + tool_call_id.len() as u64)
        }
        Message::Assistant { content, reasoning, tool_calls } => {
            let calls = tool_calls.iter().map(|call| {
                // Some templates take the arguments apart and put tags around each.
                PIECE_TOKENS + call.name.len() as u64 + 4 * call.arguments.len() as u64
            });
            Some(content.len() as u64 + reasoning.as_ref().map_or(0, String::len) as u64 + calls.sum::<u64>())
        }
    }
}

fn part_ceiling(part: &Part) -> Option<u64> {
    match part {
        Part::Text { text } => Some(text.len() as u64),
        Part::Image { .. } => Some(IMAGE_TOKENS),
        Part::Video { .. } | Part::File { .. } | Part::Audio { .. } => None,
    }
}

/// How long the value is as JSON with a space after each sign, as templates print it.
fn json_bytes(value: &Value) -> u64 {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(number) => number.to_string().len() as u64,
        Value::String(text) => escaped_bytes(text),
        Value::Array(items) => 2 + items.iter().map(|item| 2 + json_bytes(item)).sum::<u64>(),
        Value::Object(fields) => {
            2 + fields.iter().map(|(key, item)| 4 + escaped_bytes(key) + json_bytes(item)).sum::<u64>()
        }
    }
}

/// How long the text is between quotation marks, with every sign that may be escaped in its longest form.
fn escaped_bytes(text: &str) -> u64 {
    let escapes =
        text.bytes().filter(|byte| matches!(byte, 0..=0x1f | b'"' | b'\\' | b'<' | b'>' | b'&' | b'\''));
    2 + text.len() as u64 + 5 * escapes.count() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::Tool;
    use crate::prompt::Renderer;

    fn request(text: &str) -> ChatRequest {
        let message = Message::User { content: vec![Part::text(text)] };
        ChatRequest::new("glm-4.7".parse().unwrap(), vec![message])
    }

    proptest! {
        /// What is set aside is never too little: the rendered prompt has no more bytes than the ceiling has tokens.
        #[test]
        fn the_rendered_prompt_is_never_longer(text in ".{0,200}", name in "[a-z]{1,20}", about in ".{0,100}") {
            let mut request = request(&text);
            request.tools.push(Tool {
                name,
                description: Some(about.clone()),
                parameters: Some(json!({"type": "object", "properties": {about: {"type": "string", "enum": [text]}}})),
                strict: None,
            });
            for model in ["glm-4-32b-0414", "glm-4.5", "glm-4.7", "glm-5.1", "glm-5.2", "glm-5.3"] {
                let tags = ["<|user|>", "<|assistant|>"].map(str::to_owned).to_vec();
                let rendered = Renderer::new(None, model, tags).unwrap().render(&request).unwrap().text();
                prop_assert!(rendered.len() as u64 <= request.prompt_ceiling().unwrap().0, "{model}: {rendered}");
            }
        }
    }

    #[test]
    fn a_film_is_bounded_by_the_context_window_only() {
        let mut request = request("what happens here?");
        assert!(request.prompt_ceiling().is_some());
        request
            .messages
            .push(Message::User { content: vec![Part::Video { url: "https://a.example/b.mp4".into() }] });
        assert_eq!(request.prompt_ceiling(), None);
    }
}
