//! The conversation, as sent (`http-api.md` §2.2).

use std::fmt;

use inference::{Message, ToolCall};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

use super::content::Content;
use crate::BadRequest;

/// The most messages in one request.
const MESSAGES_MAX: usize = 10_000;
/// The most calls in one message: a model is offered no more functions than this.
const TOOL_CALLS_MAX: usize = 128;

/// One entry of `messages`, as sent.
#[derive(Debug, Deserialize)]
pub(super) struct MessageBody {
    role: Option<String>,
    content: Option<Content>,
    reasoning_content: Option<String>,
    tool_calls: Option<Vec<ToolCallBody>>,
    tool_call_id: Option<String>,
}

/// One entry of `tool_calls`, as sent.
#[derive(Debug, Deserialize)]
struct ToolCallBody {
    id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    function: Option<CalledFunctionBody>,
}

#[derive(Debug, Deserialize)]
struct CalledFunctionBody {
    name: Option<String>,
    arguments: Option<Arguments>,
}

/// JSON text, or the object itself.
#[derive(Debug)]
struct Arguments(String);

/// 1213 for anything in the conversation that lacks a required field.
pub(super) fn check_required(messages: &[MessageBody]) -> Result<(), BadRequest> {
    // Nothing is looked at twice: a list that is too long is refused as a whole a little later.
    messages
        .iter()
        .take(MESSAGES_MAX)
        .enumerate()
        .try_for_each(|(index, message)| message.check_required(index))
}

/// The two kinds of part that may not stand in one message, where they do.
pub(super) fn exclusive_parts(messages: &[MessageBody]) -> Option<(&'static str, &'static str)> {
    messages.iter().take(MESSAGES_MAX).find_map(|message| message.content.as_ref()?.exclusive_parts())
}

/// The conversation as engines see it.
pub(super) fn into_messages(messages: Vec<MessageBody>) -> Result<Vec<Message>, BadRequest> {
    if messages.is_empty() {
        return Err(BadRequest::invalid("messages", "at least one message"));
    }
    if messages.len() > MESSAGES_MAX {
        return Err(BadRequest::invalid("messages", &format!("at most {MESSAGES_MAX} messages")));
    }
    let messages = (messages.into_iter().enumerate())
        .map(|(index, message)| message.into_message(index))
        .collect::<Result<Vec<_>, _>>()?;
    let asks_something =
        messages.iter().any(|message| matches!(message, Message::User { .. } | Message::Tool { .. }));
    if !asks_something {
        return Err(BadRequest::invalid("messages", "not only system and assistant messages"));
    }
    Ok(messages)
}

impl MessageBody {
    fn role(&self) -> &str {
        self.role.as_deref().unwrap_or_default()
    }

    fn check_required(&self, index: usize) -> Result<(), BadRequest> {
        if self.role.is_none() {
            return Err(BadRequest::missing(format!("messages[{index}].role")));
        }
        if self.role() == "tool" && self.tool_call_id.is_none() {
            return Err(BadRequest::missing(format!("messages[{index}].tool_call_id")));
        }
        if let Some(content @ Content::Parts(_)) = &self.content {
            content.check_required(&format!("messages[{index}].content"))?;
        }
        if self.role() != "assistant" {
            return Ok(());
        }
        for (call, body) in self.tool_calls.iter().flatten().enumerate() {
            if let Some(field) = body.missing_field() {
                return Err(BadRequest::missing(format!("messages[{index}].tool_calls[{call}].{field}")));
            }
        }
        Ok(())
    }

    fn into_message(self, index: usize) -> Result<Message, BadRequest> {
        let at = || format!("messages[{index}].content");
        let needed = |content: Option<Content>| match content {
            Some(Content::Parts(parts)) if parts.is_empty() => {
                Err(BadRequest::invalid(at(), "a text or at least one part"))
            }
            Some(content) => Ok(content),
            None => Err(BadRequest::invalid(at(), "a text or a list of parts")),
        };
        match self.role() {
            "system" | "developer" => {
                Ok(Message::System { content: needed(self.content)?.into_text_parts(&at())? })
            }
            "user" => Ok(Message::User { content: needed(self.content)?.into_parts(&at())? }),
            "assistant" => Ok(Message::Assistant {
                content: self.content.map_or(Ok(String::new()), |content| content.into_text(&at()))?,
                reasoning: self.reasoning_content.filter(|text| !text.is_empty()),
                tool_calls: into_tool_calls(self.tool_calls.unwrap_or_default(), index)?,
            }),
            "tool" => Ok(Message::Tool {
                tool_call_id: self
                    .tool_call_id
                    .ok_or_else(|| BadRequest::missing(format!("messages[{index}].tool_call_id")))?,
                // A tool may have nothing to say.
                content: self.content.map_or(Ok(Vec::new()), |content| content.into_parts(&at()))?,
            }),
            _ => Err(BadRequest::invalid(
                format!("messages[{index}].role"),
                "one of system, user, assistant, tool",
            )),
        }
    }
}

/// Calls of functions. Old histories also hold searches that the server made by itself; they are dropped.
fn into_tool_calls(calls: Vec<ToolCallBody>, message: usize) -> Result<Vec<ToolCall>, BadRequest> {
    let at = format!("messages[{message}].tool_calls");
    if calls.len() > TOOL_CALLS_MAX {
        return Err(BadRequest::invalid(at, &format!("at most {TOOL_CALLS_MAX} calls")));
    }
    (calls.into_iter().enumerate().filter(|(_, call)| call.is_function()))
        .map(|(index, call)| match call {
            ToolCallBody {
                id: Some(id),
                function: Some(CalledFunctionBody { name: Some(name), arguments }),
                ..
            } => {
                let arguments = arguments.map(|arguments| arguments.0).filter(|text| !text.trim().is_empty());
                Ok(ToolCall { id, name, arguments: arguments.unwrap_or_else(|| "{}".to_owned()) })
            }
            incomplete => {
                let field = incomplete.missing_field().unwrap_or("function");
                Err(BadRequest::missing(format!("{at}[{index}].{field}")))
            }
        })
        .collect()
}

impl ToolCallBody {
    fn is_function(&self) -> bool {
        !matches!(self.kind.as_deref(), Some("web_search" | "retrieval"))
    }

    fn missing_field(&self) -> Option<&'static str> {
        match self {
            call if !call.is_function() => None,
            Self { id: None, .. } => Some("id"),
            Self { function: None, .. } => Some("function"),
            Self { function: Some(CalledFunctionBody { name: None, .. }), .. } => Some("function.name"),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ArgumentsVisitor;

        impl<'de> Visitor<'de> for ArgumentsVisitor {
            type Value = Arguments;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON text or an object")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Arguments, E> {
                Ok(Arguments(text.to_owned()))
            }

            fn visit_string<E: Error>(self, text: String) -> Result<Arguments, E> {
                Ok(Arguments(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Arguments, A::Error> {
                let object = Value::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Arguments(object.to_string()))
            }
        }

        deserializer.deserialize_any(ArgumentsVisitor)
    }
}
