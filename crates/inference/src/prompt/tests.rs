use serde_json::json;

use super::*;
use crate::{Message, Part, ResponseFormat, Tool, ToolCall, ToolChoice};

mod golden;
mod hostile;
mod shape;

/// The added tokens of GLM's vocabulary (`glm-models.md` §2).
const CONTROL_TOKENS: [&str; 35] = [
    "<|endoftext|>",
    "[MASK]",
    "[gMASK]",
    "[sMASK]",
    "<sop>",
    "<eop>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|observation|>",
    "<|begin_of_image|>",
    "<|end_of_image|>",
    "<|begin_of_video|>",
    "<|end_of_video|>",
    "<|begin_of_audio|>",
    "<|end_of_audio|>",
    "<|begin_of_transcription|>",
    "<|end_of_transcription|>",
    "<|code_prefix|>",
    "<|code_middle|>",
    "<|code_suffix|>",
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "<arg_key>",
    "</arg_key>",
    "<arg_value>",
    "</arg_value>",
    "/nothink",
    "<|begin_of_box|>",
    "<|image|>",
    "<|video|>",
];

fn control_tokens() -> Vec<String> {
    CONTROL_TOKENS.map(str::to_owned).to_vec()
}

fn renderer(model: &str) -> Renderer {
    Renderer::new(None, model, control_tokens()).unwrap()
}

fn text(request: &ChatRequest, model: &str) -> String {
    renderer(model).render(request).unwrap().text()
}

fn request(messages: Vec<Message>) -> ChatRequest {
    ChatRequest::new("glm-test".parse().unwrap(), messages)
}

fn system(text: &str) -> Message {
    Message::System { content: vec![Part::text(text)] }
}

fn user(text: &str) -> Message {
    Message::User { content: vec![Part::text(text)] }
}

fn assistant(reasoning: &str, content: &str) -> Message {
    let reasoning = if reasoning.is_empty() { None } else { Some(reasoning.to_owned()) };
    Message::Assistant { content: content.to_owned(), reasoning, tool_calls: Vec::new() }
}

fn calls(reasoning: &str, calls: &[(&str, &str, &str)]) -> Message {
    let tool_calls = calls
        .iter()
        .map(|(id, name, arguments)| ToolCall {
            id: (*id).to_owned(),
            name: (*name).to_owned(),
            arguments: (*arguments).to_owned(),
        })
        .collect();
    let reasoning = if reasoning.is_empty() { None } else { Some(reasoning.to_owned()) };
    Message::Assistant { content: String::new(), reasoning, tool_calls }
}

fn result(id: &str, text: &str) -> Message {
    Message::Tool { tool_call_id: id.to_owned(), content: vec![Part::text(text)] }
}

fn weather_tool() -> Tool {
    Tool {
        name: "get_weather".to_owned(),
        description: Some("Weather in a <city> & \"more\": 天气".to_owned()),
        parameters: Some(
            json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}),
        ),
        strict: Some(true),
    }
}

/// Two finished turns, the second with two calls whose results came back in the wrong order.
fn conversation() -> ChatRequest {
    let mut request = request(vec![
        system("Be brief."),
        user("Hi"),
        assistant("Old thought.", " Hello! "),
        user("Weather?"),
        calls(
            "Two cities.",
            &[
                ("c1", "get_weather", r#"{"city": "Köln", "days": 2, "at": {"hour": 7}}"#),
                ("c2", "now", "{}"),
            ],
        ),
        result("c2", "12:00"),
        result("c1", "sunny"),
    ]);
    request.tools = vec![weather_tool()];
    request
}
