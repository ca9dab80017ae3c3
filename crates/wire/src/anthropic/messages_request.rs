//! The request of `POST messages` and `POST messages/count_tokens` (`anthropic-api.md` §3).

use std::sync::Arc;

use inference::{ChatRequest, Original, ResponseFormat};
use serde::Deserialize;
use serde_json::Value;
use vocab::ModelName;

use super::block::Content;
use super::conversation::{self, Conversation, MessageBody};
use super::output::{self, FormatBody, OutputBody, ThinkingBody};
use super::system::{self, System};
use super::tools::{self, ServerTool, ToolBody};
use crate::BadRequest;
use crate::body::read_json;
use crate::lenient::{Flag, Integer, Number, Text, Texts};

/// The most of `metadata.user_id` that is kept.
const USER_ID_BYTES_MAX: usize = 1024;

/// A request for a message that has everything it needs.
///
/// What its fields hold is checked later, by [`into_request`](Self::into_request), because an unknown model is to be
/// told before a field out of range (`errors.md` §5).
#[derive(Debug)]
pub struct MessagesRequest {
    /// The model that is asked for, as it was sent: this door has names of its own for them.
    pub model: String,
    messages: Vec<MessageBody>,
    body: Body,
    original: Arc<[u8]>,
}

/// What a request for a message asks of the server and not of the model, and what it tells about its client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageOptions {
    /// Whether to answer as server-sent events.
    pub stream: bool,
    /// The client's own name for the end user, cut to 1024 bytes. Claude Code puts JSON there.
    pub user_id: Option<String>,
    /// The line in which Claude Code says which version it is. It is no part of the prompt.
    pub billing_block: Option<String>,
    /// Whether the last user message holds more than results of tools, so that a new prompt begins.
    pub begins_prompt: bool,
    /// Tools that the server is to run.
    pub server_tools: Vec<ServerTool>,
}

impl MessagesRequest {
    /// Reads a body. Refuses what is not JSON or of a wrong type (1210) and what lacks a required field (1213), in this
    /// order, and names fields as this dialect does: `messages.0.content.1.text`. Unknown fields and unknown blocks
    /// are ignored.
    pub fn parse(body: &[u8]) -> Result<Self, BadRequest> {
        let original = Arc::from(body);
        let mut body: Body = read_json(body).map_err(spelled)?;
        let model = body.model.take().ok_or_else(|| BadRequest::missing("model"))?;
        let messages = body.messages.take().ok_or_else(|| BadRequest::missing("messages"))?;
        conversation::check_required(&messages)?;
        tools::check_required(body.tools.as_deref().unwrap_or_default())?;
        if matches!(body.system, Some(Content::Other)) {
            return Err(BadRequest::mistyped("system", "expected a text or a list of text blocks"));
        }
        if let (Some(format), at) = body.format()
            && format.lacks_schema()
        {
            return Err(BadRequest::missing(format!("{at}.schema")));
        }
        Ok(Self { model, messages, body, original })
    }

    /// Whether the answer is to be server-sent events.
    pub fn is_streamed(&self) -> bool {
        self.body.stream == Some(Flag(true))
    }

    /// Checks what the fields hold (1214) and yields the request in the form engines see; `model` is what the name
    /// that was sent leads to. The model's own limits and the cache scope are left to the gateway.
    pub fn into_request(self, model: ModelName) -> Result<(ChatRequest, MessageOptions), BadRequest> {
        let stream = self.is_streamed();
        let Self { messages, mut body, original, .. } = self;
        let System { text: system, billing_block } = system::into_system(body.system.take());
        let Conversation { messages, begins_prompt, .. } = Conversation::read(system, messages)?;
        let tools = tools::into_tools(body.tools.take().unwrap_or_default())?;

        let mut request = ChatRequest::new(model, messages);
        (request.tool_choice, request.parallel_tool_calls) =
            tools::into_choice(body.tool_choice.as_ref(), &tools)?;
        request.tools = tools.functions;
        request.format = body.take_format()?;
        request.thinking = output::into_thinking(body.thinking.as_ref(), &body.output_config);
        request.sampling = output::into_sampling(body.temperature, body.top_p);
        request.max_tokens = output::into_max_tokens(body.max_tokens)?;
        request.stop = output::into_stop(body.stop_sequences.take())?;
        // A long file that a tool is to write would otherwise be a long silence.
        request.tool_stream = stream;
        request.original = Some(Original::Messages(original));

        let options = MessageOptions {
            stream,
            user_id: body.metadata.and_then(Metadata::into_user_id),
            billing_block,
            begins_prompt,
            server_tools: tools.server_tools,
        };
        Ok((request, options))
    }
}

/// The body as sent. Every field is optional, so that `null` means "not given".
#[derive(Debug, Deserialize)]
struct Body {
    model: Option<String>,
    messages: Option<Vec<MessageBody>>,
    system: Option<Content>,
    tools: Option<Vec<ToolBody>>,
    tool_choice: Option<Value>,
    thinking: Option<ThinkingBody>,
    #[serde(default, deserialize_with = "or_default")]
    output_config: OutputBody,
    output_format: Option<FormatBody>,
    stream: Option<Flag>,
    metadata: Option<Metadata>,
    max_tokens: Option<Integer>,
    temperature: Option<Number>,
    top_p: Option<Number>,
    stop_sequences: Option<Texts>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    user_id: Option<Text>,
}

impl Body {
    /// The form that the answer is to have, and the path of the field that says so.
    fn format(&self) -> (Option<&FormatBody>, &'static str) {
        match &self.output_config.format {
            Some(format) => (Some(format), "output_config.format"),
            None => (self.output_format.as_ref(), "output_format"),
        }
    }

    fn take_format(&mut self) -> Result<ResponseFormat, BadRequest> {
        let at = self.format().1;
        let format = self.output_config.format.take().or(self.output_format.take());
        format.map_or(Ok(ResponseFormat::Text), |format| format.into_format(at))
    }
}

impl Metadata {
    fn into_user_id(self) -> Option<String> {
        let Text(mut user_id) = self.user_id?;
        user_id.truncate(user_id.floor_char_boundary(USER_ID_BYTES_MAX));
        (!user_id.is_empty()).then_some(user_id)
    }
}

/// `null` is the default.
fn or_default<'de, D: serde::Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Names the field at fault as this dialect does: `tools.0.name`.
fn spelled(mut refusal: BadRequest) -> BadRequest {
    if let Some(field) = refusal.fields.first_mut() {
        let spelled = field.replace('[', ".").replace(']', "");
        refusal.message = refusal.message.replacen(field.as_str(), &spelled, 1);
        *field = spelled;
    }
    refusal
}
