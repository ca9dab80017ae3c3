//! Finding markers in text that arrives in pieces.

use std::borrow::Cow;

/// A piece of markup. Each begins with `<`, holds no other `<` and ends with `>`; [`Scanner`] relies on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    ThinkOpen,
    ThinkClose,
    CallOpen,
    CallClose,
    KeyOpen,
    KeyClose,
    ValueOpen,
    ValueClose,
    ResponseOpen,
}

impl Marker {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::ThinkOpen => "<think>",
            Self::ThinkClose => "</think>",
            Self::CallOpen => "<tool_call>",
            Self::CallClose => "</tool_call>",
            Self::KeyOpen => "<arg_key>",
            Self::KeyClose => "</arg_key>",
            Self::ValueOpen => "<arg_value>",
            Self::ValueClose => "</arg_value>",
            Self::ResponseOpen => "<tool_response>",
        }
    }
}

/// What a [`Scanner`] finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text without any legal marker; never empty.
    Text(Cow<'a, str>),
    Marker(Marker),
}

/// Cuts text at markers. It holds back at most the beginning of one marker.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    /// Empty, or the beginning of a marker that was legal when it came.
    held: String,
}

impl Scanner {
    /// Takes the next piece off `input`; `None` when everything certain has been taken.
    ///
    /// `legal` may differ from call to call. Since no marker has a `<` inside, a failed match can only begin
    /// anew at the character that failed it: nothing is read twice.
    pub(super) fn next<'a>(&mut self, input: &mut &'a str, legal: &[Marker]) -> Option<Piece<'a>> {
        if input.is_empty() {
            return None;
        }
        if !self.held.is_empty() {
            match continues(&self.held, input, legal) {
                Match::Whole(marker) => {
                    *input = &input[marker.text().len() - self.held.len()..];
                    self.held.clear();
                    return Some(Piece::Marker(marker));
                }
                Match::Beginning => {
                    self.held.push_str(input);
                    *input = "";
                    return None;
                }
                Match::None => {}
            }
        }

        let (end, found) = first_match(input, legal);
        if end > 0 || !self.held.is_empty() {
            let (text, rest) = input.split_at(end);
            *input = rest;
            if self.held.is_empty() {
                return Some(Piece::Text(Cow::Borrowed(text)));
            }
            let mut released = std::mem::take(&mut self.held);
            released.push_str(text);
            return Some(Piece::Text(Cow::Owned(released)));
        }
        if let Match::Whole(marker) = found {
            *input = &input[marker.text().len()..];
            return Some(Piece::Marker(marker));
        }
        self.held.push_str(input);
        *input = "";
        None
    }

    /// Gives up waiting: the text held back.
    pub(super) fn take_held(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

enum Match {
    Whole(Marker),
    Beginning,
    None,
}

/// Whether `held` and then `rest` begin with a marker, or could.
fn continues(held: &str, rest: &str, legal: &[Marker]) -> Match {
    let mut found = Match::None;
    for &marker in legal {
        let Some(missing) = marker.text().strip_prefix(held) else { continue };
        if rest.starts_with(missing) {
            return Match::Whole(marker);
        }
        if missing.starts_with(rest) {
            found = Match::Beginning;
        }
    }
    found
}

/// Where the first marker, or possible beginning of one, stands; the end of the text if there is none.
fn first_match(text: &str, legal: &[Marker]) -> (usize, Match) {
    let mut from = 0;
    while let Some(offset) = text[from..].find('<') {
        let at = from + offset;
        match continues("", &text[at..], legal) {
            Match::None => from = at + 1,
            found => return (at, found),
        }
    }
    (text.len(), Match::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(chunks: &[&str], legal: &[Marker]) -> (Vec<String>, String) {
        let mut scanner = Scanner::default();
        let mut found = Vec::new();
        for mut chunk in chunks.iter().copied() {
            while let Some(piece) = scanner.next(&mut chunk, legal) {
                found.push(match piece {
                    Piece::Text(text) => text.into_owned(),
                    Piece::Marker(marker) => format!("{marker:?}"),
                });
            }
        }
        (found, scanner.take_held())
    }

    /// Streaming rule 1: only what may begin a marker waits, and it is released with what refutes it.
    #[test]
    fn a_failed_beginning_is_released_together_with_what_refutes_it() {
        let legal = [Marker::CallOpen, Marker::ResponseOpen];
        assert_eq!(
            pieces(&["a <tool", "_box> <", "tool_", "call>b<tool_res"], &legal),
            (vec!["a ".into(), "<tool_box> ".into(), "CallOpen".into(), "b".into()], "<tool_res".into())
        );
    }

    /// Streaming rule 4: a `<` before the closer does not swallow it.
    #[test]
    fn a_match_that_fails_at_a_new_opening_begins_there() {
        assert_eq!(
            pieces(&["x<", "<", "</arg_val", "</arg_value>"], &[Marker::ValueClose]),
            (
                vec!["x".into(), "<".into(), "<".into(), "</arg_val".into(), "ValueClose".into()],
                String::new()
            )
        );
    }

    /// A marker that the state does not know is text.
    #[test]
    fn only_legal_markers_are_found() {
        assert_eq!(
            pieces(&["<think>a</think>"], &[Marker::ThinkClose]),
            (vec!["<think>a".into(), "ThinkClose".into()], String::new())
        );
    }
}
