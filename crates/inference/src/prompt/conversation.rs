use minijinja::Value;

use super::PromptError;
use super::instructions;
use super::seal::Seal;
use super::template::Habits;
use crate::{ChatRequest, Message, Part, Tool, ToolCall, ToolChoice};

/// The processor later repeats `<|image|>` once for each patch.
const IMAGE: &str = "<|begin_of_image|><|image|><|end_of_image|>";
const VIDEO: &str = "<|begin_of_video|><|video|><|end_of_video|>";

/// Puts a request into the shape that chat templates expect, with all of the caller's texts sealed.
pub(super) struct Conversation<'a> {
    pub seal: &'a Seal<'a>,
    pub is_vision: bool,
    pub habits: Habits,
}

impl Conversation<'_> {
    /// The tools as they are offered in public, or none.
    pub fn tools(&self, request: &ChatRequest) -> Value {
        if request.tools.is_empty() || request.tool_choice == ToolChoice::None {
            return Value::from(());
        }
        request.tools.iter().map(|tool| self.tool(tool)).collect()
    }

    fn tool(&self, tool: &Tool) -> Value {
        let mut function = vec![("name", Value::from(self.seal.text(&tool.name)))];
        function
            .extend(tool.description.as_ref().map(|text| ("description", Value::from(self.seal.text(text)))));
        function.extend(tool.parameters.as_ref().map(|schema| ("parameters", self.seal.json(schema))));
        function.extend(tool.strict.map(|is_strict| ("strict", Value::from(is_strict))));
        Value::from_pairs([("type", Value::from("function")), ("function", Value::from_pairs(function))])
    }

    pub fn messages(&self, request: &ChatRequest) -> Result<Value, PromptError> {
        let mut rendered = Vec::with_capacity(request.messages.len() + 1);
        let mut rest = request.messages.as_slice();
        if let Some(instructions) = instructions::for_request(request) {
            // They join the first system message, because many templates take one only and only there.
            let system = match rest.split_first() {
                Some((Message::System { content }, after)) => {
                    rest = after;
                    [content.as_slice(), &[Part::text(format!("\n\n{instructions}"))]].concat()
                }
                _ => vec![Part::text(instructions)],
            };
            rendered.push(message("system", vec![("content", self.content(&system)?)]));
        }
        for (position, each) in rest.iter().enumerate() {
            match each {
                Message::System { content } => {
                    rendered.push(message("system", vec![("content", self.content(content)?)]));
                }
                Message::User { content } => {
                    rendered.push(message("user", vec![("content", self.content(content)?)]));
                }
                Message::Assistant { content, reasoning, tool_calls } => {
                    self.assistant(content, reasoning.as_deref(), tool_calls, &mut rendered);
                }
                Message::Tool { .. } if is_tool(rest.get(position.wrapping_sub(1))) => {}
                Message::Tool { .. } => self.results(rest, position, &mut rendered)?,
            }
        }
        Ok(rendered.into_iter().collect())
    }

    fn assistant(
        &self,
        content: &str,
        reasoning: Option<&str>,
        calls: &[ToolCall],
        rendered: &mut Vec<Value>,
    ) {
        let (reasoning, content) = match reasoning.filter(|text| !text.is_empty()) {
            Some(reasoning) => (Some(reasoning), content),
            None => split_reasoning(content),
        };
        let mut fields = vec![("content", Value::from(self.seal.text(content)))];
        fields.extend(reasoning.map(|text| ("reasoning_content", Value::from(self.seal.text(text)))));
        if self.habits.calls_are_metadata {
            if !content.is_empty() || calls.is_empty() {
                rendered.push(message("assistant", fields));
            }
            rendered.extend(calls.iter().map(|call| {
                let name = Value::from(self.seal.text(&call.name));
                let arguments = Value::from(self.seal.text(&call.arguments));
                message("assistant", vec![("metadata", name), ("content", arguments)])
            }));
            return;
        }
        if !calls.is_empty() {
            fields.push(("tool_calls", calls.iter().map(|call| self.call(call)).collect()));
        }
        rendered.push(message("assistant", fields));
    }

    fn call(&self, call: &ToolCall) -> Value {
        let function = [
            ("name", Value::from(self.seal.text(&call.name))),
            ("arguments", self.seal.json(&arguments(&call.arguments))),
        ];
        Value::from_pairs([
            ("id", Value::from(self.seal.text(&call.id))),
            ("type", Value::from("function")),
            ("function", Value::from_pairs(function)),
        ])
    }

    /// The run of tool messages that starts at `position`, in the order of the calls they answer: ids are not
    /// rendered, so the order is all the model sees.
    fn results(
        &self,
        messages: &[Message],
        position: usize,
        rendered: &mut Vec<Value>,
    ) -> Result<(), PromptError> {
        let calls = match position.checked_sub(1).and_then(|before| messages.get(before)) {
            Some(Message::Assistant { tool_calls, .. }) => tool_calls.as_slice(),
            _ => &[],
        };
        let order: std::collections::HashMap<&str, usize> =
            calls.iter().enumerate().map(|(at, call)| (call.id.as_str(), at)).collect();
        let mut results: Vec<(usize, &str, &[Part])> = messages[position..]
            .iter()
            .map_while(|each| match each {
                Message::Tool { tool_call_id, content } => {
                    let place = order.get(tool_call_id.as_str()).copied().unwrap_or(usize::MAX);
                    Some((place, tool_call_id.as_str(), content.as_slice()))
                }
                _ => None,
            })
            .collect();
        results.sort_by_key(|(place, ..)| *place);
        for (_, id, content) in results {
            let fields =
                vec![("tool_call_id", Value::from(self.seal.text(id))), ("content", self.content(content)?)];
            rendered.push(message(self.habits.tool_role, fields));
        }
        Ok(())
    }

    /// Texts joined, and media as the placeholders that a vision model knows.
    fn content(&self, parts: &[Part]) -> Result<Value, PromptError> {
        let mut content = String::new();
        for run in parts.chunk_by(|left, right| is_text(left) && is_text(right)) {
            // Texts are joined before they are sealed, so that no token is hidden between two of them.
            let text: String = run.iter().filter_map(|part| part_text(part).ok()).collect();
            content.push_str(&self.seal.text(&text));
            match run {
                [Part::Image { .. }] if self.is_vision => content.push_str(IMAGE),
                [Part::Video { .. }] if self.is_vision => content.push_str(VIDEO),
                [single] => drop(part_text(single)?),
                _ => {}
            }
        }
        Ok(Value::from(content))
    }
}

