use aho_corasick::{AhoCorasick, MatchKind};
use minijinja::Value;

use super::{PromptError, Segment};

/// Two characters of the private use area that stand around what is sealed.
const OPEN: char = '\u{10F8A1}';
const CLOSE: char = '\u{10F8A2}';

/// A nonce in decimal digits: they survive JSON, trimming and changes of case.
const NONCE_DIGITS: usize = 20;

/// Whether `c` belongs to a seal, so that JSON must not escape it.
pub(super) fn is_mark(c: char) -> bool {
    matches!(c, OPEN | CLOSE)
}

/// Knows the texts of a model's control tokens.
#[derive(Debug)]
pub(super) struct Guard {
    tokens: Vec<String>,
    /// Finds `tokens`, then the two marks.
    matcher: AhoCorasick,
    /// For each pattern of the matcher its text, in pieces of which none holds a whole control token.
    pieces: Vec<Vec<String>>,
}

impl Guard {
    pub fn new(mut tokens: Vec<String>) -> Result<Self, PromptError> {
        // A token of one character is the only way to write that character, and runs of spaces are
        // user-defined tokens in some vocabularies: neither commands anything.
        tokens.retain(|token| token.chars().nth(1).is_some() && !token.trim().is_empty());

        let marks = [OPEN.to_string(), CLOSE.to_string()];
        let patterns: Vec<&str> = tokens.iter().chain(&marks).map(String::as_str).collect();
        let matcher = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&patterns)
            .map_err(PromptError::ControlTokens)?;
        let pieces = patterns.iter().map(|text| split_harmless(text, &matcher)).collect();
        Ok(Self { tokens, matcher, pieces })
    }

    /// Begins one rendering.
    pub fn seal(&self) -> Seal<'_> {
        Seal { guard: self, nonce: format!("{:0NONCE_DIGITS$}", rand::random::<u64>()) }
    }

    /// Whether `text` ends in the beginning of a control token, which what follows could complete.
    fn ends_in_a_beginning(&self, text: &str) -> bool {
        self.tokens
            .iter()
            .any(|token| token.char_indices().skip(1).any(|(length, _)| text.ends_with(&token[..length])))
    }

    /// Whether a control token lies across position `cut` of `text`.
    fn spans(&self, text: &str, cut: usize) -> bool {
        let (before, after) = text.split_at(cut);
        self.tokens.iter().any(|token| {
            token
                .char_indices()
                .skip(1)
                .any(|(at, _)| before.ends_with(&token[..at]) && after.starts_with(&token[at..]))
        })
    }
}

/// Cuts `text` after the first character of every control token in it.
fn split_harmless(text: &str, matcher: &AhoCorasick) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    // Looking again from the second character on also finds tokens inside tokens.
    let mut searched = 0;
    while let Some(found) = matcher.find(&rest[searched..]) {
        let start = searched + found.start();
        let Some(first) = rest[start..].chars().next() else { break };
        let cut = start + first.len_utf8();
        if cut == rest.len() {
            break;
        }
        pieces.push(rest[..cut].to_owned());
        rest = &rest[cut..];
        searched = 0;
    }
    pieces.push(rest.to_owned());
    pieces
}

/// What is sealed during one rendering can be told from everything else in its output: a seal carries a fresh
/// nonce, and marks that callers write are sealed themselves.
pub(super) struct Seal<'g> {
    guard: &'g Guard,
    nonce: String,
}

