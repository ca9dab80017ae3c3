//! Why a message ended, in this dialect's words (`anthropic-api.md` §12.2).

use inference::FinishReason;
use serde::{Deserialize, Serialize};

/// `stop_reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The model was done.
    EndTurn,
    /// One of `stop_sequences` was met.
    StopSequence,
    /// The model waits for the results of its tool calls.
    ToolUse,
    /// `max_tokens` were generated.
    MaxTokens,
    /// The context window was full.
    ModelContextWindowExceeded,
    /// A content filter stepped in.
    Refusal,
}

/// What a message holds in the way of tool calls when it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Calls {
    /// None that is complete.
    #[default]
    None,
    /// One or more, all complete.
    Whole,
    /// The last one was cut off after a part of it had been sent.
    CutOff,
}

impl StopReason {
    /// The word used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EndTurn => "end_turn",
            Self::StopSequence => "stop_sequence",
            Self::ToolUse => "tool_use",
            Self::MaxTokens => "max_tokens",
            Self::ModelContextWindowExceeded => "model_context_window_exceeded",
            Self::Refusal => "refusal",
        }
    }

    /// What `reason` is called. Whole calls say `tool_use` whatever the engine said, because clients run what they
    /// find; a call that was cut off must not be run. `None` if the answer was broken off, for which this dialect
    /// has no reason but an error.
    pub(super) fn of(reason: FinishReason, calls: Calls, met_stop_text: bool) -> Option<Self> {
        match reason {
            FinishReason::NetworkError => None,
            _ if calls == Calls::Whole => Some(Self::ToolUse),
            FinishReason::Stop if met_stop_text => Some(Self::StopSequence),
            FinishReason::Stop | FinishReason::ToolCalls => Some(Self::EndTurn),
            FinishReason::Length => Some(Self::MaxTokens),
            FinishReason::ModelContextWindowExceeded => Some(Self::ModelContextWindowExceeded),
            FinishReason::Sensitive => Some(Self::Refusal),
        }
    }
}
