//! One tool call, from its name to `</tool_call>`.

use std::collections::HashSet;

use super::literal::{Dialect, Literal, write_escaped, write_quoted};
use super::markers::Marker;
use super::schema::{Reading, Tools};
use super::sink::Sink;
use crate::{ChatEvent, tool_call_id};

/// A call whose name has been sent and whose arguments are coming in.
#[derive(Debug)]
pub(super) struct Call {
    index: u32,
    name: String,
    /// Keys whose argument has begun; the first of two equal ones counts, since it may have been sent.
    keys: HashSet<String>,
    /// Whether the opening brace has been sent.
    has_arguments: bool,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// Outside any argument; text here is ignored.
    Between,
    /// After `<arg_key>`.
    Key(String),
    /// After `</arg_key>`.
    BeforeValue(String),
    /// After `<arg_value>`.
    Value(Argument),
}

#[derive(Debug)]
enum Argument {
    /// A string, sent as it arrives.
    Streamed,
    /// A value that can only be judged when it is complete.
    Whole { key: String, reading: Reading, text: String },
    /// The argument of a repeated key.
    Ignored,
}

impl Call {
    /// Announces a call.
    pub(super) fn open(index: u32, name: String, sink: &mut Sink<'_>) -> Self {
        sink.push(ChatEvent::ToolCallStarted { index, id: tool_call_id(), name: name.clone() });
        Self { index, name, keys: HashSet::new(), has_arguments: false, place: Place::Between }
    }

    /// Announces a call whose first key is known already.
    pub(super) fn open_at_value(index: u32, name: String, key: String, sink: &mut Sink<'_>) -> Self {
        Self { place: Place::BeforeValue(key), ..Self::open(index, name, sink) }
    }

    /// The markers that mean something now. Those that end a call also end a key whose closer is missing; in
    /// a value they are text.
    pub(super) fn legal(&self) -> &'static [Marker] {
        use Marker::{CallClose, CallOpen, KeyClose, KeyOpen, ResponseOpen, ValueClose, ValueOpen};
        match self.place {
            Place::Between => &[KeyOpen, CallClose, CallOpen, ResponseOpen],
            Place::Key(_) => &[KeyClose, ValueOpen, KeyOpen, CallClose, CallOpen, ResponseOpen],
            Place::BeforeValue(_) => &[ValueOpen, ValueClose, KeyOpen, CallClose],
            Place::Value(_) => &[ValueClose],
        }
    }

    pub(super) fn text(&mut self, text: &str, tools: &Tools, sink: &mut Sink<'_>) {
        match &mut self.place {
            Place::Between => {}
            Place::Key(key) => key.push_str(text),
            Place::BeforeValue(key) => {
                // Visible text here means that `<arg_value>` is missing.
                let text = text.trim_start();
                if !text.is_empty() {
                    let key = std::mem::take(key);
                    self.begin_value(key, tools, sink);
                    self.value_text(text, sink);
                }
            }
            Place::Value(_) => self.value_text(text, sink),
        }
    }

    /// Takes a legal marker and says whether the call is still open.
    pub(super) fn marker(&mut self, marker: Marker, tools: &Tools, sink: &mut Sink<'_>) -> bool {
        match (std::mem::replace(&mut self.place, Place::Between), marker) {
            (_, Marker::KeyOpen) => self.place = Place::Key(String::new()),
            (Place::Key(key), Marker::KeyClose) => self.place = Place::BeforeValue(key.trim().to_owned()),
            (Place::Key(key), Marker::ValueOpen) => self.begin_value(key.trim().to_owned(), tools, sink),
            (Place::BeforeValue(key), Marker::ValueOpen) => self.begin_value(key, tools, sink),
            (Place::BeforeValue(key), Marker::ValueClose) => {
                self.begin_value(key, tools, sink);
                self.end_value(sink);
            }
            (place @ Place::Value(_), Marker::ValueClose) => {
                self.place = place;
                self.end_value(sink);
            }
            (_, Marker::CallClose | Marker::CallOpen | Marker::ResponseOpen) => {
                self.close(sink);
                return false;
            }
            (place, _) => self.place = place,
        }
        true
    }

    /// Ends the call, and before it a value that is open.
    pub(super) fn close(&mut self, sink: &mut Sink<'_>) {
        self.end_value(sink);
        let end = if self.has_arguments { "}" } else { "{}" };
        sink.arguments(self.index, |json| json.push_str(end));
        sink.push(ChatEvent::ToolCallFinished { index: self.index });
    }

    /// Ends the call with the arguments given as a whole.
    pub(super) fn close_with(self, arguments: &Literal, sink: &mut Sink<'_>) {
        sink.arguments(self.index, |json| arguments.write(json));
        sink.push(ChatEvent::ToolCallFinished { index: self.index });
    }

    fn begin_value(&mut self, key: String, tools: &Tools, sink: &mut Sink<'_>) {
        if self.keys.contains(&key) {
            self.place = Place::Value(Argument::Ignored);
            return;
        }
        self.keys.insert(key.clone());
        let argument = match tools.reading(&self.name, &key) {
            Reading::Text => {
                self.begin_argument(&key, sink);
                sink.arguments(self.index, |json| json.push('"'));
                Argument::Streamed
            }
            reading => Argument::Whole { key, reading, text: String::new() },
        };
        self.place = Place::Value(argument);
    }

    fn value_text(&mut self, text: &str, sink: &mut Sink<'_>) {
        match &mut self.place {
            Place::Value(Argument::Streamed) => sink.arguments(self.index, |json| write_escaped(text, json)),
            Place::Value(Argument::Whole { text: before, .. }) => before.push_str(text),
            _ => {}
        }
    }

    fn end_value(&mut self, sink: &mut Sink<'_>) {
        match std::mem::replace(&mut self.place, Place::Between) {
            Place::Value(Argument::Streamed) => sink.arguments(self.index, |json| json.push('"')),
            Place::Value(Argument::Whole { key, reading, text }) => {
                let value = read_value(text, reading);
                self.begin_argument(&key, sink);
                sink.arguments(self.index, |json| value.write(json));
            }
            _ => {}
        }
    }

    fn begin_argument(&mut self, key: &str, sink: &mut Sink<'_>) {
        let before = if self.has_arguments { ", " } else { "{" };
        self.has_arguments = true;
        sink.arguments(self.index, |json| {
            json.push_str(before);
            write_quoted(key, json);
            json.push_str(": ");
        });
    }
}

fn read_value(text: String, reading: Reading) -> Literal {
    let value = match reading {
        Reading::Text => None,
        Reading::JsonOrText => Literal::read(text.trim(), Dialect::Json),
        Reading::Literal => {
            Literal::read(text.trim(), Dialect::Json).or_else(|| Literal::read(text.trim(), Dialect::Lenient))
        }
    };
    value.unwrap_or(Literal::Text(text))
}
