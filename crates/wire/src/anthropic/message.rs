//! The whole answer of `POST messages` (`anthropic-api.md` §12).

use inference::{ChatEvent, FinishReason};
use serde::Serialize;
use serde_json::value::RawValue;
use vocab::{ModelName, RequestId, Usage};

use super::block_sequence::{BlockSequence, BlockSink, Opening, Piece};
use super::stop_reason::StopReason;
use super::tool_input;
use super::usage::UsageBody;

/// What is known of a message before its first word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageHead {
    /// The server's id for the request, of which the message's own is made.
    pub id: RequestId,
    /// The public name of the model that answers, whatever name was asked for.
    pub model: ModelName,
}

impl MessageHead {
    /// `msg_` and the request id.
    pub fn message_id(&self) -> String {
        format!("msg_{}", self.id.as_str())
    }
}

/// A whole answer.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// `msg_` and the request id.
    pub id: String,
    /// `message`
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `assistant`
    pub role: &'static str,
    /// The model that answered.
    pub model: String,
    /// What was thought, said and called, in order; may be empty.
    pub content: Vec<ContentBlock>,
    /// Why the answer ended.
    pub stop_reason: StopReason,
    /// The stop text that was met, if `stop_reason` says that one was.
    pub stop_sequence: Option<String>,
    /// Tokens.
    pub usage: UsageBody,
}

/// A part of an answer.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentBlock {
    /// What the model thought.
    Thinking {
        /// The text.
        thinking: String,
        /// To be sent back with the text; opaque.
        signature: String,
    },
    /// What the model said.
    Text {
        /// The text.
        text: String,
    },
    /// A tool call.
    ToolUse {
        /// To be sent back with the result.
        id: String,
        /// The tool.
        name: String,
        /// A JSON object, as the model wrote it.
        input: Box<RawValue>,
    },
}

impl Message {
    /// Puts the pieces of an answer together. `None` if it was broken off: this dialect has no half answers, but an
    /// error in their place.
    pub fn collect(head: &MessageHead, events: impl IntoIterator<Item = ChatEvent>) -> Option<Self> {
        let mut collector = Collector::default();
        for event in events {
            collector.push(event);
        }
        collector.finish(head)
    }
}

/// Puts an answer together as it arrives.
#[derive(Debug, Default)]
pub struct Collector {
    sequence: BlockSequence,
    drafts: Drafts,
    usage: Usage,
    stop_met: Option<String>,
    finish_reason: Option<FinishReason>,
}

impl Collector {
    /// Takes in the next event.
    pub fn push(&mut self, event: ChatEvent) {
        match event {
            ChatEvent::StopMet(text) => self.stop_met = Some(text),
            ChatEvent::Finished { reason, usage } => {
                self.usage = usage;
                self.finish_reason = Some(reason);
            }
            event => self.sequence.take(&event, &mut self.drafts),
        }
    }

    /// The answer, or `None` if it was broken off.
    pub fn finish(mut self, head: &MessageHead) -> Option<Message> {
        let reason = self.finish_reason?;
        let calls = self.sequence.finish(reason, &mut self.drafts);
        let stop_reason = StopReason::of(reason, calls, self.stop_met.is_some())?;
        Some(Message {
            id: head.message_id(),
            kind: "message",
            role: "assistant",
            model: head.model.as_str().to_owned(),
            content: self.drafts.0.into_iter().map(Draft::into_block).collect(),
            stop_reason,
            stop_sequence: self.stop_met.filter(|_| stop_reason == StopReason::StopSequence),
            usage: self.usage.into(),
        })
    }
}

/// Blocks that are being put together.
#[derive(Debug, Default)]
struct Drafts(Vec<Draft>);

#[derive(Debug)]
struct Draft {
    kind: DraftKind,
    /// The thinking, the text or the arguments.
    text: String,
    signature: String,
}

#[derive(Debug)]
enum DraftKind {
    Thinking,
    Text,
    ToolUse { id: String, name: String },
}

impl BlockSink for Drafts {
    fn open(&mut self, _: u32, block: Opening<'_>) {
        let kind = match block {
            Opening::Thinking => DraftKind::Thinking,
            Opening::Text => DraftKind::Text,
            Opening::ToolUse { id, name } => DraftKind::ToolUse { id: id.to_owned(), name: name.to_owned() },
        };
        self.0.push(Draft { kind, text: String::new(), signature: String::new() });
    }

    fn piece(&mut self, _: u32, piece: Piece<'_>) {
        let Some(draft) = self.0.last_mut() else { return };
        match piece {
            Piece::Thinking(text) | Piece::Text(text) | Piece::Input(text) => draft.text.push_str(text),
            Piece::Signature(signature) => draft.signature.push_str(signature),
        }
    }

    fn close(&mut self, _: u32) {}

    fn cut_off(&mut self, _: u32) -> bool {
        self.0.pop();
        true
    }
}

impl Draft {
    fn into_block(self) -> ContentBlock {
        match self.kind {
            DraftKind::Thinking => ContentBlock::Thinking { thinking: self.text, signature: self.signature },
            DraftKind::Text => ContentBlock::Text { text: self.text },
            DraftKind::ToolUse { id, name } => {
                ContentBlock::ToolUse { id, name, input: tool_input::object(&self.text) }
            }
        }
    }
}
