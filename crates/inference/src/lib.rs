//! What is asked of a model and what comes back, and the text that GLM models read and write.
//!
//! Everything here is pure: requests, events, the prompt renderer and the output parser know nothing of
//! sockets or hardware. Whatever runs a model implements [`ChatEngine`].

mod engine;
mod event;
mod prompt_ceiling;
mod request;
mod tool_call_id;

pub mod parser;
pub mod prompt;

pub use engine::{ChatEngine, ChatStream, EngineDescription, EngineError, Overflow};
pub use event::{ChatEvent, FinishReason, TokenLogprob, TopLogprob};
pub use request::{
    CacheScope, ChatRequest, Effort, Message, Original, Part, ResponseFormat, Sampling, Thinking, Tool,
    ToolCall, ToolChoice,
};
pub use tool_call_id::tool_call_id;
