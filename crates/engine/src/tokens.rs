//! Between text and tokens.

use std::sync::Arc;

use inference::Overflow;
use inference::prompt::{Prompt, Segment};
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token_type::LlamaTokenAttr;
use vocab::Tokens;

use crate::prefix::Token;

/// Markup that the output parser reads. Some models flag it as control tokens, which are otherwise not shown.
const MARKUP: &[&str] = &[
    "<think>",
    "</think>",
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "<arg_key>",
    "</arg_key>",
    "<arg_value>",
    "</arg_value>",
];
/// Texts are tokenised in pieces of about this size: some splitting rules recurse once for each character.
const PIECE_BYTES: usize = 16 << 10;
/// A prompt this many times longer than the window is not counted to its end.
const COUNTED_WINDOWS: usize = 4;

/// One model's vocabulary. May be used on any thread.
#[derive(Clone, Debug)]
pub(crate) struct Vocabulary {
    model: Arc<LlamaModel>,
    /// Control and user-defined tokens.
    special: Arc<[String]>,
    /// Control tokens whose text is shown.
    shown: Arc<[LlamaToken]>,
    hidden: Arc<[LlamaToken]>,
    longest_bytes: usize,
}

impl Vocabulary {
    pub fn new(model: Arc<LlamaModel>) -> Self {
        let (mut special, mut shown, mut hidden, mut longest_bytes) = (Vec::new(), Vec::new(), Vec::new(), 1);
        let vocab = model.vocab();
        for token in vocab.tokens() {
            let piece = vocab.token_to_piece(token, true, None);
            longest_bytes = longest_bytes.max(piece.len());
            let is_control = vocab.is_control(token);
            if !is_control && !vocab.attr(token).contains(LlamaTokenAttr::UserDefined) {
                continue;
            }
            let text = String::from_utf8_lossy(&piece).into_owned();
            if is_control && !vocab.is_eog(token) {
                if MARKUP.contains(&text.as_str()) {
                    shown.push(token);
                } else {
                    hidden.push(token);
                }
            }
            if !text.is_empty() {
                special.push(text);
            }
        }
        Self { model, special: special.into(), shown: shown.into(), hidden: hidden.into(), longest_bytes }
    }

    /// Texts of all control and user-defined tokens.
    pub fn special(&self) -> &[String] {
        &self.special
    }

    /// Control tokens that an answer does not show.
    pub fn hidden(&self) -> &Arc<[LlamaToken]> {
        &self.hidden
    }

    /// The token whose whole text is `text`, if there is one that callers cannot write.
    pub fn marker(&self, text: &str) -> Option<LlamaToken> {
        match self.model.vocab().tokenize(text.as_bytes(), false, true)[..] {
            [token] => Some(token),
            _ => None,
        }
    }

    /// The texts of the tokens that begin and end a text, as a chat template is to print them: the first is
    /// empty where every prompt is given one anyway, and either where the model has none.
    pub fn boundaries(&self) -> (String, String) {
        let vocab = self.model.vocab();
        let text = |token: LlamaToken| match token.0 {
            0.. => String::from_utf8_lossy(&vocab.token_to_piece(token, true, None)).into_owned(),
            _ => String::new(),
        };
        let bos = if vocab.should_add_bos() { String::new() } else { text(vocab.bos()) };
        (bos, text(vocab.eos()))
    }

    /// A token that ends an answer.
    pub fn stop(&self) -> LlamaToken {
        let vocab = self.model.vocab();
        let eos = vocab.eos();
        if eos.0 >= 0 { eos } else { vocab.eot() }
    }

    pub fn ends_answer(&self, token: LlamaToken) -> bool {
        self.model.vocab().is_eog(token)
    }

    /// What a token adds to an answer.
    pub fn append_piece(&self, token: LlamaToken, bytes: &mut Vec<u8>) {
        let shows_control = self.shown.contains(&token);
        self.model.vocab().token_to_piece_into(token, bytes, shows_control, None);
    }

    /// The prompt's tokens, or how far it is from fitting into `window`, of which one token is kept for
    /// the answer.
    ///
    /// Takes about a second for a few million bytes: not for an event loop. The count of a prompt that is
    /// several times too long is an estimate.
    pub fn tokenise(&self, prompt: &Prompt, window: usize) -> Result<Vec<Token>, Overflow> {
        let overflow = |prompt: usize| Overflow { prompt: prompt.into(), window: window.into() };
        let bytes: usize = prompt.segments.iter().map(|segment| segment.as_str().len()).sum();
        let windows_at_least = bytes / self.longest_bytes / window.max(1);
        let counted_windows = if windows_at_least >= COUNTED_WINDOWS { 1 } else { COUNTED_WINDOWS };
        let counted_max = window.saturating_mul(counted_windows);

        let vocab = self.model.vocab();
        let mut tokens: Vec<LlamaToken> = Vec::with_capacity((bytes / 3).min(counted_max) + 8);
        if vocab.should_add_bos() && vocab.bos().0 >= 0 {
            tokens.push(vocab.bos());
        }
        let mut read = 0;
        for segment in &prompt.segments {
            let parses_control = matches!(segment, Segment::Template(_));
            for piece in pieces(segment.as_str(), &self.special) {
                if tokens.len() > counted_max {
                    let scaled = tokens.len() as u128 * bytes as u128 / (read.max(1)) as u128;
                    return Err(overflow(usize::try_from(scaled).unwrap_or(usize::MAX)));
                }
                tokens.extend(vocab.tokenize(piece.as_bytes(), false, parses_control));
                read += piece.len();
            }
        }
        // A template that writes the beginning itself and a tokeniser that adds it would make two.
        if tokens.len() > 1 && tokens[0] == tokens[1] && tokens[0] == vocab.bos() {
            tokens.remove(0);
        }
        if tokens.len() >= window {
            return Err(overflow(tokens.len()));
        }
        Ok(tokens.into_iter().map(|token| token.0).collect())
    }

