//! What a piece of output means, by what came before it.

mod opening;

use std::borrow::Cow;

use super::call::Call;
use super::content::Content;
use super::markers::{Marker, Piece};
use super::schema::Tools;
use super::sink::Sink;
use super::{Generation, Stop};
use crate::{FinishReason, Tool};

#[derive(Debug)]
pub(super) struct Machine {
    tools: Tools,
    state: State,
    content: Content,
    calls_started: u32,
    calls_finished: usize,
    is_json: bool,
}

#[derive(Debug)]
enum State {
    /// Generation A, before the first visible character: `<think>` may follow.
    Start {
        blank: String,
    },
    /// Generation B, likewise: `<think>` may be repeated though it stands in the prompt.
    ReasoningStart {
        blank: String,
    },
    Reasoning,
    /// After `<tool_call>` in the thinking: a call if a tool's name follows, else a mention of the marker.
    ReasoningOrCall(String),
    Content,
    /// After `<tool_call>`, until the name is complete.
    Name(String),
    /// A call written as JSON. The name is inside, or stands before it with a `>`.
    JsonCall {
        before: String,
        json: String,
    },
    Call(Call),
    /// The answer is over; whatever comes is ignored.
    Over,
}

impl Machine {
    pub(super) fn new(generation: Generation, thinking: bool, tools: &[Tool]) -> Self {
        let state = match (thinking, generation) {
            (true, Generation::A) => State::Start { blank: String::new() },
            (true, Generation::B) => State::ReasoningStart { blank: String::new() },
            (false, _) => State::Content,
        };
        Self {
            tools: Tools::new(tools),
            state,
            content: Content::new(generation == Generation::A),
            calls_started: 0,
            calls_finished: 0,
            is_json: false,
        }
    }

    pub(super) fn expect_json(&mut self) {
        self.is_json = true;
    }

    pub(super) fn is_reasoning(&self) -> bool {
        matches!(
            self.state,
            State::Start { .. } | State::ReasoningStart { .. } | State::Reasoning | State::ReasoningOrCall(_)
        )
    }

    pub(super) fn in_tool_call(&self) -> bool {
        matches!(self.state, State::Name(_) | State::JsonCall { .. } | State::Call(_))
    }

