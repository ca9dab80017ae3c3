//! Token counts as they are printed.

use serde::{Deserialize, Serialize};
use vocab::{Tokens, Usage};

/// `usage` of a chat answer (`http-api.md` §2.5). The counts overlap: cached tokens are part of the prompt and
/// reasoning is part of the completion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageBody {
    /// All prompt tokens.
    pub prompt_tokens: Tokens,
    /// All output tokens, thinking included.
    pub completion_tokens: Tokens,
    /// Both together.
    pub total_tokens: Tokens,
    /// Parts of the prompt.
    pub prompt_tokens_details: PromptTokensDetails,
    /// Parts of the completion; left out when there was no thinking.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_tokens_details: Option<CompletionTokensDetails>,
}

/// Parts of the prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptTokensDetails {
    /// Tokens taken from the context cache (rule CACHE-02).
    pub cached_tokens: Tokens,
}

/// Parts of the completion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletionTokensDetails {
    /// Tokens spent on thinking (rule BILL-08).
    pub reasoning_tokens: Tokens,
}

impl From<Usage> for UsageBody {
    fn from(usage: Usage) -> Self {
        let reasoning = (usage.reasoning != Tokens::ZERO)
            .then_some(CompletionTokensDetails { reasoning_tokens: usage.reasoning });
        Self {
            prompt_tokens: usage.prompt(),
            completion_tokens: usage.completion(),
            total_tokens: usage.total(),
            prompt_tokens_details: PromptTokensDetails { cached_tokens: usage.cached_prompt },
            completion_tokens_details: reasoning,
        }
    }
}
