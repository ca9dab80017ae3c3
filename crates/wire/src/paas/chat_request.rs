//! The request of `POST chat/completions` and its asynchronous twin (`http-api.md` §2.1).

use inference::{ChatRequest, Effort, ResponseFormat, Thinking};
use serde::Deserialize;
use serde_json::Value;
use vocab::ModelName;

use super::messages::{self, MessageBody};
use super::sampling;
use super::tools::{self, ToolBody, Tools};
use crate::BadRequest;
use crate::body::read_json;
use crate::lenient::{Flag, Integer, Number, Text, Texts};

/// The most characters of a `request_id` (`http-api.md` §0.1.7).
const REQUEST_ID_CHARS_MAX: usize = 64;
/// The most characters of a `user_id`. The documented minimum of 6 is not enforced (`http-api.md` §0.1.7).
const USER_ID_CHARS_MAX: usize = 128;
/// The most alternatives of `top_logprobs`.
const TOP_LOGPROBS_MAX: u8 = 20;

/// A chat request that has everything it needs and names a model that could exist.
///
/// What its fields hold is checked later, by [`into_request`](Self::into_request), because an unknown model is
/// to be told before a field out of range (`errors.md` §5).
#[derive(Debug)]
pub struct ChatCompletionRequest {
    /// The model that is asked for.
    pub model: ModelName,
    messages: Vec<MessageBody>,
    body: ChatBody,
}

/// What a chat request asks of the server and not of the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatOptions {
    /// Whether to answer as server-sent events.
    pub stream: bool,
    /// Whether tool arguments are streamed in pieces; never without `stream` (CAP-TST-04).
    pub tool_stream: bool,
    /// Whether OpenAI's usage chunk was asked for. Usage stands on the finish chunk either way.
    pub include_usage: bool,
    /// The client's own id for the request, at most 64 characters.
    pub request_id: Option<String>,
    /// The `web_search` tools that are switched on, each as sent.
    pub web_searches: Vec<Value>,
}

/// What `thinking.clear_thinking` means when it is not sent: whether the reasoning of earlier turns is dropped
/// (rule THINK-03). The door decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClearThinkingDefault(pub bool);

impl ClearThinkingDefault {
    /// `/api/paas/v4`: earlier reasoning is dropped.
    pub const GENERAL: Self = Self(true);
    /// `/api/coding/paas/v4`: earlier reasoning is kept.
    pub const CODING: Self = Self(false);
}

impl ChatCompletionRequest {
    /// Reads a body. Refuses what is not JSON or of a wrong type (1210), what lacks a required field (1213) and
    /// what cannot be the name of a model (1211), in this order. Unknown fields are ignored.
    pub fn parse(body: &[u8]) -> Result<Self, BadRequest> {
        let mut body: ChatBody = read_json(body)?;
        let model = body.model.take().ok_or_else(|| BadRequest::missing("model"))?;
        let messages = body.messages.take().ok_or_else(|| BadRequest::missing("messages"))?;
        messages::check_required(&messages)?;
        tools::check_required(body.tools.as_deref().unwrap_or_default())?;
        if body.response_format.as_ref().is_some_and(FormatBody::lacks_schema) {
            return Err(BadRequest::missing("response_format.json_schema.schema"));
        }
        let model = model.parse().map_err(|_| BadRequest::unknown_model())?;
        Ok(Self { model, messages, body })
    }

    /// Whether the answer is to be server-sent events.
    pub fn is_streamed(&self) -> bool {
        is_set(self.body.stream)
    }

    /// Checks what the fields hold (1212, 1214), then which exclude each other (1215), and yields the request
    /// in the form engines see. The model's own limits and the cache scope are left to the gateway.
    pub fn into_request(
        self,
        clear_thinking: ClearThinkingDefault,
    ) -> Result<(ChatRequest, ChatOptions), BadRequest> {
        let Self { model, messages, mut body } = self;
        let exclusive = messages::exclusive_parts(&messages);
        let Tools { functions, web_searches } = tools::into_tools(body.tools.take().unwrap_or_default())?;

        let mut request = ChatRequest::new(model, messages::into_messages(messages)?);
        request.tool_choice = tools::into_choice(body.tool_choice.as_ref(), &functions)?;
        request.tools = functions;
        request.parallel_tool_calls = body.parallel_tool_calls.map(|flag| flag.0);
        request.thinking = body.thinking(clear_thinking)?;
        request.sampling = sampling::into_sampling(&body)?;
        request.max_tokens = sampling::into_max_tokens(&body)?;
        request.stop = sampling::into_stop(body.stop.take())?;
        request.format =
            body.response_format.take().map_or(Ok(ResponseFormat::Text), FormatBody::into_format)?;
        request.logprobs = body.logprobs()?;
        request.tool_stream = is_set(body.stream) && is_set(body.tool_stream);
        request.user_id = bounded("user_id", body.user_id.take(), USER_ID_CHARS_MAX)?;

        let options = ChatOptions {
            stream: is_set(body.stream),
            tool_stream: request.tool_stream,
            include_usage: body.stream_options.as_ref().is_some_and(|options| is_set(options.include_usage)),
            request_id: bounded("request_id", body.request_id.take(), REQUEST_ID_CHARS_MAX)?,
            web_searches,
        };
        match exclusive {
            Some((field1, field2)) => Err(BadRequest::exclusive(field1, field2)),
            None => Ok((request, options)),
        }
    }
}

