//! Content blocks, as sent (`anthropic-api.md` §5.2).
//!
//! One struct holds what all kinds of block have, because a block of an unknown kind is dropped and not refused,
//! whatever its fields hold.

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess};
use serde_json::value::RawValue;

use super::anything::{self, Anything};
use crate::BadRequest;

/// What stands where content may: a text, a list of blocks, or, in results of server tools, one object.
#[derive(Debug)]
pub(super) enum Content {
    Text(String),
    Blocks(Vec<Block>),
    Object(Block),
    Other,
}

/// One content block.
#[derive(Debug, Default)]
pub(super) struct Block(Box<BlockBody>);

#[derive(Debug, Default, Deserialize)]
pub(super) struct BlockBody {
    #[serde(rename = "type")]
    kind: Option<Loose>,
    pub text: Option<Loose>,
    pub thinking: Option<Loose>,
    pub id: Option<Loose>,
    pub name: Option<Loose>,
    /// As it was written, so that no digit of a number is lost.
    pub input: Option<Box<RawValue>>,
    pub tool_use_id: Option<Loose>,
    pub content: Option<Content>,
    pub is_error: Option<Loose>,
    pub tool_name: Option<Loose>,
    pub source: Option<Source>,
    pub title: Option<Loose>,
    pub context: Option<Loose>,
    pub url: Option<Loose>,
    pub encrypted_content: Option<Loose>,
}

/// Where a picture or document is, or what it is.
#[derive(Debug)]
pub(super) enum Source {
    /// Of a `search_result`.
    Address(String),
    Object(Box<SourceBody>),
    Other,
}

#[derive(Debug, Deserialize)]
pub(super) struct SourceBody {
    pub media_type: Option<Loose>,
    /// Base64, or the text itself where `type` is `text`.
    pub data: Option<Loose>,
    pub url: Option<Loose>,
    pub content: Option<Content>,
    #[serde(rename = "type")]
    kind: Option<Loose>,
}

/// A text or a boolean, or something else, which only matters where a text is needed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Loose {
    Text(String),
    Flag(bool),
    Other,
}

impl Block {
    /// Its kind and its fields. The kind is empty if there is none.
    pub fn into_parts(self) -> (String, BlockBody) {
        let mut body = *self.0;
        (text_of(body.kind.take()).unwrap_or_default(), body)
    }

    /// 1213 for a block without a field that its kind needs, 1210 if that is no text; `at` is the block's path.
    pub fn check_required(&self, at: impl Fn() -> String) -> Result<(), BadRequest> {
        let Self(body) = self;
        let needed: &[(&str, &Option<Loose>)] = match &body.kind {
            Some(Loose::Text(kind)) => match kind.as_str() {
                "text" => &[("text", &body.text)],
                "tool_use" => &[("id", &body.id), ("name", &body.name)],
                "tool_result" => &[("tool_use_id", &body.tool_use_id)],
                _ => &[],
            },
            _ => &[("type", &body.kind)],
        };
        needed.iter().try_for_each(|(field, value)| match value {
            Some(Loose::Text(_)) => Ok(()),
            Some(_) => Err(BadRequest::mistyped(&format!("{}.{field}", at()), "expected a text")),
            None => Err(BadRequest::missing(format!("{}.{field}", at()))),
        })
    }
}

impl SourceBody {
    /// Whether `data` is the text itself.
    pub fn is_plain_text(&self) -> bool {
        matches!(&self.kind, Some(Loose::Text(kind)) if kind == "text")
    }
}

impl Content {
    /// The blocks, where there are such.
    pub fn blocks(&self) -> &[Block] {
        match self {
            Self::Blocks(blocks) => blocks,
            Self::Object(block) => std::slice::from_ref(block),
            Self::Text(_) | Self::Other => &[],
        }
    }

    /// A bare text is one block.
    pub fn into_blocks(self) -> Vec<Block> {
        match self {
            Self::Text(text) => vec![Block::from_text(text)],
            Self::Blocks(blocks) => blocks,
            Self::Object(block) => vec![block],
            Self::Other => Vec::new(),
        }
    }
}

/// The text of an optional field, if it is there and is one.
pub(super) fn text_of(field: Option<Loose>) -> Option<String> {
    match field {
        Some(Loose::Text(text)) => Some(text),
        _ => None,
    }
}

impl<'de> Anything<'de> for Block {
    fn other() -> Self {
        Self::default()
    }

    // Some programs put bare texts among the blocks.
    fn from_text(text: String) -> Self {
        let kind = Some(Loose::Text("text".to_owned()));
        Self(Box::new(BlockBody { kind, text: Some(Loose::Text(text)), ..BlockBody::default() }))
    }

    fn from_object<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        BlockBody::deserialize(MapAccessDeserializer::new(object)).map(|body| Self(Box::new(body)))
    }
}

impl<'de> Anything<'de> for Content {
    fn other() -> Self {
        Self::Other
    }

    fn from_text(text: String) -> Self {
        Self::Text(text)
    }

    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Self::Blocks)
    }

    fn from_object<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        Block::from_object(object).map(Self::Object)
    }
}

impl<'de> Anything<'de> for Source {
    fn other() -> Self {
        Self::Other
    }

    fn from_text(text: String) -> Self {
        Self::Address(text)
    }

    fn from_object<A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        SourceBody::deserialize(MapAccessDeserializer::new(object)).map(|body| Self::Object(Box::new(body)))
    }
}

impl Anything<'_> for Loose {
    fn other() -> Self {
        Self::Other
    }

    fn from_text(text: String) -> Self {
        Self::Text(text)
    }

    fn from_flag(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        anything::read(deserializer)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        anything::read(deserializer)
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        anything::read(deserializer)
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        anything::read(deserializer)
    }
}
