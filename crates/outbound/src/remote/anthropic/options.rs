//! What a request says beside its messages.

use std::borrow::Cow;

use inference::{ChatRequest, Effort, ResponseFormat, Tool, ToolChoice};
use serde::Serialize;
use serde_json::{Value, json};

use crate::remote::config::{PassThinking, RemoteConfig};

/// The output that is allowed where nobody said how much: the dialect must be told, and every model has so much.
const MAX_TOKENS_DEFAULT: u32 = 8_192;
/// The least that the host lets a model think.
const BUDGET_MIN: u32 = 1024;

/// A function that may be called, as sent.
#[derive(Debug, Serialize)]
pub(super) struct ToolBody<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: Cow<'a, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

/// Which tool must be called, as sent.
#[derive(Debug, Serialize)]
pub(super) struct ChoiceBody<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

/// How to think, as sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ThinkingBody {
    Enabled { budget_tokens: u32 },
    Adaptive,
    Disabled,
}

/// How to answer, as sent.
#[derive(Debug, Serialize)]
pub(super) struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'a>>,
}

#[derive(Debug, Serialize)]
struct Format<'a> {
    r#type: &'static str,
    schema: &'a Value,
}

/// How the next token is drawn, as sent.
#[derive(Debug, Default, Serialize)]
pub(super) struct SamplingBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f32>,
}

pub(super) fn max_tokens(request: &ChatRequest) -> u32 {
    request.max_tokens.unwrap_or(MAX_TOKENS_DEFAULT)
}

pub(super) fn tools(tools: &[Tool]) -> Vec<ToolBody<'_>> {
    let bodies = tools.iter().map(|tool| ToolBody {
        name: &tool.name,
        description: tool.description.as_deref(),
        input_schema: schema(tool),
        strict: tool.strict,
    });
    bodies.collect()
}

/// The host requires a schema, and one that says of itself that it is an object's.
fn schema(tool: &Tool) -> Cow<'_, Value> {
    match &tool.parameters {
        Some(schema) if schema.get("type").is_some() => Cow::Borrowed(schema),
        Some(Value::Object(members)) => {
            let mut members = members.clone();
            members.insert("type".to_owned(), "object".into());
            Cow::Owned(Value::Object(members))
        }
        _ => Cow::Owned(json!({"type": "object", "properties": {}})),
    }
}

pub(super) fn tool_choice(request: &ChatRequest) -> Option<ChoiceBody<'_>> {
    if request.tools.is_empty() {
        return None;
    }
    let one_at_most = request.parallel_tool_calls.map(|several| !several);
    let choice = |kind, name| ChoiceBody { r#type: kind, name, disable_parallel_tool_use: one_at_most };
    match &request.tool_choice {
        ToolChoice::Auto => one_at_most.map(|_| choice("auto", None)),
        ToolChoice::Required => Some(choice("any", None)),
        ToolChoice::Named(name) => Some(choice("tool", Some(name.as_str()))),
        ToolChoice::None => Some(ChoiceBody { r#type: "none", name: None, disable_parallel_tool_use: None }),
    }
}

/// `None` leaves it to the host.
pub(super) fn thinking(config: &RemoteConfig, request: &ChatRequest) -> Option<ThinkingBody> {
    // Anthropic's own models do not think where a tool must be called, and refuse to be asked.
    let is_forced = matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_));
    match config.thinking {
        PassThinking::Omit | PassThinking::TemplateArguments => None,
        _ if !request.thinking.enabled => Some(ThinkingBody::Disabled),
        _ if is_forced && config.is_strict() => None,
        PassThinking::Adaptive => Some(ThinkingBody::Adaptive),
        PassThinking::AsIs => budget(request).map(|budget_tokens| ThinkingBody::Enabled { budget_tokens }),
    }
}

/// How many tokens of thinking an effort stands for: at most half of the output, which pays for it, and `None` where
/// the output is too short to think at all.
fn budget(request: &ChatRequest) -> Option<u32> {
    let wanted = match request.thinking.effort {
        Some(Effort::None | Effort::Minimal) => BUDGET_MIN,
        Some(Effort::Low) => 4_096,
        Some(Effort::Medium) | None => 10_240,
        Some(Effort::High) => 16_384,
        Some(Effort::Xhigh) => 24_576,
        Some(Effort::Max) => 32_768,
    };
    fitting_budget(wanted, max_tokens(request))
}

/// `wanted`, or as much of it as leaves something for the answer.
pub(super) fn fitting_budget(wanted: u32, max_tokens: u32) -> Option<u32> {
    let budget = wanted.min(max_tokens / 2).max(BUDGET_MIN);
    (budget < max_tokens).then_some(budget)
}

pub(super) fn output_config<'a>(config: &RemoteConfig, request: &'a ChatRequest) -> Option<OutputConfig<'a>> {
    let effort = request.thinking.effort.filter(|_| config.thinking != PassThinking::Omit);
    let effort = effort.and_then(|effort| match effort {
        Effort::None => None,
        Effort::Minimal => Some(Effort::Low.as_str()),
        other => Some(other.as_str()),
    });
    let format = match &request.format {
        ResponseFormat::JsonSchema { schema, .. } if config.supports_json_schema => {
            Some(Format { r#type: "json_schema", schema })
        }
        _ => None,
    };
    (effort.is_some() || format.is_some()).then_some(OutputConfig { effort, format })
}

/// What to tell the model about a form of the answer for which the dialect, or this host, has no word.
pub(super) fn form_in_words(config: &RemoteConfig, format: &ResponseFormat) -> Option<String> {
    match format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonSchema { .. } if config.supports_json_schema => None,
        ResponseFormat::JsonSchema { schema, .. } => Some(format!(
            "Answer with one JSON value and nothing else. It must obey this JSON Schema:\n{schema}"
        )),
        ResponseFormat::JsonObject => Some("Answer with one JSON object and nothing else.".to_owned()),
    }
}

/// Seeds and penalties have no word here and are left out: they change which of the likely answers comes.
pub(super) fn sampling(
    config: &RemoteConfig,
    request: &ChatRequest,
    thinking: Option<ThinkingBody>,
) -> SamplingBody {
    let sampling = &request.sampling;
    let thinks = matches!(thinking, Some(ThinkingBody::Enabled { .. } | ThinkingBody::Adaptive));
    let temperature = if sampling.greedy { Some(0.0) } else { sampling.temperature };
    // Anthropic's own models draw as they like while they think, and otherwise take one of the two.
    match temperature {
        _ if thinks && config.is_strict() => SamplingBody::default(),
        Some(_) if sampling.greedy || config.is_strict() => SamplingBody { temperature, top_p: None },
        _ => SamplingBody { temperature, top_p: sampling.top_p },
    }
}
