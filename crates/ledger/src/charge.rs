use serde::{Deserialize, Serialize};
use vocab::{NanoUsd, Tokens};

/// What a request costs, line by line. The same usage at the same prices always gives the same lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// One line for everything that was used, free things included.
    pub lines: Vec<Line>,
    /// The sum of the lines.
    pub total: NanoUsd,
    /// The price book the prices are from.
    pub version: i64,
}

/// So many of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Of what.
    pub item: Item,
    /// How many.
    pub quantity: u64,
    /// What one costs.
    pub unit_price: NanoUsd,
    /// What they cost: exactly `quantity` times `unit_price`.
    pub amount: NanoUsd,
}

/// A thing that has a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// A prompt token that had to be computed.
    FreshInput,
    /// A prompt token from the context cache.
    CachedInput,
    /// An output token of thinking.
    Reasoning,
    /// An output token of the answer.
    Answer,
    /// A token of an agent or of speech, in or out.
    Token,
    /// A prompt token kept in the context cache.
    CachedStorage,
    /// An image.
    Image,
    /// A video.
    Video,
    /// A second of speech.
    SpeechSecond,
    /// A web search.
    WebSearch,
    /// A page that was read.
    WebReader,
    /// A call of the tokenizer.
    Tokenizer,
}

/// What a request used beside the tokens of its model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Extras {
    /// Images made.
    pub images: u64,
    /// Videos made.
    pub videos: u64,
    /// Seconds of speech heard; a second that was begun counts.
    pub speech_seconds: u64,
    /// Web searches, within a chat or alone.
    pub web_searches: u64,
    /// Pages read.
    pub web_pages: u64,
    /// Calls of the tokenizer.
    pub tokenizer_calls: u64,
    /// Prompt tokens put into the context cache.
    pub cached_storage: Tokens,
}

/// A request costs more than money can count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request is too large to price")]
pub struct Unpriceable;

impl Line {
    /// The line for `quantity` of `item` at `unit_price`.
    pub(crate) fn new(item: Item, quantity: u64, unit_price: NanoUsd) -> Result<Self, Unpriceable> {
        let amount = times(unit_price, quantity)?;
        Ok(Self { item, quantity, unit_price, amount })
    }
}

impl Charge {
    /// Adds the lines up; those of nothing are left out.
    pub(crate) fn of(mut lines: Vec<Line>, version: i64) -> Result<Self, Unpriceable> {
        lines.retain(|line| line.quantity > 0);
        let total = NanoUsd::checked_sum(lines.iter().map(|line| line.amount)).ok_or(Unpriceable)?;
        Ok(Self { lines, total, version })
    }
}

/// What is free stays free however much of it is used.
pub(crate) fn times(unit_price: NanoUsd, quantity: u64) -> Result<NanoUsd, Unpriceable> {
    if unit_price == NanoUsd::ZERO {
        return Ok(NanoUsd::ZERO);
    }
    unit_price.checked_mul(quantity).ok_or(Unpriceable)
}
