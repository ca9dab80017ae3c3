use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vocab::ModelName;

/// One conversation to continue, in the only form that engines see, whichever door it came through.
///
/// Serialisable, so that a durable task can carry it to a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// The public name that was asked for.
    pub model: ModelName,
    /// The conversation so far, oldest first; never empty.
    pub messages: Vec<Message>,
    /// Functions the model may call.
    pub tools: Vec<Tool>,
    /// Whether and which of `tools` must be called.
    pub tool_choice: ToolChoice,
    /// Whether several tools may be called in one turn; `None` leaves it to the model.
    pub parallel_tool_calls: Option<bool>,
    /// How the model thinks before it answers.
    pub thinking: Thinking,
    /// How the next token is drawn.
    pub sampling: Sampling,
    /// The most tokens to generate, thinking included (rule MODEL-02).
    pub max_tokens: Option<u32>,
    /// Texts that end the output; they are not part of it. At most [`STOP_TEXTS_MAX`](crate::parser::STOP_TEXTS_MAX).
    pub stop: Vec<String>,
    /// The form the answer must have.
    pub format: ResponseFormat,
    /// `Some(n)` asks for the log probability of each output token and of its `n` best alternatives (0–20).
    pub logprobs: Option<u8>,
    /// Whether tool arguments should be sent in pieces as they arise (`tool_stream`).
    pub tool_stream: bool,
    /// The caller's name for the end user, passed on to hosts that understand it.
    pub user_id: Option<String>,
    /// Whose context cache may serve this request (rule CACHE-06).
    pub cache_scope: CacheScope,
    /// The body as the client sent it, for hosts that speak the client's dialect: so nothing is lost on the way to
    /// them for which there is no word here. Whoever changes what the request says takes it away.
    #[serde(skip)]
    pub original: Option<Original>,
}

/// A request body in the words of its client.
#[derive(Clone, Debug, PartialEq)]
pub enum Original {
    /// A body of `POST /v1/messages`.
    Messages(Arc<[u8]>),
}

impl ChatRequest {
    /// A request with every option at its default.
    pub fn new(model: ModelName, messages: Vec<Message>) -> Self {
        Self {
            model,
            messages,
            tools: Vec::new(),
            tool_choice: ToolChoice::Auto,
            parallel_tool_calls: None,
            thinking: Thinking::default(),
            sampling: Sampling::default(),
            max_tokens: None,
            stop: Vec::new(),
            format: ResponseFormat::Text,
            logprobs: None,
            tool_stream: false,
            user_id: None,
            cache_scope: CacheScope::default(),
            original: None,
        }
    }
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    /// Instructions for the whole conversation.
    System {
        /// Text parts.
        content: Vec<Part>,
    },
    /// What the person said.
    User {
        /// Text and media, in the order given.
        content: Vec<Part>,
    },
    /// What the model said earlier.
    Assistant {
        /// The answer; empty when the turn only called tools.
        content: String,
        /// The thinking that the client sent back (rule THINK-04).
        reasoning: Option<String>,
        /// The calls the model made.
        tool_calls: Vec<ToolCall>,
    },
    /// What a tool answered.
    Tool {
        /// The id of the call this answers.
        tool_call_id: String,
        /// Text and media, in the order given.
        content: Vec<Part>,
    },
}

/// A piece of a message. URLs are as the client gave them: an address, a data URI or bare base64.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Plain text.
    Text {
        /// The text.
        text: String,
    },
    /// A picture.
    Image {
        /// Where it is, or what it is.
        url: String,
    },
    /// A film.
    Video {
        /// Where it is, or what it is.
        url: String,
    },
    /// A document.
    File {
        /// Where it is, or what it is.
        url: String,
    },
    /// Recorded sound.
    Audio {
        /// Base64.
        data: String,
        /// `wav`, `mp3`, …
        format: String,
    },
}

impl Part {
    /// A text part.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }
}

/// A function that the model may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// 1 to 64 letters, digits, `_` or `-` (CAP-FUN-02).
    pub name: String,
    /// What the function does, for the model to read.
    pub description: Option<String>,
    /// A JSON Schema object; `None` when the caller gave none.
    pub parameters: Option<Value>,
    /// Whether the caller asked for arguments that obey the schema strictly.
    pub strict: Option<bool>,
}

/// A call the model made in an earlier turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// An opaque id, unique within the conversation.
    pub id: String,
    /// The function's name.
    pub name: String,
    /// The arguments as JSON text, exactly as they were sent to the client.
    pub arguments: String,
}

/// Whether and which tool must be called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Auto,
    /// No tool may be called.
    None,
    /// At least one tool must be called.
    Required,
    /// This tool must be called.
    Named(String),
}

/// How the model thinks before it answers (`capabilities.md`, deep thinking and thinking modes).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thinking {
    /// Whether this turn thinks (rule THINK-01).
    pub enabled: bool,
    /// Whether the reasoning of earlier turns stays in the prompt: the opposite of `clear_thinking`
    /// (rule THINK-03).
    pub preserved: bool,
    /// How much to think, for the models that know degrees of it.
    pub effort: Option<Effort>,
}

impl Default for Thinking {
    /// Thinking is on, and earlier reasoning is cleared.
    fn default() -> Self {
        Self { enabled: true, preserved: false, effort: None }
    }
}

/// A degree of thinking (`reasoning_effort`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the documentation's own scale")]
pub enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

impl Effort {
    /// The word used on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }
}

/// How the next token is drawn. `None` means the model's own default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// Always take the likeliest token; the other fields then have no effect (rule MODEL-05).
    pub greedy: bool,
    /// 0.0 to 1.0.
    pub temperature: Option<f32>,
    /// 0.01 to 1.0.
    pub top_p: Option<f32>,
    /// Makes the draw repeatable.
    pub seed: Option<u64>,
    /// −2.0 to 2.0.
    pub frequency_penalty: Option<f32>,
    /// −2.0 to 2.0.
    pub presence_penalty: Option<f32>,
}

/// The form the answer must have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResponseFormat {
    /// Anything.
    #[default]
    Text,
    /// A JSON object.
    JsonObject,
    /// JSON that obeys a schema.
    JsonSchema {
        /// The caller's name for the schema.
        name: String,
        /// A JSON Schema.
        schema: Value,
    },
}

/// Whose prompts may be found in the context cache again. Requests of different scopes never share an entry,
/// so neither content nor timing tells one account what another sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CacheScope(pub String);
