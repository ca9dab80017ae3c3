use std::pin::Pin;
use std::task::{Context, Poll};

use futures::{Stream, StreamExt};
use inference::{ChatEvent, ChatStream};
use tokio::time::Instant;

use crate::tally::Tally;

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
    pub(crate) fn new(events: ChatStream, runs: String, tool_stream: bool, tally: Tally) -> Self {
        Self { events: Some(events), runs, tool_stream, tally }
    }

    /// What really answers: a file name or a host's own model name.
    pub fn runs(&self) -> &str {
        &self.runs
    }

    /// Whether arguments of tool calls come in pieces that may be passed on as they are.
    pub fn tool_stream(&self) -> bool {
        self.tool_stream
    }

    /// Ends an answer that takes too long: nothing more is waited for, and what came so far is recorded. Returns
    /// the last event, or `None` if the answer had ended already.
    pub fn cut_off(&mut self) -> Option<ChatEvent> {
        // Dropping the engine's stream cancels the work behind it.
        drop(self.events.take()?);
        let end = self.tally.broken_off("it took longer than an answer may take");
        Some(self.tally.count(end))
    }

    /// Waits for the whole answer, but not beyond `deadline`; neighbouring pieces of the same kind are joined.
    pub async fn collect(mut self, deadline: Instant) -> Vec<ChatEvent> {
        let mut events: Vec<ChatEvent> = Vec::new();
        loop {
            let event = match tokio::time::timeout_at(deadline, self.next()).await {
                Ok(event) => event,
                Err(_) => self.cut_off(),
            };
            let Some(event) = event else { return events };
            join(&mut events, event);
        }
    }
}

fn join(events: &mut Vec<ChatEvent>, event: ChatEvent) {
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

impl Stream for Reply {
    type Item = ChatEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<ChatEvent>> {
        let Some(events) = self.events.as_mut() else { return Poll::Ready(None) };
        let event = match std::task::ready!(events.as_mut().poll_next(context)) {
            Some(Ok(event)) => event,
            Some(Err(error)) => self.tally.broken_off(&error.to_string()),
            None => self.tally.broken_off("it ended without finishing"),
        };
        let event = self.tally.count(event);
        if matches!(event, ChatEvent::Finished { .. }) {
            // Dropping the engine's stream frees its place before the caller reads the last byte.
            self.events = None;
        }
        Poll::Ready(Some(event))
    }
}
