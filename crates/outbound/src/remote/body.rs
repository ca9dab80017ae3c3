//! Spells a request in OpenAI's dialect and Z.ai's.

mod messages;
mod tools;

use inference::{
    ChatRequest, Effort, EngineError, Message, Part, ResponseFormat, Sampling, Thinking, ToolChoice,
};
use serde::Serialize;
use serde_json::Value;

use super::config::{Kind, PassThinking, RemoteConfig};
use messages::Messages;
use tools::Tools;

pub(super) use messages::bare_image_type;

/// The body of `POST chat/completions`. The host always streams, whatever our own caller wants: only then is
/// there anything to meter and to cancel.
pub(super) fn chat(config: &RemoteConfig, request: &ChatRequest) -> Result<Vec<u8>, EngineError> {
    check_parts(config.kind, &request.messages)?;
    let zai = config.kind == Kind::ZAi;
    let sampling = &request.sampling;
    let body = Body {
        model: &config.model,
        messages: Messages { config, messages: &request.messages },
        stream: true,
        stream_options: config.supports_usage_stream.then_some(StreamOptions {
            include_usage: true,
            continuous_usage_stats: config.supports_usage_continuous.then_some(true),
        }),
        tools: Tools(&request.tools),
        tool_choice: tool_choice(request),
        tool_stream: (zai && request.tool_stream && !request.tools.is_empty()).then_some(true),
        parallel_tool_calls: request.parallel_tool_calls.filter(|_| !request.tools.is_empty()),
        response_format: response_format(config, &request.format),
        do_sample: (zai && sampling.greedy).then_some(false),
        temperature: temperature(config.kind, sampling),
        top_p: sampling.top_p.filter(|_| !sampling.greedy),
        // A seed below zero comes in as the unsigned number of the same bits.
        seed: sampling.seed.map(u64::cast_signed),
        frequency_penalty: sampling.frequency_penalty,
        presence_penalty: sampling.presence_penalty,
        max_tokens: request.max_tokens,
        stop: &request.stop,
        logprobs: request.logprobs.map(|_| true),
        top_logprobs: request.logprobs,
        user: request.user_id.as_deref().filter(|_| !zai),
        user_id: request.user_id.as_deref().filter(|_| zai),
        thinking: pass_as_is(config, &request.thinking),
        reasoning_effort: match config.thinking {
            PassThinking::AsIs => request.thinking.effort.map(Effort::as_str),
            PassThinking::TemplateArguments | PassThinking::Adaptive | PassThinking::Omit => None,
        },
        chat_template_kwargs: template_arguments(config, &request.thinking),
    };
    to_json(&body)
}

/// The body of a token count: vLLM's `/tokenize`, llama-server's `/apply-template` and Z.ai's `/tokenizer`
/// all take these fields and ignore the others'.
pub(super) fn prompt_only(config: &RemoteConfig, request: &ChatRequest) -> Result<Vec<u8>, EngineError> {
    #[derive(Serialize)]
    struct PromptOnly<'a> {
        model: &'a str,
        messages: Messages<'a>,
        #[serde(skip_serializing_if = "Tools::is_empty")]
        tools: Tools<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        add_generation_prompt: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        chat_template_kwargs: Option<TemplateArguments>,
    }

    check_parts(config.kind, &request.messages)?;
    to_json(&PromptOnly {
        model: &config.model,
        messages: Messages { config, messages: &request.messages },
        tools: Tools(&request.tools),
        add_generation_prompt: (config.kind == Kind::OpenAi).then_some(true),
        chat_template_kwargs: template_arguments(config, &request.thinking),
    })
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Messages<'a>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Tools::is_empty")]
    tools: Tools<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Format<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    do_sample: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<ThinkingAsIs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_template_kwargs: Option<TemplateArguments>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    continuous_usage_stats: Option<bool>,
}

#[derive(Serialize)]
struct ThinkingAsIs {
    r#type: &'static str,
    clear_thinking: bool,
}

#[derive(Serialize)]
struct TemplateArguments {
    enable_thinking: bool,
    clear_thinking: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonObject,
    JsonSchema { json_schema: NamedSchema<'a> },
}

#[derive(Serialize)]
struct NamedSchema<'a> {
    name: &'a str,
    schema: &'a Value,
}

fn to_json(body: &impl Serialize) -> Result<Vec<u8>, EngineError> {
    serde_json::to_vec(body).map_err(|error| EngineError::Failed {
        reason: format!("the request cannot be written as JSON: {error}"),
    })
}

/// Refuses what the dialect has no words for; dropping it would answer another question.
fn check_parts(kind: Kind, messages: &[Message]) -> Result<(), EngineError> {
    let is_unknown = |part: &Part| matches!(part, Part::File { .. }) && kind == Kind::OpenAi;
    let parts = messages.iter().filter_map(|message| match message {
        Message::System { content } | Message::User { content } | Message::Tool { content, .. } => {
            Some(content)
        }
        Message::Assistant { .. } => None,
    });
    if parts.flatten().any(is_unknown) {
        return Err(EngineError::Unsupported {
            field: "messages",
            message: "this model takes no file parts".to_owned(),
        });
    }
    Ok(())
}

fn tool_choice(request: &ChatRequest) -> Option<Value> {
    if request.tools.is_empty() {
        return None;
    }
    match &request.tool_choice {
        // Said only when it differs: some hosts refuse an explicit `auto`.
        ToolChoice::Auto => None,
        ToolChoice::None => Some("none".into()),
        ToolChoice::Required => Some("required".into()),
        ToolChoice::Named(name) => Some(serde_json::json!({"type": "function", "function": {"name": name}})),
    }
}

fn response_format<'a>(config: &RemoteConfig, format: &'a ResponseFormat) -> Option<Format<'a>> {
    match format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonSchema { name, schema } if config.supports_json_schema => {
            Some(Format::JsonSchema { json_schema: NamedSchema { name, schema } })
        }
        ResponseFormat::JsonObject | ResponseFormat::JsonSchema { .. } => Some(Format::JsonObject),
    }
}

fn temperature(kind: Kind, sampling: &Sampling) -> Option<f32> {
    match (sampling.greedy, kind) {
        (true, Kind::ZAi) => None,
        (true, Kind::OpenAi | Kind::Anthropic) => Some(0.0),
        (false, _) => sampling.temperature,
    }
}

fn pass_as_is(config: &RemoteConfig, thinking: &Thinking) -> Option<ThinkingAsIs> {
    (config.thinking == PassThinking::AsIs).then_some(ThinkingAsIs {
        r#type: if thinking.enabled { "enabled" } else { "disabled" },
        clear_thinking: !thinking.preserved,
    })
}

fn template_arguments(config: &RemoteConfig, thinking: &Thinking) -> Option<TemplateArguments> {
    (config.thinking == PassThinking::TemplateArguments).then_some(TemplateArguments {
        enable_thinking: thinking.enabled,
        clear_thinking: !thinking.preserved,
        reasoning_effort: thinking.effort.map(Effort::as_str),
    })
}
