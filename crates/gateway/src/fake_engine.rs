//! An engine that is whatever a test needs.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use futures::stream;
use inference::{
    ChatEngine, ChatEvent, ChatRequest, ChatStream, EngineDescription, EngineError, Message, Part,
};
use vocab::Tokens;

/// A refusal, or events of which the last may be a failure.
pub(crate) type Answer = Result<Vec<Result<ChatEvent, EngineError>>, EngineError>;

pub(crate) struct FakeEngine {
    pub(crate) name: String,
    pub(crate) is_healthy: bool,
    pub(crate) in_flight: usize,
    pub(crate) capacity: Option<usize>,
    pub(crate) cached_prefix: Tokens,
    pub(crate) constrains_json: bool,
    /// What it answers, one after the other; then it is unavailable.
    pub(crate) answers: Mutex<VecDeque<Answer>>,
    pub(crate) requests: Mutex<Vec<ChatRequest>>,
}

impl FakeEngine {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            is_healthy: true,
            in_flight: 0,
            capacity: None,
            cached_prefix: Tokens::ZERO,
            constrains_json: false,
            answers: Mutex::default(),
            requests: Mutex::default(),
        }
    }

    pub(crate) fn will(self, answer: Answer) -> Self {
        self.answers.lock().unwrap().push_back(answer);
        self
    }

    pub(crate) fn asked(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

#[async_trait]
impl ChatEngine for FakeEngine {
    fn describe(&self) -> EngineDescription {
        EngineDescription {
            name: self.name.clone(),
            runs: self.name.clone(),
            context_window: None,
            in_flight: self.in_flight,
            capacity: self.capacity,
            constrains_json: self.constrains_json,
        }
    }

    async fn chat(&self, request: ChatRequest) -> Result<ChatStream, EngineError> {
        self.requests.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front();
        let events = answer.unwrap_or(Err(EngineError::Unavailable { reason: "silent".to_owned() }))?;
        Ok(Box::pin(stream::iter(events)))
    }

    async fn count_tokens(&self, _request: &ChatRequest) -> Result<Tokens, EngineError> {
        Ok(Tokens(1))
    }

    fn cached_prefix(&self, _request: &ChatRequest) -> Tokens {
        self.cached_prefix
    }

    fn is_healthy(&self) -> bool {
        self.is_healthy
    }
}

/// A conversation in which a person said each of `turns` and the model answered all but the last.
pub(crate) fn conversation(turns: &[&str]) -> ChatRequest {
    let mut messages = Vec::new();
    for (place, turn) in turns.iter().enumerate() {
        if place > 0 {
            messages.push(Message::Assistant {
                content: "Yes.".to_owned(),
                reasoning: None,
                tool_calls: Vec::new(),
            });
        }
        messages.push(Message::User { content: vec![Part::text(*turn)] });
    }
    ChatRequest::new("glm-4.7".parse().unwrap(), messages)
}
