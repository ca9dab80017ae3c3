use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt};
use inference::{ChatEvent, ChatStream, EngineError, FinishReason};
use vocab::{Clock, Tokens, Usage};

use crate::{Admission, Ending, Meter, UsageRecord};

/// An answer on its way to the caller, counted as it passes.
///
/// It ends with exactly one [`ChatEvent::Finished`], whatever the engine does (rule ERR-05), and its usage is
/// recorded when it ends *or is dropped*: a caller that hangs up is charged for what it was sent and nothing more.
pub struct Reply {
    events: Option<ChatStream>,
    runs: String,
    tool_stream: bool,
    tally: Tally,
}

impl Reply {
    pub(crate) fn new(
        events: ChatStream,
        engine: String,
        runs: String,
        tool_stream: bool,
        admission: Admission,
        meter: Meter,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { events: Some(events), runs, tool_stream, tally: Tally::new(admission, engine, meter, clock) }
    }

    /// What really answers: a file name or a host's own model name.
    pub fn runs(&self) -> &str {
        &self.runs
    }

    /// Whether arguments of tool calls come in pieces that may be passed on as they are.
    pub fn tool_stream(&self) -> bool {
        self.tool_stream
    }

    /// Waits for the whole answer; neighbouring pieces of the same kind are joined.
    pub async fn collect(mut self) -> Vec<ChatEvent> {
        let mut events: Vec<ChatEvent> = Vec::new();
        while let Some(event) = self.next().await {
            match (events.last_mut(), event) {
                (Some(ChatEvent::Content(text)), ChatEvent::Content(more))
                | (Some(ChatEvent::Reasoning(text)), ChatEvent::Reasoning(more)) => text.push_str(&more),
                (
                    Some(ChatEvent::ToolCallArguments { index, fragment }),
                    ChatEvent::ToolCallArguments { index: same, fragment: more },
                ) if *index == same => fragment.push_str(&more),
                (_, ChatEvent::Usage(_)) => {}
                (_, event) => events.push(event),
            }
        }
        events
    }
}

impl Stream for Reply {
    type Item = ChatEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<ChatEvent>> {
        let Some(events) = self.events.as_mut() else { return Poll::Ready(None) };
        let event = match std::task::ready!(events.as_mut().poll_next(context)) {
            Some(Ok(event)) => event,
            Some(Err(error)) => self.tally.broken_off(Some(&error)),
            None => self.tally.broken_off(None),
        };
        let event = self.tally.count(event);
        if matches!(event, ChatEvent::Finished { .. }) {
            // Dropping the engine's stream frees its place before the caller reads the last byte.
            self.events = None;
        }
        Poll::Ready(Some(event))
    }
}

/// What a reply used so far, and the record that comes of it.
struct Tally {
    admission: Option<Admission>,
    engine: String,
    meter: Meter,
    clock: Arc<dyn Clock>,
    usage: Usage,
    pieces: Usage,
    first_token: Option<Duration>,
}

impl Tally {
    fn new(admission: Admission, engine: String, meter: Meter, clock: Arc<dyn Clock>) -> Self {
        Self {
            admission: Some(admission),
            engine,
            meter,
            clock,
            usage: Usage::default(),
            pieces: Usage::default(),
            first_token: None,
        }
    }

    /// Counts an event, and completes the figures of the last one.
    fn count(&mut self, event: ChatEvent) -> ChatEvent {
        match &event {
            ChatEvent::Started { prompt, cached } => {
                self.usage.fresh_prompt = prompt.saturating_sub(*cached);
                self.usage.cached_prompt = *cached;
            }
            ChatEvent::Reasoning(_) => {
                self.pieces.reasoning += Tokens(1);
                self.saw_output();
            }
            ChatEvent::Content(_)
            | ChatEvent::ToolCallStarted { .. }
            | ChatEvent::ToolCallArguments { .. } => {
                self.pieces.answer += Tokens(1);
                self.saw_output();
            }
            ChatEvent::ToolCallFinished { .. } | ChatEvent::Logprobs(_) => {}
            ChatEvent::Usage(usage) => self.usage = *usage,
            ChatEvent::Finished { reason, usage } => {
                self.usage = *usage;
                let usage = self.figures();
                self.settle(Ending::of(*reason, &usage));
                return ChatEvent::Finished { reason: *reason, usage };
            }
        }
        event
    }

    /// The engine stopped without finishing: the caller is told so in the last event.
    fn broken_off(&self, error: Option<&EngineError>) -> ChatEvent {
        let request = self.admission.as_ref().map(|admission| admission.request.as_str()).unwrap_or_default();
        let error = error.map_or("it ended without finishing".to_owned(), ToString::to_string);
        tracing::warn!(request.id = request, engine.name = self.engine, error, "an answer was broken off");
        ChatEvent::Finished { reason: FinishReason::NetworkError, usage: self.figures() }
    }

    /// The engine's own figures, or the number of pieces where it gave none: what was sent is never free.
    fn figures(&self) -> Usage {
        let mut usage = self.usage;
        if usage.completion() == Tokens::ZERO {
            usage.reasoning = self.pieces.reasoning;
            usage.answer = self.pieces.answer;
        }
        usage
    }

    fn saw_output(&mut self) {
        if self.first_token.is_none()
            && let Some(admission) = &self.admission
        {
            self.first_token = Some(self.clock.now().since(admission.at));
        }
    }

    /// Writes the record; the first ending wins.
    fn settle(&mut self, ending: Ending) {
        let Some(admission) = self.admission.take() else { return };
        let duration = self.clock.now().since(admission.at);
        self.meter.record(UsageRecord {
            request: admission.request.clone(),
            account: admission.caller.account,
            key: admission.caller.key,
            door: admission.door,
            model: admission.model.clone(),
            engine: std::mem::take(&mut self.engine),
            usage: self.figures(),
            started: admission.at,
            first_token: self.first_token,
            duration,
            ending,
        });
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        let ending = if self.first_token.is_some() { Ending::CallerLeft } else { Ending::CallerLeftEarly };
        self.settle(ending);
    }
}

impl Ending {
    fn of(reason: FinishReason, usage: &Usage) -> Self {
        match reason {
            FinishReason::NetworkError => Self::EngineFailed,
            FinishReason::Sensitive => Self::Filtered,
            FinishReason::Length | FinishReason::ModelContextWindowExceeded => Self::Cut,
            FinishReason::Stop | FinishReason::ToolCalls if usage.completion() == Tokens::ZERO => Self::Empty,
            FinishReason::Stop | FinishReason::ToolCalls => Self::Finished,
        }
    }
}
