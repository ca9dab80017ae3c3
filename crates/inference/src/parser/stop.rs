//! Stop texts of the caller.

/// The most stop texts of one request.
pub const STOP_TEXTS_MAX: usize = 64;

/// The longest stop text.
pub const STOP_TEXT_BYTES_MAX: usize = 1024;

/// Finds the first of several texts in content that arrives in pieces.
///
/// Only what may be the beginning of a stop text is held back, and of that nothing is stored: it equals the
/// beginning of one of the texts. The time taken is linear in the content (Knuth, Morris, Pratt).
#[derive(Clone, Debug, Default)]
pub struct StopTexts {
    patterns: Vec<Pattern>,
    /// The pattern of which most has been read: its beginning is what is held back.
    longest: usize,
    /// The pattern that was met.
    met: Option<usize>,
}

/// Why a list of stop texts is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStopTexts {
    /// More than [`STOP_TEXTS_MAX`].
    #[error("there are more than {STOP_TEXTS_MAX} stop texts")]
    TooMany,
    /// Longer than [`STOP_TEXT_BYTES_MAX`].
    #[error("a stop text is longer than {STOP_TEXT_BYTES_MAX} bytes")]
    TooLong,
}

impl StopTexts {
    /// A matcher for `texts`. Empty texts are left out: they would stop every answer before it begins.
    pub fn new<T: AsRef<str>>(texts: &[T]) -> Result<Self, InvalidStopTexts> {
        if texts.len() > STOP_TEXTS_MAX {
            return Err(InvalidStopTexts::TooMany);
        }
        if texts.iter().any(|text| text.as_ref().len() > STOP_TEXT_BYTES_MAX) {
            return Err(InvalidStopTexts::TooLong);
        }
        let texts = texts.iter().map(AsRef::as_ref).filter(|text| !text.is_empty());
        Ok(Self { patterns: texts.map(Pattern::new).collect(), ..Self::default() })
    }

    /// Takes a further piece of content. Returns what may be passed on, and whether a stop text was met;
    /// then what is returned ends before it, and nothing is returned any more.
    ///
    /// Of several texts the one that is complete first counts, and of those that end together the longest.
    pub fn push(&mut self, text: &str) -> (String, bool) {
        if self.met.is_some() || self.patterns.is_empty() {
            let passed = if self.met.is_some() { "" } else { text };
            return (passed.to_owned(), self.met.is_some());
        }

        let (holder, held) = (self.longest, self.held().len());
        for (at, byte) in text.bytes().enumerate() {
            let advanced = self.patterns.iter_mut().enumerate();
            let matched = advanced.filter_map(|(place, pattern)| Some((pattern.advance(byte)?, place))).max();
            if let Some((matched, place)) = matched {
                self.met = Some(place);
                let held = &self.patterns[holder].text[..held];
                return (first_bytes(held, text, held.len() + at + 1 - matched), true);
            }
        }

        let read = |&place: &usize| self.patterns[place].read;
        self.longest = (0..self.patterns.len()).max_by_key(read).unwrap_or_default();
        let held = &self.patterns[holder].text[..held];
        (first_bytes(held, text, held.len() + text.len() - self.held().len()), false)
    }

    /// The stop text that was met.
    pub fn met(&self) -> Option<&str> {
        self.met.map(|place| self.patterns[place].text.as_str())
    }

    /// Ends the content: what was held back, if no stop text was met.
    pub fn flush(&mut self) -> String {
        let held = if self.met.is_some() { String::new() } else { self.held().to_owned() };
        self.patterns.iter_mut().for_each(|pattern| pattern.read = 0);
        held
    }

    fn held(&self) -> &str {
        self.patterns.get(self.longest).map_or("", |pattern| &pattern.text[..pattern.read])
    }
}

/// The first `count` bytes of `before` and then `after`.
fn first_bytes(before: &str, after: &str, count: usize) -> String {
    match count.checked_sub(before.len()) {
        None => before[..count].to_owned(),
        Some(rest) => [before, &after[..rest]].concat(),
    }
}

#[derive(Clone, Debug)]
struct Pattern {
    text: String,
    /// For each length of a beginning of `text`: the length of its longest proper suffix that is a beginning
    /// too.
    borders: Vec<usize>,
    /// How much of `text` the content read so far ends with.
    read: usize,
}

