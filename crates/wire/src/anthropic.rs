//! The Anthropic Messages dialect: `/api/anthropic/**` (`anthropic-api.md`).

mod anything;
mod block;
mod block_sequence;
mod conversation;
mod error_envelope;
mod event_writer;
mod message;
mod messages_request;
mod models;
mod output;
mod parts;
mod published_tools;
mod server_results;
mod stop_reason;
mod system;
mod token_count;
mod tool_input;
mod tools;
mod usage;

pub use error_envelope::{EnvelopeError, ErrorEnvelope};
pub use event_writer::EventWriter;
pub use message::{Collector, ContentBlock, Message, MessageHead};
pub use messages_request::{MessageOptions, MessagesRequest};
pub use models::{ModelInfo, ModelPage};
pub use stop_reason::StopReason;
pub use token_count::TokenCount;
pub use tools::{ServerTool, ServerToolKind};
pub use usage::{OutputTokensDetails, UsageBody};
