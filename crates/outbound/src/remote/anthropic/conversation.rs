//! Turns, in the order in which the host wants them.

use std::borrow::Cow;

use inference::{EngineError, Message};
use serde::Serialize;

use super::blocks::{Block, of_parts};

/// A conversation as the dialect has it.
#[derive(Debug, Default)]
pub(super) struct Conversation<'a> {
    /// What stands before the first turn. System messages further on keep their place among the turns.
    pub system: Vec<Block<'a>>,
    pub turns: Vec<Turn<'a>>,
}

/// One entry of `messages`, as sent.
#[derive(Debug, Serialize)]
pub(super) struct Turn<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

impl<'a> Conversation<'a> {
    pub fn new(messages: &'a [Message], sends_reasoning: bool) -> Result<Self, EngineError> {
        let mut conversation = Self::default();
        for message in messages {
            conversation.add(message, sends_reasoning)?;
        }
        // A turn that says nothing is refused.
        conversation.turns.retain(|turn| !turn.content.is_empty());
        conversation.trim_beginning_of_answer();
        Ok(conversation)
    }

    fn add(&mut self, message: &'a Message, sends_reasoning: bool) -> Result<(), EngineError> {
        match message {
            Message::System { content } if self.turns.is_empty() => self.system.extend(of_parts(content)?),
            Message::System { content } => self.push("system", of_parts(content)?),
            // What a person says after the results of tools belongs to the same turn.
            Message::User { content } => match self.turn_of_results() {
                Some(turn) => turn.content.extend(of_parts(content)?),
                None => self.push("user", of_parts(content)?),
            },
            Message::Tool { tool_call_id, content } => {
                let result = Block::result(tool_call_id, content)?;
                match self.turn_of_results() {
                    Some(turn) => turn.content.push(result),
                    None => self.push("user", vec![result]),
                }
            }
            Message::Assistant { content, reasoning, tool_calls } => {
                let thought = reasoning.as_deref().filter(|thought| sends_reasoning && !thought.is_empty());
                let mut blocks = Vec::with_capacity(2 + tool_calls.len());
                blocks.extend(thought.map(|thinking| Block::Thinking { thinking, signature: "" }));
                blocks.extend(Block::text(content));
                for call in tool_calls {
                    blocks.push(Block::call(call)?);
                }
                self.push("assistant", blocks);
            }
        }
        Ok(())
    }

    fn push(&mut self, role: &'static str, content: Vec<Block<'a>>) {
        self.turns.push(Turn { role, content });
    }

    /// The last turn, if it holds results of tools and nothing else yet.
    fn turn_of_results(&mut self) -> Option<&mut Turn<'a>> {
        self.turns.last_mut().filter(|turn| matches!(turn.content.last(), Some(Block::ToolResult { .. })))
    }

    /// Where the client began the answer itself, the host refuses space at its end.
    fn trim_beginning_of_answer(&mut self) {
        if let Some(Turn { role: "assistant", content }) = self.turns.last_mut()
            && let Some(Block::Text { text }) = content.last_mut()
        {
            let end = text.trim_end().len();
            match text {
                Cow::Borrowed(text) => *text = &text[..end],
                Cow::Owned(text) => text.truncate(end),
            }
        }
    }
}
