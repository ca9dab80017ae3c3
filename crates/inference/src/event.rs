use serde::{Deserialize, Serialize};
use vocab::{Tokens, Usage};

/// What an engine says while it answers, in this order:
/// `Started`, then `Reasoning`, `Content` and tool calls as they come, then one `Finished`.
///
/// A stream that ends without `Finished` was broken off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatEvent {
    /// The prompt was taken on; it may still have to be read. Engines that learn the counts later send this early with
    /// what they know, or not at all.
    Started {
        /// All tokens of the prompt.
        prompt: Tokens,
        /// How many of them came from the context cache.
        cached: Tokens,
    },
    /// A further piece of the thinking.
    Reasoning(String),
    /// What a host wants back with the thinking so far, to know it again. Opaque, and never checked here.
    Signature(String),
    /// A further piece of the answer.
    Content(String),
    /// A tool call begins. `index` counts calls from 0; every later event of the call repeats it.
    ToolCallStarted {
        /// Position among the calls of this answer.
        index: u32,
        /// The id to send back with the result.
        id: String,
        /// The function's name, complete.
        name: String,
    },
    /// A further piece of a call's arguments; together the pieces are one JSON object.
    ToolCallArguments {
        /// Position among the calls of this answer.
        index: u32,
        /// JSON text.
        fragment: String,
    },
    /// The call is complete.
    ToolCallFinished {
        /// Position among the calls of this answer.
        index: u32,
    },
    /// Log probabilities of output tokens, if they were asked for.
    Logprobs(Vec<TokenLogprob>),
    /// Running figures. They replace earlier ones and never fall.
    Usage(Usage),
    /// The stop text that ended the answer, just before `Finished`, from engines that know which it was.
    StopMet(String),
    /// The answer is complete.
    Finished {
        /// Why it ended.
        reason: FinishReason,
        /// Final figures.
        usage: Usage,
    },
}

/// Why an answer ended (`http-api.md` §2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The model was done, or a stop text was met.
    Stop,
    /// The model waits for the results of its tool calls.
    ToolCalls,
    /// `max_tokens` were generated.
    Length,
    /// The context window was full.
    ModelContextWindowExceeded,
    /// A content filter stepped in.
    Sensitive,
    /// The engine failed after the answer had begun (rule ERR-05).
    NetworkError,
}

impl FinishReason {
    /// The word used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::ToolCalls => "tool_calls",
            Self::Length => "length",
            Self::ModelContextWindowExceeded => "model_context_window_exceeded",
            Self::Sensitive => "sensitive",
            Self::NetworkError => "network_error",
        }
    }
}

/// One output token with its log probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenLogprob {
    /// The token's text; bytes that are no whole character are replaced.
    pub token: String,
    /// The token's bytes.
    pub bytes: Vec<u8>,
    /// Natural logarithm of its probability.
    pub logprob: f32,
    /// The likeliest tokens at this place, best first.
    pub top: Vec<TopLogprob>,
}

/// A token that could have come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopLogprob {
    /// The token's text; bytes that are no whole character are replaced.
    pub token: String,
    /// The token's bytes.
    pub bytes: Vec<u8>,
    /// Natural logarithm of its probability.
    pub logprob: f32,
}
