//! Anthropic's dialect: Messages.

mod betas;
mod blocks;
mod body;
mod conversation;
mod event;
mod message_reader;
mod options;
mod original;
mod raw_object;

pub(super) use body::{chat, prompt_only};
pub(super) use message_reader::MessageReader;

/// The version of the dialect; there has been no other since.
pub(super) const VERSION: &str = "2023-06-01";
