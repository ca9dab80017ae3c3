//! How a call begins: `<tool_call>` and what must follow before it is one.

use std::borrow::Cow;

use indexmap::IndexMap;

use super::super::call::Call;
use super::super::literal::{Dialect, Literal};
use super::super::markers::Marker;
use super::super::schema::Tools;
use super::super::sink::Sink;
use super::{Machine, State, is_blank};

/// How far behind `<tool_call>` a name must have ended; anything longer is prose.
const HEAD_BYTES_MAX: usize = 256;

impl Machine {
    /// Takes text after a `<tool_call>` in the thinking.
    pub(super) fn suspected_name(&mut self, text: &str, sink: &mut Sink<'_>) {
        let State::ReasoningOrCall(head) = &mut self.state else { return };
        let (more, rest) = text.split_at(end_of_name(head, text, |_, _| false));
        head.push_str(more);
        let name = head.trim_start();
        let is_possible = head.len() <= HEAD_BYTES_MAX && self.tools.knows_beginning(name);
        if is_possible && rest.is_empty() {
            return;
        }
        let head = std::mem::take(head);
        if is_possible && self.tools.knows(head.trim_start()) {
            self.begin_content(false);
            self.open(head.trim_start(), sink);
        } else {
            self.mention_in_reasoning(&head, sink);
            sink.reasoning(Cow::Borrowed(rest));
        }
    }

    /// Goes on thinking: the `<tool_call>` was only mentioned.
    pub(super) fn mention_in_reasoning(&mut self, head: &str, sink: &mut Sink<'_>) {
        self.state = State::Reasoning;
        sink.reasoning(Cow::Owned([Marker::CallOpen.text(), head].concat()));
    }

    /// Takes text after `<tool_call>`: a name up to the end of the line, or JSON.
    pub(super) fn name(&mut self, text: &str, sink: &mut Sink<'_>) {
        let State::Name(head) = &mut self.state else { return };
        let begins_json = |before, c| c == '{' && matches!(before, None | Some('>'));
        let (more, rest) = text.split_at(end_of_name(head, text, begins_json));
        head.push_str(more);
        if head.len() > HEAD_BYTES_MAX {
            let head = std::mem::take(head);
            self.mention_in_content(&[&head, rest], sink);
        } else if rest.starts_with('{') {
            self.state = State::JsonCall { before: std::mem::take(head), json: rest.to_owned() };
        } else if !rest.is_empty() {
            let head = std::mem::take(head);
            if self.may_be_called(head.trim()) {
                // What follows in this piece is ignored, as all text between arguments is.
                self.open(head.trim(), sink);
            } else {
                self.mention_in_content(&[&head, rest], sink);
            }
        }
    }

    /// Takes the marker that ends a name.
    pub(super) fn end_name(&mut self, head: &str, marker: Marker, sink: &mut Sink<'_>) {
        let name = head.trim();
        match marker {
            // Empty markup is ignored, and so is an opener that is repeated at once.
            Marker::CallClose if name.is_empty() => self.after_call(),
            Marker::CallOpen if name.is_empty() => self.state = State::Name(String::new()),
            Marker::KeyOpen | Marker::CallClose if self.may_be_called(name) => {
                self.open(name, sink);
                self.marker(marker, sink);
            }
            Marker::KeyClose if self.tools.split_name(name).is_some() || self.may_be_called(name) => {
                self.open_before_stray_closer(name, sink);
            }
            Marker::CallOpen | Marker::ResponseOpen if self.tools.knows(name) => {
                self.open_and_close(name, sink);
                self.marker(marker, sink);
            }
            Marker::CallOpen | Marker::ResponseOpen | Marker::ThinkClose => {
                self.mention_in_content(&[head], sink);
                self.marker(marker, sink);
            }
            _ => self.mention_in_content(&[head, marker.text()], sink),
        }
    }

    /// Begins a call whose name runs into its first key, or into a closer that means nothing.
    fn open_before_stray_closer(&mut self, text: &str, sink: &mut Sink<'_>) {
        let Some((name, key)) = self.tools.split_name(text) else { return self.open(text, sink) };
        let (name, key) = (name.to_owned(), key.to_owned());
        let index = self.next_index();
        self.state = State::Call(Call::open_at_value(index, name, key, sink));
    }

    /// Whether `name` is taken for a tool's. Names that were not offered are reported all the same, for the
    /// caller to decide; but no tool has blanks in its name, so such text is prose about the markup.
    fn may_be_called(&self, name: &str) -> bool {
        self.tools.knows(name) || !name.is_empty() && !name.contains(char::is_whitespace)
    }

    /// Goes on with content: the `<tool_call>` was only mentioned.
    fn mention_in_content(&mut self, after: &[&str], sink: &mut Sink<'_>) {
        self.state = State::Content;
        self.content_text(Marker::CallOpen.text().to_owned() + &after.concat(), sink);
    }

    /// Gives up a call that was cut before it was announced. Beside other calls it says nothing; alone it is
    /// all there is to show.
    pub(super) fn abandon(&mut self, before: &str, json: &str, sink: &mut Sink<'_>) {
        let says_something = !(is_blank(before) && is_blank(json));
        if self.calls_started == 0 && says_something {
            self.mention_in_content(&[before, json], sink);
        }
    }

    /// Takes a call written as JSON; what cannot be one is content.
    pub(super) fn json_call(&mut self, before: &str, json: &str, closer: &str, sink: &mut Sink<'_>) {
        let Some((name, arguments)) = read_json_call(before, json, &self.tools) else {
            self.mention_in_content(&[before, json, closer], sink);
            return;
        };
        let index = self.next_index();
        Call::open(index, name, sink).close_with(&arguments, sink);
        self.count_finished();
    }
}

/// The name and arguments of a call written as JSON, if a tool of that name was offered.
fn read_json_call(before: &str, json: &str, tools: &Tools) -> Option<(String, Literal)> {
    let value = Literal::read(json, Dialect::Json)?;
    let (name, arguments) = match before.trim_end().strip_suffix('>') {
        Some(name) => (name.trim().to_owned(), value),
        None => {
            let Literal::Map(mut call) = value else { return None };
            let Some(Literal::Text(name)) = call.swap_remove("name") else { return None };
            let arguments = call.swap_remove("arguments").or_else(|| call.swap_remove("parameters"));
            (name, arguments.unwrap_or(Literal::Null))
        }
    };
    let arguments = match arguments {
        Literal::Text(json) => Literal::read(&json, Dialect::Json)?,
        Literal::Null => Literal::Map(IndexMap::new()),
        arguments => arguments,
    };
    (tools.knows(&name) && matches!(arguments, Literal::Map(_))).then_some((name, arguments))
}

/// Where in `text`, which goes on after `head`, a name ends: at a line break behind it, or where `ends` says
/// so of a character and the one before it in the name (`None` at its start).
fn end_of_name(head: &str, text: &str, ends: impl Fn(Option<char>, char) -> bool) -> usize {
    let mut before = head.trim_start().chars().next_back();
    for (at, c) in text.char_indices() {
        if c == '\n' && before.is_some() || ends(before, c) {
            return at;
        }
        if before.is_some() || !c.is_whitespace() {
            before = Some(c);
        }
    }
    text.len()
}