/// The body as sent. Every field is optional, so that `null` means "not given" (`http-api.md` §0.1.2).
#[derive(Debug, Deserialize)]
pub(super) struct ChatBody {
    model: Option<String>,
    messages: Option<Vec<MessageBody>>,
    request_id: Option<Text>,
    user_id: Option<Text>,
    stream: Option<Flag>,
    stream_options: Option<StreamOptionsBody>,
    thinking: Option<ThinkingBody>,
    reasoning_effort: Option<String>,
    tools: Option<Vec<ToolBody>>,
    tool_choice: Option<Value>,
    parallel_tool_calls: Option<Flag>,
    tool_stream: Option<Flag>,
    stop: Option<Texts>,
    response_format: Option<FormatBody>,
    logprobs: Option<Flag>,
    top_logprobs: Option<Integer>,
    pub do_sample: Option<Flag>,
    pub temperature: Option<Number>,
    pub top_p: Option<Number>,
    pub frequency_penalty: Option<Number>,
    pub presence_penalty: Option<Number>,
    pub seed: Option<Integer>,
    pub max_tokens: Option<Integer>,
    pub max_completion_tokens: Option<Integer>,
}

#[derive(Debug, Deserialize)]
struct StreamOptionsBody {
    include_usage: Option<Flag>,
}

#[derive(Debug, Deserialize)]
struct ThinkingBody {
    #[serde(rename = "type")]
    kind: Option<String>,
    clear_thinking: Option<Flag>,
}

#[derive(Debug, Deserialize)]
struct FormatBody {
    #[serde(rename = "type")]
    kind: Option<String>,
    json_schema: Option<JsonSchemaBody>,
}

#[derive(Debug, Deserialize)]
struct JsonSchemaBody {
    name: Option<String>,
    schema: Option<Value>,
}

impl ChatBody {
    fn thinking(&self, clear_thinking: ClearThinkingDefault) -> Result<Thinking, BadRequest> {
        let sent = self.thinking.as_ref();
        let is_enabled = match sent.and_then(|thinking| thinking.kind.as_deref()) {
            None | Some("enabled") => true,
            Some("disabled") => false,
            Some(_) => return Err(BadRequest::invalid("thinking.type", "enabled or disabled")),
        };
        let effort = self.reasoning_effort.as_deref().map(into_effort).transpose()?;
        let is_cleared =
            sent.and_then(|thinking| thinking.clear_thinking).map_or(clear_thinking.0, |flag| flag.0);
        Ok(Thinking { enabled: is_enabled && effort != Some(Effort::None), preserved: !is_cleared, effort })
    }

    fn logprobs(&self) -> Result<Option<u8>, BadRequest> {
        let count = match self.top_logprobs {
            None => 0,
            Some(Integer(count)) => match u8::try_from(count) {
                Ok(count) if count <= TOP_LOGPROBS_MAX => count,
                _ => return Err(BadRequest::invalid("top_logprobs", "0 to 20")),
            },
        };
        Ok(is_set(self.logprobs).then_some(count))
    }
}

impl FormatBody {
    fn lacks_schema(&self) -> bool {
        let has_schema = self.json_schema.as_ref().is_some_and(|json_schema| json_schema.schema.is_some());
        self.kind.as_deref() == Some("json_schema") && !has_schema
    }

    fn into_format(self) -> Result<ResponseFormat, BadRequest> {
        match (self.kind.as_deref(), self.json_schema) {
            (None | Some("text"), _) => Ok(ResponseFormat::Text),
            (Some("json_object"), _) => Ok(ResponseFormat::JsonObject),
            (Some("json_schema"), Some(JsonSchemaBody { name, schema: Some(schema) })) => {
                if !(schema.is_object() || schema.is_boolean()) {
                    return Err(BadRequest::invalid("response_format.json_schema.schema", "a JSON Schema"));
                }
                Ok(ResponseFormat::JsonSchema { name: name.unwrap_or_else(|| "answer".to_owned()), schema })
            }
            (Some("json_schema"), _) => Err(BadRequest::missing("response_format.json_schema.schema")),
            (Some(_), _) => {
                Err(BadRequest::invalid("response_format.type", "one of text, json_object, json_schema"))
            }
        }
    }
}

fn into_effort(word: &str) -> Result<Effort, BadRequest> {
    const EFFORTS: [Effort; 7] = [
        Effort::None,
        Effort::Minimal,
        Effort::Low,
        Effort::Medium,
        Effort::High,
        Effort::Xhigh,
        Effort::Max,
    ];
    EFFORTS.into_iter().find(|effort| effort.as_str().eq_ignore_ascii_case(word)).ok_or_else(|| {
        BadRequest::invalid("reasoning_effort", "one of none, minimal, low, medium, high, xhigh, max")
    })
}

fn is_set(flag: Option<Flag>) -> bool {
    flag == Some(Flag(true))
}

/// A text of a bounded length; an empty one counts as not given.
fn bounded(field: &str, text: Option<Text>, chars_max: usize) -> Result<Option<String>, BadRequest> {
    match text {
        Some(Text(text)) if text.chars().nth(chars_max).is_some() => {
            Err(BadRequest::invalid(field, &format!("at most {chars_max} characters")))
        }
        text => Ok(text.map(|text| text.0).filter(|text| !text.is_empty())),
    }
}