    pub(super) fn may_begin_call(&self) -> bool {
        match self.state {
            State::Start { .. } => true,
            State::Content => !self.is_in_json(),
            _ => false,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    pub(super) fn calls(&self) -> usize {
        self.calls_finished
    }

    /// The markers that mean something now.
    ///
    /// A state whose text may pass to another one includes that one's markers, so that the text never holds
    /// a marker that would have to be looked for again.
    pub(super) fn legal(&self) -> &'static [Marker] {
        use Marker::{CallClose, CallOpen, KeyClose, KeyOpen, ResponseOpen, ThinkClose, ThinkOpen};
        match &self.state {
            State::Start { .. } => &[ThinkOpen, ThinkClose, CallOpen, ResponseOpen],
            State::ReasoningStart { .. } => &[ThinkOpen, ThinkClose, CallOpen],
            State::Reasoning => &[ThinkClose, CallOpen],
            State::ReasoningOrCall(_) => &[KeyOpen, CallClose, ThinkClose, CallOpen, ResponseOpen],
            State::Content if self.is_in_json() => &[],
            State::Content => &[CallOpen, ThinkClose, ResponseOpen],
            State::Name(_) => &[KeyOpen, CallClose, KeyClose, CallOpen, ThinkClose, ResponseOpen],
            State::JsonCall { .. } => &[CallClose],
            State::Call(call) => call.legal(),
            State::Over => &[],
        }
    }

    /// Takes a piece found with [`Machine::legal`].
    pub(super) fn take(&mut self, piece: Piece<'_>, sink: &mut Sink<'_>) {
        match piece {
            Piece::Text(text) => self.text(text, sink),
            Piece::Marker(marker) => self.marker(marker, sink),
        }
    }

    fn text(&mut self, text: Cow<'_, str>, sink: &mut Sink<'_>) {
        match &mut self.state {
            State::Start { blank } => {
                if is_blank(&text) {
                    blank.push_str(&text);
                } else {
                    let text = std::mem::take(blank) + &text;
                    self.begin_content(true);
                    self.content_text(text, sink);
                }
            }
            State::ReasoningStart { blank } => {
                if is_blank(&text) {
                    blank.push_str(&text);
                } else {
                    sink.reasoning(Cow::Owned(std::mem::take(blank)));
                    sink.reasoning(text);
                    self.state = State::Reasoning;
                }
            }
            State::Reasoning => sink.reasoning(text),
            State::ReasoningOrCall(_) => self.suspected_name(&text, sink),
            State::Content => sink.content(self.content.take(text)),
            State::Name(_) => self.name(&text, sink),
            State::JsonCall { json, .. } => json.push_str(&text),
            State::Call(call) => call.text(&text, &self.tools, sink),
            State::Over => {}
        }
    }

    fn marker(&mut self, marker: Marker, sink: &mut Sink<'_>) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Start { blank } => match marker {
                Marker::ThinkOpen => self.state = State::Reasoning,
                _ => {
                    self.begin_content(true);
                    self.content_text(blank, sink);
                    self.marker(marker, sink);
                }
            },
            State::ReasoningStart { blank } => {
                self.state = State::Reasoning;
                if marker != Marker::ThinkOpen {
                    sink.reasoning(Cow::Owned(blank));
                    self.marker(marker, sink);
                }
            }
            State::Reasoning => match marker {
                Marker::ThinkClose => self.begin_content(true),
                Marker::CallOpen if !self.tools.is_empty() => {
                    self.state = State::ReasoningOrCall(String::new());
                }
                _ => {
                    self.state = State::Reasoning;
                    sink.reasoning(Cow::Borrowed(marker.text()));
                }
            },
            State::ReasoningOrCall(head) => {
                let begins_arguments = matches!(marker, Marker::KeyOpen | Marker::CallClose);
                if begins_arguments && self.tools.knows(head.trim_start()) {
                    self.begin_content(false);
                    self.open(head.trim_start(), sink);
                } else {
                    self.mention_in_reasoning(&head, sink);
                }
                self.marker(marker, sink);
            }
            State::Content => match marker {
                Marker::CallOpen => self.state = State::Name(String::new()),
                // A tool's result invented by the model ends what can be believed.
                Marker::ResponseOpen => {}
                // A stray closer of the thinking is dropped.
                _ => self.state = State::Content,
            },
            State::Name(head) => self.end_name(&head, marker, sink),
            State::JsonCall { before, json } => self.json_call(&before, &json, marker.text(), sink),
            State::Call(mut call) => {
                if call.marker(marker, &self.tools, sink) {
                    self.state = State::Call(call);
                } else {
                    self.count_finished();
                    // Where the closer is missing, the next call or an invented result takes its place.
                    match marker {
                        Marker::CallClose => {}
                        _ => self.marker(marker, sink),
                    }
                }
            }
            State::Over => {}
        }
    }

    /// Ends the answer. `held` is the beginning of a marker that did not go on.
    pub(super) fn finish(&mut self, stop: Stop, held: &str, sink: &mut Sink<'_>) -> FinishReason {
        let is_cut = stop != Stop::Token;
        // Half a closer is no part of an argument that was cut.
        let keeps_held = !(held.is_empty() || is_cut && matches!(self.state, State::Call(_)));
        if keeps_held && stop != Stop::Text {
            self.text(Cow::Borrowed(held), sink);
        }
        match std::mem::replace(&mut self.state, State::Over) {
            _ if stop == Stop::Text => {}
            State::ReasoningStart { blank } => sink.reasoning(Cow::Owned(blank)),
            State::ReasoningOrCall(head) => self.mention_in_reasoning(&head, sink),
            State::Name(head) if !is_cut && self.tools.knows(head.trim()) => {
                self.open_and_close(head.trim(), sink);
            }
            State::Name(head) => self.abandon(&head, "", sink),
            State::JsonCall { before, json } if !is_cut => self.json_call(&before, &json, "", sink),
            State::JsonCall { before, json } => self.abandon(&before, &json, sink),
            State::Call(mut call) if !is_cut => {
                call.close(sink);
                self.count_finished();
            }
            State::Start { .. } | State::Reasoning | State::Content | State::Call(_) | State::Over => {}
        }
        self.state = State::Over;

        match stop {
            Stop::Length => FinishReason::Length,
            Stop::Window => FinishReason::ModelContextWindowExceeded,
            Stop::Token | Stop::Text if self.calls_finished > 0 => FinishReason::ToolCalls,
            Stop::Token | Stop::Text => FinishReason::Stop,
        }
    }

    fn is_in_json(&self) -> bool {
        self.is_json && self.content.has_begun()
    }

    fn begin_content(&mut self, drops_newlines: bool) {
        self.state = State::Content;
        self.content = Content::new(drops_newlines);
    }

    fn content_text(&mut self, text: String, sink: &mut Sink<'_>) {
        sink.content(self.content.take(Cow::Owned(text)));
    }

    fn open(&mut self, name: &str, sink: &mut Sink<'_>) {
        let index = self.next_index();
        self.state = State::Call(Call::open(index, name.to_owned(), sink));
    }

    fn open_and_close(&mut self, name: &str, sink: &mut Sink<'_>) {
        let index = self.next_index();
        Call::open(index, name.to_owned(), sink).close(sink);
        self.count_finished();
    }

    fn next_index(&mut self) -> u32 {
        let index = self.calls_started;
        self.calls_started += 1;
        index
    }

    fn count_finished(&mut self) {
        self.calls_finished += 1;
        self.after_call();
    }

    fn after_call(&mut self) {
        self.state = State::Content;
        self.content.restart();
    }
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}
