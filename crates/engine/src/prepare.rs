//! Makes a job of a request: everything that can be refused is refused here, before the model is touched.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use inference::parser::{OutputParser, StopTexts};
use inference::prompt::{Prompt, PromptError};
use inference::{ChatRequest, EngineError, Message, Part, ResponseFormat};
use tokio::sync::mpsc;
use vocab::Tokens;

use crate::grammar::{constraint, takes_one_call};
use crate::load::LoadedModel;
use crate::output::Output;
use crate::prefix::Owner;
use crate::sampler::TokenSampler;
use crate::settings::Settings;
use crate::slot::{Job, Outbox, Place};

/// The most alternatives reported for a token.
const TOP_LOGPROBS_MAX: u8 = 20;

pub(crate) type Events = mpsc::Sender<Result<inference::ChatEvent, EngineError>>;

/// Renders, tokenises and compiles what `request` needs. Takes up to seconds for a very long prompt: not for
/// an event loop.
pub(crate) fn job(
    model: &LoadedModel,
    settings: &Settings,
    request: &ChatRequest,
    events: Events,
    place: Place,
) -> Result<Job, EngineError> {
    let stops = StopTexts::new(&request.stop)
        .map_err(|invalid| EngineError::Unsupported { field: "stop", message: invalid.to_string() })?;
    let prompt = render(model, request)?;
    let tokens = model.vocabulary.tokenise(&prompt, model.window)?;
    if tokens.is_empty() {
        return Err(EngineError::Failed { reason: "the chat template rendered nothing".into() });
    }

    let constraint = constraint(request, model.dialect, prompt.thinking)?;
    let seed = RandomState::new().hash_one(0);
    let sampler = TokenSampler::new(&model.basis, settings, &request.sampling, constraint.as_ref(), seed)
        .map_err(|bad| EngineError::Unsupported {
            field: if request.tools.is_empty() { "response_format" } else { "tools" },
            message: bad.to_string(),
        })?;
    let mut parser = OutputParser::new(model.dialect.generation, prompt.thinking, offered(request));
    if request.format != ResponseFormat::Text {
        parser = parser.expecting_json();
    }
    let calls_max = if takes_one_call(request) { 1 } else { usize::MAX };
    let tokens_max = request.max_tokens.unwrap_or(settings.output_tokens_max).min(settings.output_tokens_max);

    Ok(Job {
        owner: Owner::of(&request.cache_scope.0),
        prompt_tokens: tokens.len(),
        blocks_end: tokens.len() - tokens.len() % settings.cache.block_tokens.max(1) as usize,
        tokens,
        cached: None,
        sampler,
        output: Output::new(parser, stops, calls_max),
        tokens_max: u64::from(tokens_max.max(1)),
        logprobs: request.logprobs.map(|top| usize::from(top.min(TOP_LOGPROBS_MAX))),
        outbox: Outbox::new(events, place),
        has_started: false,
    })
}

#[cfg(test)]
pub(crate) fn tokens(
    model: &LoadedModel,
    request: &ChatRequest,
) -> Result<Vec<crate::prefix::Token>, EngineError> {
    Ok(model.vocabulary.tokenise(&render(model, request)?, model.window)?)
}

/// Counts the tokens of the rendered prompt.
pub(crate) fn count(model: &LoadedModel, request: &ChatRequest) -> Result<Tokens, EngineError> {
    render(model, request).map(|prompt| model.vocabulary.count(&prompt))
}

/// Refuses pictures, films, files and sound before a model is loaded for them.
pub(crate) fn refuse_media(request: &ChatRequest) -> Result<(), EngineError> {
    let parts = request.messages.iter().flat_map(|message| match message {
        Message::System { content } | Message::User { content } | Message::Tool { content, .. } => {
            content.as_slice()
        }
        Message::Assistant { .. } => &[],
    });
    for part in parts {
        let kind = match part {
            Part::Text { .. } => continue,
            Part::Image { .. } => "images",
            Part::Video { .. } => "videos",
            Part::File { .. } => "files",
            Part::Audio { .. } => "sound",
        };
        let message = format!("this model takes text only, and the request has {kind}");
        return Err(EngineError::Unsupported { field: "messages", message });
    }
    Ok(())
}

/// The tools that calls are read with: none where none may be called.
fn offered(request: &ChatRequest) -> &[inference::Tool] {
    match request.tool_choice {
        inference::ToolChoice::None => &[],
        _ => &request.tools,
    }
}

fn render(model: &LoadedModel, request: &ChatRequest) -> Result<Prompt, EngineError> {
    model.renderer.render(request).map_err(|error| match error {
        PromptError::Media { .. }
        | PromptError::Refused { .. }
        | PromptError::TooLong
        // More turns than the template can walk through.
        | PromptError::Endless => {
            EngineError::Unsupported { field: "messages", message: error.to_string() }
        }
        _ => EngineError::Failed { reason: error.to_string() },
    })
}
