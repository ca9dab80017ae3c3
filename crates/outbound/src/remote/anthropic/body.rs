//! Spells a request as `POST messages` takes it.

use inference::{ChatRequest, EngineError, Original};
use serde::Serialize;

use super::blocks::Block;
use super::conversation::{Conversation, Turn};
use super::options::{self, ChoiceBody, OutputConfig, SamplingBody, ThinkingBody, ToolBody};
use super::{betas, original};
use crate::remote::Question;
use crate::remote::config::RemoteConfig;

/// The body of `POST messages`. The host always streams, whatever our own caller wants: only then is there anything
/// to meter and to cancel.
pub(in crate::remote) fn chat(config: &RemoteConfig, request: &ChatRequest) -> Result<Question, EngineError> {
    let max_tokens = options::max_tokens(request);
    if let Some(Original::Messages(body)) = &request.original {
        return original::chat(config, body, max_tokens).map(question);
    }
    if request.logprobs.is_some() {
        return Err(EngineError::Unsupported {
            field: "logprobs",
            message: "this model tells no log probabilities".to_owned(),
        });
    }
    let thinking = options::thinking(config, request);
    let body = Body {
        max_tokens: Some(max_tokens),
        stream: Some(true),
        sampling: options::sampling(config, request, thinking),
        stop_sequences: &request.stop,
        metadata: request.user_id.as_deref().map(|user_id| Metadata { user_id }),
        ..Body::of_prompt(config, request)?
    };
    to_json(&body).map(question)
}

/// The body of `POST messages/count_tokens`.
pub(in crate::remote) fn prompt_only(
    config: &RemoteConfig,
    request: &ChatRequest,
) -> Result<Question, EngineError> {
    match &request.original {
        Some(Original::Messages(body)) => original::prompt_only(config, body),
        None => to_json(&Body::of_prompt(config, request)?),
    }
    .map(question)
}

fn question(body: Vec<u8>) -> Question {
    Question { betas: betas::needed_by(&body), body: body.into() }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<ChoiceBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<ThinkingBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(flatten)]
    sampling: SamplingBody,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}

impl<'a> Body<'a> {
    /// The fields that become part of the prompt.
    fn of_prompt(config: &'a RemoteConfig, request: &'a ChatRequest) -> Result<Self, EngineError> {
        let Conversation { mut system, turns } =
            Conversation::new(&request.messages, config.sends_reasoning)?;
        system.extend(options::form_in_words(config, &request.format).and_then(Block::text));
        Ok(Self {
            model: &config.model,
            max_tokens: None,
            stream: None,
            system,
            messages: turns,
            tools: options::tools(&request.tools),
            tool_choice: options::tool_choice(request),
            thinking: options::thinking(config, request),
            output_config: options::output_config(config, request),
            sampling: SamplingBody::default(),
            stop_sequences: &[],
            metadata: None,
        })
    }
}

pub(super) fn to_json(body: &impl Serialize) -> Result<Vec<u8>, EngineError> {
    serde_json::to_vec(body).map_err(|error| unwritable(&error))
}

pub(super) fn unwritable(error: &serde_json::Error) -> EngineError {
    EngineError::Failed { reason: format!("the request cannot be written as JSON: {error}") }
}
