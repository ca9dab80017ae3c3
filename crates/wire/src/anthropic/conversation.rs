//! The conversation, as sent, and as models see it (`anthropic-api.md` §5).

use std::collections::HashMap;
use std::mem;

use inference::{Message, Part, ToolCall};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::block::{Block, BlockBody, Content, Loose, text_of};
use super::parts::{Parts, join};
use super::{server_results, system, tool_input};
use crate::BadRequest;

/// The most messages in one request.
const MESSAGES_MAX: usize = 100_000;

/// One entry of `messages`, as sent.
#[derive(Debug, Deserialize)]
pub(super) struct MessageBody {
    role: Option<String>,
    content: Option<Content>,
}

/// A conversation that engines understand.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub messages: Vec<Message>,
    /// Whether the last user message holds more than results of tools.
    pub begins_prompt: bool,
    assistant: AssistantTurn,
    user: UserTurn,
    open_calls: OpenCalls,
}

/// The assistant's messages that follow one another.
#[derive(Debug, Default)]
struct AssistantTurn {
    content: String,
    reasoning: String,
    tool_calls: Vec<ToolCall>,
}

/// What else the user's messages that follow one another hold than results of tools, which are passed on at once.
#[derive(Debug, Default)]
struct UserTurn {
    /// Results of calls that nobody made.
    orphans: Parts,
    parts: Parts,
}

/// Calls that have no result yet, in the order in which they were made.
#[derive(Debug, Default)]
struct OpenCalls {
    ids: Vec<String>,
    open: HashMap<String, usize>,
}

/// 1213 for anything in the conversation that lacks a required field, 1210 for what has a wrong type.
pub(super) fn check_required(messages: &[MessageBody]) -> Result<(), BadRequest> {
    // Nothing is looked at twice: a list that is too long is refused as a whole a little later.
    for (index, message) in messages.iter().take(MESSAGES_MAX).enumerate() {
        if message.role.is_none() {
            return Err(BadRequest::missing(format!("messages.{index}.role")));
        }
        let at = format!("messages.{index}.content");
        let content = message.content.as_ref().ok_or_else(|| BadRequest::missing(at.clone()))?;
        if matches!(content, Content::Other) {
            return Err(BadRequest::mistyped(&at, "expected a text or a list of blocks"));
        }
        for (place, block) in content.blocks().iter().enumerate() {
            block.check_required(|| format!("{at}.{place}"))?;
        }
    }
    Ok(())
}

impl Conversation {
    /// Reads a conversation that begins with the instructions in `system`. Nothing is refused for what a history may
    /// hold after an interruption: calls without a result get an empty one, results without a call become text, and a
    /// message with nothing in it is as good as none.
    pub fn read(system: String, messages: Vec<MessageBody>) -> Result<Self, BadRequest> {
        if messages.len() > MESSAGES_MAX {
            return Err(BadRequest::invalid("messages", &format!("at most {MESSAGES_MAX} messages")));
        }
        let mut conversation = Self::default();
        conversation.push_system(system);
        for (index, message) in messages.into_iter().enumerate() {
            match message.role.as_deref() {
                Some("user") => conversation.take_user(message.content),
                Some("assistant") => conversation.take_assistant(message.content),
                Some("system") => conversation.push_system(system::message_text(message.content)),
                _ => {
                    let field = format!("messages.{index}.role");
                    return Err(BadRequest::invalid(field, "one of user, assistant, system"));
                }
            }
        }
        conversation.end_turns();
        conversation.answer_open_calls();
        let asks_something = (conversation.messages.iter())
            .any(|message| matches!(message, Message::User { .. } | Message::Tool { .. }));
        if !asks_something {
            return Err(BadRequest::invalid("messages", "at least one user message with content"));
        }
        Ok(conversation)
    }

    fn push_system(&mut self, text: String) {
        if !text.is_empty() {
            self.end_turns();
            self.messages.push(Message::System { content: vec![Part::Text { text }] });
        }
    }

