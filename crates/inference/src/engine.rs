use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use futures::Stream;
use vocab::Tokens;

use crate::{ChatEvent, ChatRequest};

/// The events of one answer. Dropping it cancels the work behind it.
pub type ChatStream = Pin<Box<dyn Stream<Item = Result<ChatEvent, EngineError>> + Send>>;

/// Something that runs chat models: the embedded engine, or a host elsewhere.
#[async_trait]
pub trait ChatEngine: Send + Sync + 'static {
    /// What this engine runs and how much of it. Cheap: it is read for every request.
    fn describe(&self) -> EngineDescription;

    /// Starts an answer. Everything that can be refused is refused here, before the first event; so an
    /// `Err` means that nothing was generated and another engine may be asked.
    async fn chat(&self, request: ChatRequest) -> Result<ChatStream, EngineError>;

    /// Counts the tokens of the whole rendered prompt, as `chat` would.
    async fn count_tokens(&self, request: &ChatRequest) -> Result<Tokens, EngineError>;

    /// How many of the request's first tokens the engine holds in its cache, as far as it can tell without
    /// work. Used for routing only.
    fn cached_prefix(&self, _request: &ChatRequest) -> Tokens {
        Tokens::ZERO
    }

    /// Whether requests sent now have a chance of being answered.
    fn is_healthy(&self) -> bool {
        true
    }
}

/// What an engine says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineDescription {
    /// The operator's name for it, unique in the configuration.
    pub name: String,
    /// What really runs, for the `x-azimuth-model` header: a file name or the host's own model name.
    pub runs: String,
    /// The longest prompt and answer together, if known.
    pub context_window: Option<Tokens>,
    /// Requests under way.
    pub in_flight: usize,
    /// The most requests it takes at once.
    pub capacity: Option<usize>,
    /// Whether the answer is constrained to the asked-for JSON form while it is decoded, so that it need not
    /// be checked afterwards.
    pub constrains_json: bool,
}

/// Why an engine did not answer, or stopped answering.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EngineError {
    /// The prompt does not fit.
    #[error(transparent)]
    ContextOverflow(#[from] Overflow),
    /// The request asks for something this engine or model cannot do.
    #[error("{message}")]
    Unsupported {
        /// The request's field.
        field: &'static str,
        /// A sentence for the caller.
        message: String,
    },
    /// A host refused the request as wrong.
    #[error("the engine refused the request: {message}")]
    Rejected {
        /// The host's own words, cut and cleaned.
        message: String,
    },
    /// Its queue is full, or a host answered 429.
    #[error("the engine is busy")]
    Busy {
        /// When to try again, if known.
        retry_after: Option<Duration>,
    },
    /// A host refused our credentials: the operator's mistake, not the caller's.
    #[error("the engine refused our credentials")]
    Unauthorized,
    /// It could not be reached, or is loading, or has been taken out.
    #[error("the engine cannot be reached: {reason}")]
    Unavailable {
        /// For the operator; never shown to callers.
        reason: String,
    },
    /// It took too long.
    #[error("the engine did not answer in time: {reason}")]
    TimedOut {
        /// Which of the limits passed.
        reason: String,
    },
    /// It failed in the middle of its work.
    #[error("the engine failed: {reason}")]
    Failed {
        /// For the operator; never shown to callers.
        reason: String,
    },
}

impl EngineError {
    /// Whether another engine might do better with the same request.
    pub fn is_worth_retrying_elsewhere(&self) -> bool {
        match self {
            Self::Busy { .. }
            | Self::Unauthorized
            | Self::Unavailable { .. }
            | Self::TimedOut { .. }
            | Self::Failed { .. } => true,
            Self::ContextOverflow(_) | Self::Unsupported { .. } | Self::Rejected { .. } => false,
        }
    }
}

/// A prompt that does not fit the context window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the prompt has {prompt} tokens and the context window {window}")]
pub struct Overflow {
    /// Tokens of the prompt.
    pub prompt: Tokens,
    /// Tokens of the window.
    pub window: Tokens,
}
