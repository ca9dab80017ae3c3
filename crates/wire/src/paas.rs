//! The Z.ai / OpenAI dialect: `/api/paas/v4/**` and its coding-plan twin (`http-api.md`).

mod async_result;
mod chat_chunk;
mod chat_request;
mod chat_response;
mod content;
mod messages;
mod models;
mod not_found;
mod pending_calls;
mod sampling;
mod tokenizer;
mod tools;
mod usage;

pub use async_result::{AsyncResult, TaskStatus};
pub use chat_chunk::ChunkWriter;
pub use chat_request::{ChatCompletionRequest, ChatOptions, ClearThinkingDefault};
pub use chat_response::{
    AnswerHead, AnswerMessage, AnswerToolCall, CalledFunction, ChatCompletion, Choice, Collector, Logprobs,
};
pub use models::{ModelEntry, ModelList};
pub use not_found::{NotFound, UnknownPath};
pub use tokenizer::{TokenCount, TokenCountUsage};
pub use usage::{CompletionTokensDetails, PromptTokensDetails, UsageBody};
