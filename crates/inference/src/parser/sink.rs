//! Where events go.

use std::borrow::Cow;

use crate::ChatEvent;

/// Appends events, joining neighbours of one kind so that one piece of output makes few events.
///
/// Events that were there before are left alone: their reader may have seen them.
#[derive(Debug)]
pub(super) struct Sink<'a> {
    events: &'a mut Vec<ChatEvent>,
    first: usize,
}

impl<'a> Sink<'a> {
    pub(super) fn new(events: &'a mut Vec<ChatEvent>) -> Self {
        let first = events.len();
        Self { events, first }
    }

    pub(super) fn reasoning(&mut self, text: Cow<'_, str>) {
        match self.last() {
            _ if text.is_empty() => {}
            Some(ChatEvent::Reasoning(before)) => before.push_str(&text),
            _ => self.push(ChatEvent::Reasoning(text.into_owned())),
        }
    }

    pub(super) fn content(&mut self, text: Cow<'_, str>) {
        match self.last() {
            _ if text.is_empty() => {}
            Some(ChatEvent::Content(before)) => before.push_str(&text),
            _ => self.push(ChatEvent::Content(text.into_owned())),
        }
    }

    /// Adds what `write` writes to the arguments of call `index`.
    pub(super) fn arguments(&mut self, index: u32, write: impl FnOnce(&mut String)) {
        if let Some(ChatEvent::ToolCallArguments { fragment, .. }) = self.last() {
            write(fragment);
            return;
        }
        let mut fragment = String::new();
        write(&mut fragment);
        self.push(ChatEvent::ToolCallArguments { index, fragment });
    }

    pub(super) fn push(&mut self, event: ChatEvent) {
        self.events.push(event);
    }

    fn last(&mut self) -> Option<&mut ChatEvent> {
        self.events[self.first..].last_mut()
    }
}
