//! Token counts as they are printed (`anthropic-api.md` §12.1).

use serde::{Deserialize, Serialize};
use vocab::{Tokens, Usage};

/// `usage` of a message. The three input counts do not overlap: together they are the whole prompt, from which
/// clients compute how full the context is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageBody {
    /// Prompt tokens that had to be computed.
    pub input_tokens: Tokens,
    /// 0: nothing is charged for writing to the cache.
    pub cache_creation_input_tokens: Tokens,
    /// Prompt tokens taken from the context cache (rule CACHE-02).
    pub cache_read_input_tokens: Tokens,
    /// All output tokens, thinking included.
    pub output_tokens: Tokens,
    /// Parts of the output; left out when there was no thinking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_tokens_details: Option<OutputTokensDetails>,
    /// `standard`
    pub service_tier: String,
}

/// Parts of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputTokensDetails {
    /// Tokens spent on thinking (rule BILL-08).
    pub thinking_tokens: Tokens,
}

impl From<Usage> for UsageBody {
    fn from(usage: Usage) -> Self {
        let details = (usage.reasoning != Tokens::ZERO)
            .then_some(OutputTokensDetails { thinking_tokens: usage.reasoning });
        Self {
            input_tokens: usage.fresh_prompt,
            cache_creation_input_tokens: Tokens::ZERO,
            cache_read_input_tokens: usage.cached_prompt,
            output_tokens: usage.completion(),
            output_tokens_details: details,
            service_tier: "standard".to_owned(),
        }
    }
}
