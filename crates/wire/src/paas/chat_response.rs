//! The whole answer of `POST chat/completions` (`http-api.md` §2.5).

use inference::{ChatEvent, FinishReason, TokenLogprob};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vocab::{ModelName, RequestId, Timestamp, Usage};

use super::pending_calls::PendingCalls;
use super::usage::UsageBody;

/// What is known of an answer before its first word.
#[derive(Clone, Debug, PartialEq)]
pub struct AnswerHead {
    /// The server's id.
    pub id: RequestId,
    /// The client's id; without one the server's is printed in its place (`auth.md` §7).
    pub request_id: Option<String>,
    /// When the answer was made; printed in seconds.
    pub created: Timestamp,
    /// The public name of the model that answers.
    pub model: ModelName,
}

impl AnswerHead {
    /// What `request_id` says: the client's id, or else the server's.
    pub fn request_id(&self) -> &str {
        self.request_id.as_deref().unwrap_or(self.id.as_str())
    }
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatCompletion {
    /// Exactly one.
    pub choices: Vec<Choice>,
    /// Unix time in seconds.
    pub created: i64,
    /// The server's id.
    pub id: String,
    /// The model that answered.
    pub model: String,
    /// `chat.completion`
    pub object: String,
    /// The client's id, or the server's.
    pub request_id: String,
    /// Tokens.
    pub usage: UsageBody,
    /// What a `web_search` tool found; left out unless it was to be returned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub web_search: Vec<Value>,
}

/// The one choice of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Why the answer ended.
    pub finish_reason: FinishReason,
    /// 0
    pub index: u32,
    /// What was said.
    pub message: AnswerMessage,
    /// Left out unless asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Logprobs>,
}

/// What the model said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerMessage {
    /// The answer; empty when the turn only called tools.
    pub content: String,
    /// The thinking; left out when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// `assistant`
    pub role: String,
    /// Left out when no tool was called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<AnswerToolCall>,
}

/// A tool call of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerToolCall {
    /// What is called.
    pub function: CalledFunction,
    /// To be sent back with the result.
    pub id: String,
    /// Position among the calls of this answer.
    pub index: u32,
    /// `function`
    #[serde(rename = "type")]
    pub kind: String,
}

/// What is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledFunction {
    /// A JSON object as text.
    pub arguments: String,
    /// The function's name.
    pub name: String,
}

/// Log probabilities in OpenAI's shape.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Logprobs {
    /// One entry for each token; `top_logprobs` are the likeliest at its place.
    pub content: Vec<Value>,
}

impl ChatCompletion {
    /// Puts the pieces of an answer together. Events that end without `Finished` make an answer that was broken
    /// off: `network_error` (rule ERR-05).
    pub fn collect(head: &AnswerHead, events: impl IntoIterator<Item = ChatEvent>) -> Self {
        let mut collector = Collector::default();
        for event in events {
            collector.push(event);
        }
        collector.finish(head)
    }
}

/// Puts an answer together as it arrives.
#[derive(Debug, Default)]
pub struct Collector {
    content: String,
    reasoning: String,
    pending: PendingCalls,
    tool_calls: Vec<AnswerToolCall>,
    logprobs: Option<Logprobs>,
    usage: Usage,
    finish_reason: Option<FinishReason>,
}

impl Collector {
    /// Takes in the next event.
    pub fn push(&mut self, event: ChatEvent) {
        match event {
            ChatEvent::Started { prompt, cached } => {
                self.usage.cached_prompt = cached.min(prompt);
                self.usage.fresh_prompt = prompt.saturating_sub(cached);
            }
            ChatEvent::Reasoning(text) => append(&mut self.reasoning, text),
            ChatEvent::Content(text) => append(&mut self.content, text),
            ChatEvent::ToolCallStarted { index, id, name } => self.pending.start(index, id, name),
            ChatEvent::ToolCallArguments { index, fragment } => self.pending.append(index, &fragment),
            ChatEvent::ToolCallFinished { index } => self.tool_calls.extend(self.pending.finish(index)),
            ChatEvent::Logprobs(tokens) => {
                let logprobs = self.logprobs.get_or_insert_default();
                logprobs.content.extend(tokens.iter().map(token_logprob));
            }
            ChatEvent::Usage(usage) => self.usage = usage,
            ChatEvent::Signature(_) | ChatEvent::StopMet(_) => {}
            ChatEvent::Finished { reason, usage } => {
                self.usage = usage;
                self.finish_reason = Some(reason);
                // A call that was cut off has no use; only an answer that waits for results vouches for it.
                if reason == FinishReason::ToolCalls {
                    self.tool_calls.extend(self.pending.finish_all());
                }
            }
        }
    }

    /// The answer, as far as it came.
    pub fn finish(self, head: &AnswerHead) -> ChatCompletion {
        let message = AnswerMessage {
            content: self.content,
            reasoning_content: Some(self.reasoning).filter(|text| !text.is_empty()),
            role: "assistant".to_owned(),
            tool_calls: self.tool_calls,
        };
        let finish_reason = self.finish_reason.unwrap_or(FinishReason::NetworkError);
        ChatCompletion {
            choices: vec![Choice { finish_reason, index: 0, message, logprobs: self.logprobs }],
            created: head.created.as_secs(),
            id: head.id.as_str().to_owned(),
            model: head.model.as_str().to_owned(),
            object: "chat.completion".to_owned(),
            request_id: head.request_id().to_owned(),
            usage: self.usage.into(),
            web_search: Vec::new(),
        }
    }
}

/// OpenAI's spelling of one token's log probability.
pub(super) fn token_logprob(token: &TokenLogprob) -> Value {
    let top: Vec<Value> = (token.top.iter())
        .map(|top| serde_json::json!({"token": top.token, "logprob": top.logprob, "bytes": top.bytes}))
        .collect();
    serde_json::json!({
        "token": token.token, "logprob": token.logprob, "bytes": token.bytes, "top_logprobs": top
    })
}

/// The first piece is taken over whole.
fn append(text: &mut String, piece: String) {
    if text.is_empty() {
        *text = piece;
    } else {
        text.push_str(&piece);
    }
}
