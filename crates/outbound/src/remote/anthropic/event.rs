//! What hosts put into an event of a message, read without building a tree.

use serde::Deserialize;
use serde_json::value::RawValue;
use vocab::Tokens;

use crate::remote::chunk::{Count, Text, known};
use crate::remote::meter::HostFigures;

/// An event of a stream, a whole message, or an error in the place of either. Which fields are there depends on
/// `type`, and what another type makes of them is nobody's business: hence raw.
#[derive(Debug, Deserialize)]
pub(super) struct Event<'a> {
    #[serde(borrow, default, rename = "type")]
    pub kind: Option<Text<'a>>,
    #[serde(default)]
    pub index: Option<u32>,
    /// `message_start`: the message before its content.
    #[serde(borrow, default)]
    pub message: Option<&'a RawValue>,
    /// `content_block_start`: the block before its content.
    #[serde(borrow, default)]
    pub content_block: Option<&'a RawValue>,
    /// `content_block_delta` and `message_delta`.
    #[serde(borrow, default)]
    pub delta: Option<&'a RawValue>,
    /// `message_delta`, and a whole message.
    #[serde(default)]
    pub usage: Option<Figures>,
    /// A whole message.
    #[serde(borrow, default)]
    pub content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub stop_reason: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub stop_sequence: Option<Text<'a>>,
}

/// The part of `message_start` that says something.
#[derive(Debug, Deserialize)]
pub(super) struct Opening {
    #[serde(default)]
    pub usage: Option<Figures>,
}

/// A block: empty where a stream begins it, complete in a whole message.
#[derive(Debug, Deserialize)]
pub(super) struct Block<'a> {
    #[serde(borrow, default, rename = "type")]
    pub kind: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub text: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub thinking: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub signature: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub input: Option<&'a RawValue>,
    /// What a server tool found.
    #[serde(borrow, default)]
    pub content: Option<&'a RawValue>,
}

/// A piece of a block.
#[derive(Debug, Deserialize)]
pub(super) struct BlockDelta<'a> {
    #[serde(borrow, default)]
    pub text: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub thinking: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub signature: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub partial_json: Option<Text<'a>>,
}

/// Why a message ended.
#[derive(Debug, Deserialize)]
pub(super) struct Ending<'a> {
    #[serde(borrow, default)]
    pub stop_reason: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub stop_sequence: Option<Text<'a>>,
}

/// One page that a host's own search found.
#[derive(Debug, Deserialize)]
pub(super) struct SearchResult<'a> {
    #[serde(borrow, default)]
    pub title: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub url: Option<Text<'a>>,
}

/// Counts as this dialect reports them: the three kinds of input add up to the prompt.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Figures {
    #[serde(default)]
    input_tokens: Option<Count>,
    #[serde(default)]
    cache_read_input_tokens: Option<Count>,
    #[serde(default)]
    cache_creation_input_tokens: Option<Count>,
    #[serde(default)]
    output_tokens: Option<Count>,
    #[serde(default)]
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct OutputDetails {
    #[serde(default)]
    thinking_tokens: Option<Count>,
}

impl Figures {
    /// The figures of `message_start`: its count of output is a placeholder.
    pub fn of_prompt(self) -> HostFigures {
        HostFigures { completion: None, reasoning: None, ..self.into() }
    }
}

impl From<Figures> for HostFigures {
    fn from(figures: Figures) -> Self {
        let cached = known(figures.cache_read_input_tokens).unwrap_or_default();
        let fresh = [figures.input_tokens, figures.cache_creation_input_tokens];
        let prompt: Tokens = fresh.into_iter().filter_map(known).sum::<Tokens>() + cached;
        Self {
            prompt: Some(prompt).filter(|prompt| *prompt > Tokens::ZERO),
            cached,
            completion: known(figures.output_tokens),
            reasoning: figures.output_tokens_details.and_then(|details| known(details.thinking_tokens)),
        }
    }
}