fn message(role: &'static str, fields: Vec<(&'static str, Value)>) -> Value {
    Value::from_pairs([("role", Value::from(role))].into_iter().chain(fields))
}

fn is_tool(message: Option<&Message>) -> bool {
    matches!(message, Some(Message::Tool { .. }))
}

fn is_text(part: &Part) -> bool {
    matches!(part, Part::Text { .. })
}

fn part_text(part: &Part) -> Result<&str, PromptError> {
    match part {
        Part::Text { text } => Ok(text),
        Part::Image { .. } => Err(PromptError::Media { part: "image" }),
        Part::Video { .. } => Err(PromptError::Media { part: "video" }),
        Part::File { .. } => Err(PromptError::Media { part: "file" }),
        Part::Audio { .. } => Err(PromptError::Media { part: "audio" }),
    }
}

/// Finds the reasoning that clients without a field for it leave in the content.
fn split_reasoning(content: &str) -> (Option<&str>, &str) {
    let Some((before, after)) = content.split_once("</think>") else {
        return (None, content);
    };
    let reasoning = before.rsplit_once("<think>").map_or(before, |(_, inside)| inside);
    let reasoning = reasoning.trim_matches('\n');
    (Some(reasoning).filter(|text| !text.is_empty()), after.trim_start_matches('\n'))
}

/// The arguments of a call as the object that templates expect. What is no object is kept whole under one
/// key, for the model to see what went wrong.
fn arguments(text: &str) -> serde_json::Value {
    if text.trim().is_empty() {
        return serde_json::json!({});
    }
    match serde_json::from_str(text) {
        Ok(object @ serde_json::Value::Object(_)) => object,
        _ => serde_json::json!({ "arguments": text }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reasoning_left_in_the_content_is_found() {
        assert_eq!(split_reasoning("<think>\nhm\n</think>\n\nyes"), (Some("hm"), "yes"));
        assert_eq!(split_reasoning("hm</think>yes"), (Some("hm"), "yes"));
        assert_eq!(split_reasoning("<think></think>yes"), (None, "yes"));
        assert_eq!(split_reasoning("<think>yes"), (None, "<think>yes"));
    }

    #[test]
    fn arguments_that_are_no_object_do_not_fail_the_request() {
        assert_eq!(arguments(r#"{"b": 1, "a": 2}"#).to_string(), r#"{"b":1,"a":2}"#);
        assert_eq!(arguments(" "), json!({}));
        for text in ["{\"a\": ", "[1]", "null", "7", &"[".repeat(100_000)] {
            assert_eq!(arguments(text), json!({ "arguments": text }));
        }
    }
}