    /// The number of tokens of a prompt of any length.
    pub fn count(&self, prompt: &Prompt) -> Tokens {
        match self.tokenise(prompt, usize::MAX) {
            Ok(tokens) => tokens.len().into(),
            Err(overflow) => overflow.prompt,
        }
    }
}

/// Cuts a long text where no tokeniser of the family would join the two sides: before the first letter or digit
/// of a line, or else before a space; and never inside one of the `special` texts.
fn pieces<'t>(text: &'t str, special: &[String]) -> impl Iterator<Item = &'t str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, later) = rest.split_at(cut(rest, special));
        rest = later;
        Some(piece)
    })
}

fn cut(text: &str, special: &[String]) -> usize {
    if text.len() <= PIECE_BYTES {
        return text.len();
    }
    let bytes = text.as_bytes();
    let limit = text.floor_char_boundary(PIECE_BYTES);
    let after_line =
        |at: &usize| bytes[at - 1] == b'\n' && text[*at..].chars().next().is_some_and(char::is_alphanumeric);
    let before_word = |at: &usize| {
        bytes[at - 1].is_ascii_alphanumeric()
            && bytes[*at] == b' '
            && bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic)
    };
    let looks_back = || (PIECE_BYTES / 2..=limit).rev();
    let is_whole = |at: &usize| !is_inside_special(text, *at, special);
    // A cut between any two characters is always possible, if not pretty.
    let anywhere = || (1..=limit).rev().filter(|at| text.is_char_boundary(*at)).find(is_whole);
    looks_back()
        .filter(after_line)
        .find(is_whole)
        .or_else(|| looks_back().filter(before_word).find(is_whole))
        .or_else(anywhere)
        .unwrap_or(limit)
        .max(1)
}

/// Whether one of the `special` texts lies across position `at` of `text`.
fn is_inside_special(text: &str, at: usize, special: &[String]) -> bool {
    let bytes = text.as_bytes();
    special.iter().any(|special| {
        let begins = at.saturating_sub(special.len().saturating_sub(1))..at;
        begins.into_iter().any(|begin| bytes[begin..].starts_with(special.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use llama_cpp_2::model::params::LlamaModelParams;
    use proptest::prelude::*;

    use super::*;
    use crate::system::backend;

    proptest! {
        /// Cutting loses nothing and never cuts a character.
        #[test]
        fn pieces_join_to_the_text(seed in "[a-z é\n你]{1,40}", repeats in 1usize..3_000) {
            let text = seed.repeat(repeats);
            let cut: Vec<&str> = pieces(&text, &["ab".into(), "你".into()]).collect();
            prop_assert!(cut.iter().all(|piece| piece.len() <= PIECE_BYTES && !piece.is_empty()));
            prop_assert_eq!(cut.concat(), text);
        }
    }

    #[test]
    fn long_texts_are_cut_between_lines() {
        let text = "some words on a line\n".repeat(2_000);
        assert!(pieces(&text, &[]).all(|piece| piece.ends_with("line\n")));
        let chinese = "一行字\n".repeat(4_000);
        assert!(pieces(&chinese, &[]).all(|piece| piece.ends_with('\n')));
    }

    /// A text without any place to cut must not take a turn's control token apart with it.
    #[test]
    fn no_cut_takes_a_control_token_apart() {
        let special = ["<|assistant|>".to_owned(), "<|a".to_owned()];
        for before in PIECE_BYTES - 15..=PIECE_BYTES {
            let text = format!("{}<|assistant|>{}", "，".repeat(before / 3), "，".repeat(9));
            let text = format!("{}{text}", "x".repeat(before % 3));
            let cut: Vec<&str> = pieces(&text, &special).collect();
            assert_eq!(cut.concat(), text);
            assert!(cut.iter().any(|piece| piece.contains("<|assistant|>")), "{before}");
        }
    }

    const TINY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/models/tiny-glm4.gguf");

    /// A long prompt in pieces is the same prompt.
    #[test]
    fn pieces_have_the_tokens_of_the_whole() {
        let model = LlamaModel::load_from_file(backend().unwrap(), TINY, &LlamaModelParams::default());
        let vocabulary = Vocabulary::new(Arc::new(model.unwrap()));
        for line in
            ["Some words, 123 of them.\n", "一行字，还有。\n", "    if (x) { y(); }\n\n", "word word_2 "]
        {
            let text = line.repeat(2 * PIECE_BYTES / line.len() + 7);
            let whole: Vec<i32> =
                vocabulary.model.vocab().tokenize(text.as_bytes(), false, true).iter().map(|t| t.0).collect();
            let prompt = Prompt { segments: vec![Segment::Template(text)], thinking: false };
            assert_eq!(vocabulary.tokenise(&prompt, usize::MAX).unwrap(), whole, "{line:?}");
        }
    }
}
