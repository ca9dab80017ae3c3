//! Models, requests and answers that the stories share.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use engine::Settings;
use futures::StreamExt;
use inference::{
    CacheScope, ChatEngine, ChatEvent, ChatRequest, ChatStream, EngineError, FinishReason, Message, Part,
    ResponseFormat, TokenLogprob,
};
use serde_json::json;
use vocab::{Clock, Timestamp, Tokens, Usage};

/// A clock whose hands the test turns.
pub struct Hands(AtomicI64);

impl Default for Hands {
    fn default() -> Self {
        Self(AtomicI64::new(1_000_000))
    }
}

impl Hands {
    pub fn turn(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds, Ordering::Relaxed);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// A random-weight GLM-4: it writes nonsense, always the same.
pub fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/tiny-glm4.gguf")
}

/// A random-weight GLM-4.5 with experts.
pub fn tiny_moe() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models/tiny-glm4moe.gguf")
}

/// The demo model, which has learned something.
pub fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/azimuth-demo.gguf")
}

pub fn settings() -> Settings {
    Settings { slots: 4, context_tokens: 2_048, threads: Some(1), ..Settings::default() }
}

/// A greedy request without thinking.
pub fn ask(text: &str) -> ChatRequest {
    let user = Message::User { content: vec![Part::text(text)] };
    let mut request = ChatRequest::new("glm-4.6".parse().expect("a name"), vec![user]);
    request.thinking.enabled = false;
    request.sampling.greedy = true;
    request.max_tokens = Some(16);
    request.cache_scope = CacheScope("alice".into());
    request
}

/// A request whose answer has no end before its limit: the schema wants more than fits.
pub fn talk_for(text: &str, tokens: u32) -> ChatRequest {
    let mut request = ask(text);
    let schema = json!({"type": "array", "items": {"type": "boolean"}, "minItems": 1_000});
    request.format = ResponseFormat::JsonSchema { name: "long".into(), schema };
    request.max_tokens = Some(tokens);
    request
}

/// About `tokens` tokens of text that no cache holds if `topic` is new.
pub fn long_text(topic: &str, tokens: usize) -> String {
    let mut text = format!("{topic}: ");
    for n in 0..tokens / 4 {
        text.push_str(&format!("word {n} "));
    }
    text
}

/// Everything one answer said.
#[derive(Debug, Default, PartialEq)]
pub struct Answer {
    pub prompt: Tokens,
    pub cached: Tokens,
    pub reasoning: String,
    pub content: String,
    /// Names and arguments.
    pub calls: Vec<(String, String)>,
    pub logprobs: Vec<TokenLogprob>,
    /// The stop text that was met.
    pub stop: Option<String>,
    pub reason: Option<FinishReason>,
    pub usage: Usage,
}

pub async fn answer(engine: &dyn ChatEngine, request: ChatRequest) -> Answer {
    read(engine.chat(request).await.expect("the request is taken")).await.expect("the answer is whole")
}

pub async fn read(mut stream: ChatStream) -> Result<Answer, EngineError> {
    let mut answer = Answer::default();
    while let Some(event) = stream.next().await {
        match event? {
            ChatEvent::Started { prompt, cached } => (answer.prompt, answer.cached) = (prompt, cached),
            ChatEvent::Reasoning(text) => answer.reasoning.push_str(&text),
            ChatEvent::Content(text) => answer.content.push_str(&text),
            ChatEvent::ToolCallStarted { name, .. } => answer.calls.push((name, String::new())),
            ChatEvent::ToolCallArguments { index, fragment } => {
                answer.calls[index as usize].1.push_str(&fragment);
            }
            ChatEvent::Signature(_) | ChatEvent::ToolCallFinished { .. } => {}
            ChatEvent::StopMet(text) => answer.stop = Some(text),
            ChatEvent::Logprobs(more) => answer.logprobs.extend(more),
            ChatEvent::Usage(usage) => answer.usage = usage,
            ChatEvent::Finished { reason, usage } => (answer.reason, answer.usage) = (Some(reason), usage),
        }
    }
    Ok(answer)
}