    fn take_user(&mut self, content: Option<Content>) {
        let mut results = Vec::new();
        let mut parts = Parts::default();
        for block in content.map(Content::into_blocks).unwrap_or_default() {
            match block.into_parts() {
                (kind, body) if kind == "tool_result" => results.push(body),
                (kind, body) => parts.push(&kind, body),
            }
        }
        if results.is_empty() && parts.is_empty() {
            return;
        }
        self.end_assistant_turn();
        self.begins_prompt = !parts.is_empty();
        results.into_iter().for_each(|result| self.take_result(result));
        self.user.parts.append(parts);
    }

    fn take_result(&mut self, body: BlockBody) {
        let mut content = Parts::default();
        content.push_content(body.content);
        if body.is_error == Some(Loose::Flag(true)) {
            content.prefix("Error: ");
        }
        let id = text_of(body.tool_use_id).unwrap_or_default();
        if self.open_calls.close(&id) {
            self.messages.push(Message::Tool { tool_call_id: id, content: content.into_vec() });
        } else {
            self.user.orphans.push_text(format!("Result of the tool call {id}:"));
            self.user.orphans.append(content);
        }
    }

    fn take_assistant(&mut self, content: Option<Content>) {
        let mut turn = mem::take(&mut self.assistant);
        for block in content.map(Content::into_blocks).unwrap_or_default() {
            turn.take(block);
        }
        if !turn.is_empty() {
            self.end_user_turn();
        }
        self.assistant = turn;
    }

    fn end_turns(&mut self) {
        self.end_assistant_turn();
        self.end_user_turn();
    }

    fn end_assistant_turn(&mut self) {
        if self.assistant.is_empty() {
            return;
        }
        let AssistantTurn { content, reasoning, tool_calls } = mem::take(&mut self.assistant);
        self.answer_open_calls();
        self.open_calls = OpenCalls::new(&tool_calls);
        let reasoning = Some(reasoning).filter(|text| !text.is_empty());
        self.messages.push(Message::Assistant { content, reasoning, tool_calls });
    }

    fn end_user_turn(&mut self) {
        let UserTurn { orphans: mut parts, parts: others } = mem::take(&mut self.user);
        parts.append(others);
        if !parts.is_empty() {
            self.answer_open_calls();
            self.messages.push(Message::User { content: parts.into_vec() });
        }
    }

    fn answer_open_calls(&mut self) {
        for tool_call_id in mem::take(&mut self.open_calls).into_ids() {
            self.messages.push(Message::Tool { tool_call_id, content: Vec::new() });
        }
    }
}

impl AssistantTurn {
    fn is_empty(&self) -> bool {
        self.content.is_empty() && self.reasoning.is_empty() && self.tool_calls.is_empty()
    }

    fn take(&mut self, block: Block) {
        let (kind, body) = block.into_parts();
        match kind.as_str() {
            "text" => join(&mut self.content, &text_of(body.text).unwrap_or_default(), "\n"),
            "thinking" => join(&mut self.reasoning, &text_of(body.thinking).unwrap_or_default(), "\n"),
            "tool_use" => {
                if let (Some(id), Some(name)) = (text_of(body.id), text_of(body.name)) {
                    self.tool_calls.push(ToolCall { id, name, arguments: arguments(body.input) });
                }
            }
            _ => {
                if let Some(text) = server_results::as_text(&kind, body) {
                    join(&mut self.content, &text, "\n");
                }
            }
        }
    }
}

impl OpenCalls {
    fn new(calls: &[ToolCall]) -> Self {
        let mut open = HashMap::with_capacity(calls.len());
        for call in calls {
            *open.entry(call.id.clone()).or_default() += 1;
        }
        Self { ids: calls.iter().map(|call| call.id.clone()).collect(), open }
    }

    /// A result has come. Whether it was waited for.
    fn close(&mut self, id: &str) -> bool {
        match self.open.get_mut(id) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        }
    }

    /// The calls that are still open.
    fn into_ids(mut self) -> impl Iterator<Item = String> {
        let ids = mem::take(&mut self.ids);
        ids.into_iter().filter(move |id| self.close(id))
    }
}

/// The arguments of a call: the object that was sent, or else what it was meant to be.
fn arguments(input: Option<Box<RawValue>>) -> String {
    let object = match input {
        Some(input) if input.get().starts_with('{') => input,
        Some(input) => tool_input::object(input.get()),
        None => return "{}".to_owned(),
    };
    Box::<str>::from(object).into()
}