impl Seal<'_> {
    /// `text` for the template's eyes: control tokens sealed, everything else as it is.
    pub fn text(&self, text: &str) -> String {
        let mut sealed = String::with_capacity(text.len());
        let mut copied = 0;
        for found in self.guard.matcher.find_iter(text) {
            sealed.push_str(&text[copied..found.start()]);
            self.push_mark(&mut sealed, Some(found.pattern().as_usize()));
            copied = found.end();
        }
        // The template may trim the text, so its end is where the last visible character is.
        let end = text.trim_end().len();
        if copied < end && self.guard.ends_in_a_beginning(&text[copied..end]) {
            sealed.push_str(&text[copied..end]);
            self.push_mark(&mut sealed, None);
            copied = end;
        }
        sealed.push_str(&text[copied..]);
        sealed
    }

    /// `value` for the template's eyes, with every key and text in it sealed and the keys in their order.
    pub fn json(&self, value: &serde_json::Value) -> Value {
        match value {
            serde_json::Value::Null => Value::from(()),
            serde_json::Value::Bool(truth) => Value::from(*truth),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(whole), _) => Value::from(whole),
                (None, Some(whole)) => Value::from(whole),
                (None, None) => Value::from(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => Value::from(self.text(text)),
            serde_json::Value::Array(items) => items.iter().map(|item| self.json(item)).collect(),
            serde_json::Value::Object(fields) => {
                Value::from_pairs(fields.iter().map(|(key, value)| (self.text(key), self.json(value))))
            }
        }
    }

    /// Takes the template's output apart.
    pub fn open(&self, rendered: &str) -> Result<Vec<Segment>, PromptError> {
        let mut segments = Vec::new();
        let mut plain = String::new();
        let mut cuts = Vec::new();
        let mut rest = rendered;
        while let Some(at) = rest.find(OPEN) {
            let (before, marked) = rest.split_at(at);
            plain.push_str(before);
            let (mark, after) = self.read_mark(marked).ok_or(PromptError::Mangled)?;
            match mark {
                None => cuts.push(plain.len()),
                Some(pattern) => {
                    self.flush(&mut plain, &mut cuts, &mut segments)?;
                    let pieces = self.guard.pieces.get(pattern).ok_or(PromptError::Mangled)?;
                    segments.extend(pieces.iter().cloned().map(Segment::Text));
                }
            }
            rest = after;
        }
        plain.push_str(rest);
        self.flush(&mut plain, &mut cuts, &mut segments)?;
        Ok(segments)
    }

    /// Makes the words of a template's refusal readable again.
    pub fn open_error(&self, error: PromptError) -> PromptError {
        let PromptError::Refused { message } = error else { return error };
        match self.open(&message) {
            Ok(segments) => PromptError::Refused { message: segments.iter().map(Segment::as_str).collect() },
            Err(mangled) => mangled,
        }
    }

    /// Moves what was gathered in `plain` to `segments`, cut where two texts would make a control token.
    fn flush(
        &self,
        plain: &mut String,
        cuts: &mut Vec<usize>,
        segments: &mut Vec<Segment>,
    ) -> Result<(), PromptError> {
        if plain.contains(CLOSE) || plain.contains(&self.nonce) {
            return Err(PromptError::Mangled);
        }
        let mut start = 0;
        for cut in cuts.drain(..) {
            if cut > start && self.guard.spans(&plain[start..], cut - start) {
                segments.push(Segment::Template(plain[start..cut].to_owned()));
                start = cut;
            }
        }
        if start < plain.len() {
            segments.push(Segment::Template(plain[start..].to_owned()));
        }
        plain.clear();
        Ok(())
    }

    /// Writes a seal: of a pattern, or of nothing, where only a cut may be needed.
    fn push_mark(&self, sealed: &mut String, pattern: Option<usize>) {
        sealed.push(OPEN);
        sealed.push_str(&self.nonce);
        if let Some(pattern) = pattern {
            sealed.push_str(&pattern.to_string());
        }
        sealed.push(CLOSE);
    }

    /// Reads the seal at the start of `marked`; gives the pattern, if it has one, and what follows.
    fn read_mark<'t>(&self, marked: &'t str) -> Option<(Option<usize>, &'t str)> {
        let digits = marked.strip_prefix(OPEN)?.strip_prefix(self.nonce.as_str())?;
        let (pattern, after) = digits.split_once(CLOSE)?;
        let pattern = if pattern.is_empty() { None } else { Some(pattern.parse().ok()?) };
        Some((pattern, after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(tokens: &[&str]) -> Guard {
        Guard::new(tokens.iter().map(|token| (*token).to_owned()).collect()).unwrap()
    }

    fn texts(segments: &[Segment]) -> Vec<&str> {
        segments.iter().map(Segment::as_str).collect()
    }

    #[test]
    fn a_token_comes_back_in_harmless_pieces() {
        let guard = guard(&["<think>", "<<think>>", "ab", "bc"]);
        let seal = guard.seal();
        let open = |text: &str| seal.open(&seal.text(text)).unwrap();
        assert_eq!(texts(&open("a <think> b")), ["a ", "<", "think>", " b"]);
        assert_eq!(texts(&open("<<think>>")), ["<", "<", "think>>"]);
        assert_eq!(texts(&open("abc")), ["a", "b", "c"]);
        assert_eq!(open("plain"), [Segment::Template("plain".to_owned())]);
    }

    #[test]
    fn two_halves_from_two_texts_stay_two_halves() {
        let guard = guard(&["<think>"]);
        let seal = guard.seal();
        let glued = format!("{}{}", seal.text("say <thi"), seal.text("nk> now"));
        assert_eq!(texts(&seal.open(&glued).unwrap()), ["say <thi", "nk> now"]);
        let trimmed = format!("{}think>", seal.text("say < \n").trim_end());
        assert_eq!(texts(&seal.open(&trimmed).unwrap()), ["say <", "think>"]);
        let apart = format!("{}{}", seal.text("2 <"), seal.text(" 3"));
        assert_eq!(texts(&seal.open(&apart).unwrap()), ["2 < 3"]);
    }

    #[test]
    fn a_template_that_breaks_a_seal_is_noticed() {
        let guard = guard(&["<think>"]);
        let seal = guard.seal();
        let sealed = seal.text("<think>");
        for length in 1..sealed.chars().count() {
            let cut: String = sealed.chars().take(length).collect();
            assert!(matches!(seal.open(&cut), Err(PromptError::Mangled)), "{length}");
            let tail: String = sealed.chars().skip(length).collect();
            assert!(matches!(seal.open(&tail), Err(PromptError::Mangled)), "{length}");
        }
        assert!(matches!(seal.open(&sealed.escape_default().to_string()), Err(PromptError::Mangled)));
    }
}
