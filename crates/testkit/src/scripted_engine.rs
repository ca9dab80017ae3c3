//! An engine that says what a test tells it to.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use inference::{
    ChatEngine, ChatEvent, ChatRequest, ChatStream, EngineDescription, EngineError, FinishReason, Message,
    Part,
};
use tokio::sync::Semaphore;
use vocab::{Tokens, Usage};

/// An engine that says what a test tells it to, one answer after the other; with nothing left to say it repeats
/// the last user message.
pub struct ScriptedEngine {
    name: String,
    script: Mutex<VecDeque<Answer>>,
    requests: Mutex<Vec<ChatRequest>>,
    /// A pass for each event, where a test lets them through one by one.
    gate: Option<Arc<Semaphore>>,
    running: Arc<AtomicUsize>,
    constrains_json: bool,
}

/// One scripted answer.
#[derive(Clone)]
pub enum Answer {
    /// These events, with a `Started` before and a `Finished` after them.
    Events(Vec<ChatEvent>, FinishReason),
    /// A refusal before the first event.
    Refusal(EngineError),
    /// These events, and then a failure.
    BreaksOff(Vec<ChatEvent>, EngineError),
    /// These events, and then never anything again.
    Hangs(Vec<ChatEvent>),
    /// This, but not before a test lets it through: the engine reads a long prompt. For gated engines.
    Late(Box<Answer>),
}

/// What a scripted prompt always has.
pub const PROMPT_TOKENS: u64 = 10;
/// How many of them come from the cache.
pub const CACHED_TOKENS: u64 = 4;

impl ScriptedEngine {
    /// An engine with nothing to say yet.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            script: Mutex::default(),
            requests: Mutex::default(),
            gate: None,
            running: Arc::default(),
            constrains_json: true,
        }
    }

    /// An engine whose events wait until [`let_through`](Self::let_through) is called for each.
    pub fn gated(name: &str) -> Self {
        Self { gate: Some(Arc::new(Semaphore::new(0))), ..Self::new(name) }
    }

    /// An engine that does not promise JSON.
    pub fn careless(name: &str) -> Self {
        Self { constrains_json: false, ..Self::new(name) }
    }

    /// The next answer is these pieces of content.
    pub fn will_say(&self, pieces: &[&str]) {
        let events = pieces.iter().map(|text| ChatEvent::Content((*text).to_owned())).collect();
        self.will(Answer::Events(events, FinishReason::Stop));
    }

    /// The next answer.
    pub fn will(&self, answer: Answer) {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).push_back(answer);
    }

    /// Lets so many further events through.
    pub fn let_through(&self, events: usize) {
        if let Some(gate) = &self.gate {
            gate.add_permits(events);
        }
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<ChatRequest> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many answers are under way.
    pub fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }

    /// Waits until a test lets something through.
    async fn pass(&self) {
        if let Some(gate) = &self.gate
            && let Ok(pass) = gate.acquire().await
        {
            pass.forget();
        }
    }

    fn next_answer(&self, request: &ChatRequest) -> Answer {
        let scripted = self.script.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        scripted.unwrap_or_else(|| {
            Answer::Events(vec![ChatEvent::Content(last_words(request))], FinishReason::Stop)
        })
    }
}

fn last_words(request: &ChatRequest) -> String {
    let last = request.messages.iter().rev().find_map(|message| match message {
        Message::User { content } => content.iter().find_map(|part| match part {
            Part::Text { text } => Some(text.clone()),
            _ => None,
        }),
        _ => None,
    });
    last.unwrap_or_default()
}

#[async_trait]
impl ChatEngine for ScriptedEngine {
    fn describe(&self) -> EngineDescription {
        EngineDescription {
            name: self.name.clone(),
            runs: format!("{}.scripted", self.name),
            context_window: Some(Tokens(1000)),
            in_flight: self.running(),
            capacity: None,
            constrains_json: self.constrains_json,
        }
    }

    async fn chat(&self, request: ChatRequest) -> Result<ChatStream, EngineError> {
        let answer = self.next_answer(&request);
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        let answer = match answer {
            Answer::Late(later) => {
                let _guard = Running::new(&self.running);
                self.pass().await;
                *later
            }
            answer => answer,
        };
        let (events, end) = match answer {
            Answer::Refusal(error) => return Err(error),
            Answer::Events(events, reason) => (events, End::Finished(reason)),
            Answer::BreaksOff(events, error) => (events, End::Broken(error)),
            Answer::Hangs(events) => (events, End::Never),
            Answer::Late(_) => return Err(EngineError::Failed { reason: "late within late".to_owned() }),
        };
        let guard = Running::new(&self.running);
        let gate = self.gate.clone();
        Ok(Box::pin(async_stream::stream! {
            let _guard = guard;
            let mut usage = Usage {
                fresh_prompt: Tokens(PROMPT_TOKENS - CACHED_TOKENS),
                cached_prompt: Tokens(CACHED_TOKENS),
                ..Usage::default()
            };
            yield Ok(ChatEvent::Started { prompt: Tokens(PROMPT_TOKENS), cached: Tokens(CACHED_TOKENS) });
            for event in events {
                if let Some(gate) = &gate && let Ok(pass) = gate.acquire().await {
                    pass.forget();
                }
                match &event {
                    ChatEvent::Reasoning(_) => usage.reasoning += Tokens(1),
                    ChatEvent::Content(_) | ChatEvent::ToolCallArguments { .. } => usage.answer += Tokens(1),
                    _ => {}
                }
                yield Ok(event);
                yield Ok(ChatEvent::Usage(usage));
            }
            match end {
                End::Finished(reason) => yield Ok(ChatEvent::Finished { reason, usage }),
                End::Broken(error) => yield Err(error),
                End::Never => std::future::pending().await,
            }
        }))
    }

    async fn count_tokens(&self, _request: &ChatRequest) -> Result<Tokens, EngineError> {
        Ok(Tokens(PROMPT_TOKENS))
    }
}

enum End {
    Finished(FinishReason),
    Broken(EngineError),
    Never,
}

struct Running(Arc<AtomicUsize>);

impl Running {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
