//! `POST messages/count_tokens` (`anthropic-api.md` §9). Its request is a
//! [`MessagesRequest`](super::MessagesRequest) without `max_tokens`.

use serde::{Deserialize, Serialize};
use vocab::Tokens;

/// How many tokens a conversation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCount {
    /// The whole rendered prompt with its role markers and tools.
    pub input_tokens: Tokens,
}
