//! `POST tokenizer` (`http-api.md` §10). Its request is a [`ChatCompletionRequest`](super::ChatCompletionRequest).

use serde::{Deserialize, Serialize};
use vocab::Tokens;

use super::chat_response::AnswerHead;

/// How many tokens a conversation has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCount {
    /// Unix time in seconds.
    pub created: i64,
    /// The server's id.
    pub id: String,
    /// The client's id, or the server's.
    pub request_id: String,
    /// The count.
    pub usage: TokenCountUsage,
}

/// The count, by kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCountUsage {
    /// The whole rendered prompt with its role markers, as chat counts it; pictures and films are part of it.
    pub prompt_tokens: Tokens,
    /// What pictures take of it; left out if it is not known apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_tokens: Option<Tokens>,
    /// What films take of it; left out if it is not known apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video_tokens: Option<Tokens>,
    /// The same as `prompt_tokens`: nothing is generated.
    pub total_tokens: Tokens,
}

impl TokenCount {
    /// The answer for a prompt of `tokens`. Of a prompt with pictures or films (`has_media`) it is not known
    /// which tokens are theirs; of any other it is known that none are.
    pub fn new(head: &AnswerHead, tokens: Tokens, has_media: bool) -> Self {
        let of_media = (!has_media).then_some(Tokens::ZERO);
        Self {
            created: head.created.as_secs(),
            id: head.id.as_str().to_owned(),
            request_id: head.request_id().to_owned(),
            usage: TokenCountUsage {
                prompt_tokens: tokens,
                image_tokens: of_media,
                video_tokens: of_media,
                total_tokens: tokens,
            },
        }
    }
}