impl Pattern {
    fn new(text: &str) -> Self {
        let mut pattern = Self { text: text.to_owned(), borders: vec![0; text.len() + 1], read: 0 };
        // The borders come from matching the text against itself, one byte behind.
        for (length, byte) in text.bytes().enumerate().skip(1) {
            pattern.advance(byte);
            pattern.borders[length + 1] = pattern.read;
        }
        pattern.read = 0;
        pattern
    }

    /// Takes a byte; `Some` with the text's length if it is now complete.
    fn advance(&mut self, byte: u8) -> Option<usize> {
        let bytes = self.text.as_bytes();
        while self.read > 0 && bytes.get(self.read) != Some(&byte) {
            self.read = self.borders[self.read];
        }
        if bytes.get(self.read) == Some(&byte) {
            self.read += 1;
        }
        (self.read == bytes.len()).then_some(self.read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(stops: &[&str], pieces: &[&str]) -> (Vec<String>, bool) {
        let mut texts = StopTexts::new(stops).unwrap();
        let mut matched = false;
        let mut passed = Vec::new();
        for piece in pieces {
            let (text, now) = texts.push(piece);
            matched |= now;
            passed.push(text);
        }
        passed.push(texts.flush());
        (passed, matched)
    }

    /// CAP-CHAT-07: the output ends before the stop text, wherever that is cut.
    #[test]
    fn output_ends_before_a_stop_text_that_arrives_in_pieces() {
        assert_eq!(
            run(&["END"], &["one E", "N", "D two", "three"]),
            (["one ", "", "", "", ""].map(String::from).to_vec(), true)
        );
    }

    /// What only looked like a stop text is passed on as soon as that is known, and at the end at the latest.
    #[test]
    fn a_false_beginning_is_passed_on() {
        assert_eq!(
            run(&["\n\nQ:"], &["a\n", "\n", "\nQ", "x\n"]),
            (["a", "", "\n", "\n\nQx", "\n"].map(String::from).to_vec(), false)
        );
    }

    #[test]
    fn the_first_complete_text_wins_and_then_the_longest() {
        assert_eq!(run(&["bc", "abcd"], &["xabcd"]), (vec!["xa".into(), String::new()], true));
        assert_eq!(run(&["c", "abc"], &["xabc"]), (vec!["x".into(), String::new()], true));
    }

    #[test]
    fn the_text_that_was_met_is_known() {
        let mut texts = StopTexts::new(&["bc", "abcd"]).unwrap();
        assert_eq!(texts.met(), None);
        texts.push("xabcd");
        assert_eq!(texts.met(), Some("bc"));
    }

    #[test]
    fn lists_that_are_too_long_are_refused_and_empty_texts_left_out() {
        assert_eq!(StopTexts::new(&["a"; STOP_TEXTS_MAX + 1]).unwrap_err(), InvalidStopTexts::TooMany);
        assert_eq!(StopTexts::new(&["a".repeat(1025)]).unwrap_err(), InvalidStopTexts::TooLong);
        assert_eq!(run(&[""], &["abc"]), (vec!["abc".into(), String::new()], false));
    }

    /// Where the first complete stop text begins, found the slow way.
    fn expected(stops: &[String], content: &str) -> Option<usize> {
        (0..=content.len()).filter(|&end| content.is_char_boundary(end)).find_map(|end| {
            let ends =
                stops.iter().filter(|stop| !stop.is_empty() && content[..end].ends_with(stop.as_str()));
            ends.map(|stop| end - stop.len()).min()
        })
    }

    proptest! {
        /// Any cut of the content gives what a search in the whole gives, and no more than a beginning of a
        /// stop text is ever held back.
        #[test]
        fn any_cut_stops_at_the_same_place(
            stops in prop::collection::vec("[ab日本]{0,5}", 0..4),
            pieces in prop::collection::vec("[ab日本]{0,6}", 0..12),
        ) {
            let mut texts = StopTexts::new(&stops).unwrap();
            let content = pieces.concat();
            let (mut given, mut passed, mut matched) = (String::new(), String::new(), false);
            for piece in &pieces {
                let (text, now) = texts.push(piece);
                given.push_str(piece);
                passed.push_str(&text);
                matched = now;
                prop_assert!(given.starts_with(&passed));
                prop_assert!(matched || stops.iter().any(|stop| stop.starts_with(&given[passed.len()..]))
                    || given == passed);
            }
            passed.push_str(&texts.flush());
            let end = expected(&stops, &content);
            prop_assert_eq!(matched, end.is_some());
            prop_assert_eq!(passed, &content[..end.unwrap_or(content.len())]);
        }
    }
}
