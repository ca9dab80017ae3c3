//! What hosts put into an event, read without building a tree: text without escapes is borrowed.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use serde_json::value::RawValue;
use vocab::Tokens;

/// A `chat.completion.chunk`, a whole `chat.completion`, or an error in the place of either.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow, default)]
    pub choices: Option<Vec<Choice<'a>>>,
    #[serde(default)]
    pub usage: Option<UsageFigures>,
    #[serde(borrow, default)]
    pub error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub object: Option<Text<'a>>,
    /// Where there are no choices, the words of an error that is spelled at the top level.
    #[serde(borrow, default, alias = "msg", alias = "detail")]
    pub message: Option<&'a RawValue>,
}

impl Chunk<'_> {
    /// Whether the event is the host's way to say that it failed.
    pub fn is_error(&self) -> bool {
        self.error.is_some_and(|error| error.get() != "null")
            || self.object.as_ref().is_some_and(|object| object.0 == "error")
            || (self.choices.is_none() && self.usage.is_none() && self.message.is_some())
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(default)]
    pub index: Option<u32>,
    #[serde(borrow, default)]
    pub delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    pub message: Option<Delta<'a>>,
    #[serde(borrow, default)]
    pub finish_reason: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub logprobs: Option<&'a RawValue>,
}

/// A piece of the answer, or all of it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Delta<'a> {
    #[serde(borrow, default)]
    pub content: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub reasoning_content: Option<Text<'a>>,
    /// The newer name of `reasoning_content`; some hosts send both with the same text.
    #[serde(borrow, default)]
    pub reasoning: Option<Text<'a>>,
    /// OpenAI's word for an answer that declines.
    #[serde(borrow, default)]
    pub refusal: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub tool_calls: Option<Vec<ToolDelta<'a>>>,
    #[serde(borrow, default)]
    pub function_call: Option<FunctionDelta<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ToolDelta<'a> {
    #[serde(default)]
    pub index: Option<u32>,
    #[serde(borrow, default)]
    pub id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub function: Option<FunctionDelta<'a>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct FunctionDelta<'a> {
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
    /// A string as it should be, or the object itself.
    #[serde(borrow, default)]
    pub arguments: Option<&'a RawValue>,
}

/// A string that is borrowed where it can be. (`Option<Cow<str>>` alone never borrows.)
#[derive(Debug, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// Counts as OpenAI-style hosts report them: the details are parts of the wholes.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct UsageFigures {
    #[serde(default)]
    pub prompt_tokens: Option<Count>,
    #[serde(default)]
    pub completion_tokens: Option<Count>,
    #[serde(default)]
    pub prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    pub completion_tokens_details: Option<CompletionDetails>,
}

impl UsageFigures {
    pub fn prompt(&self) -> Option<Tokens> {
        known(self.prompt_tokens)
    }

    pub fn cached(&self) -> Tokens {
        self.prompt_tokens_details.and_then(|details| known(details.cached_tokens)).unwrap_or(Tokens::ZERO)
    }

    pub fn completion(&self) -> Option<Tokens> {
        known(self.completion_tokens)
    }

    pub fn reasoning(&self) -> Option<Tokens> {
        self.completion_tokens_details.and_then(|details| known(details.reasoning_tokens))
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct PromptDetails {
    #[serde(default)]
    pub cached_tokens: Option<Count>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct CompletionDetails {
    #[serde(default)]
    pub reasoning_tokens: Option<Count>,
}

/// Hosts that do not count report nothing or zero.
fn known(count: Option<Count>) -> Option<Tokens> {
    count.filter(|count| count.0 > 0).map(|count| Tokens(count.0))
}

/// A count in any spelling of a number; what is below zero or no number counts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count(pub u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;

        impl Visitor<'_> for CountVisitor {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a count")
            }

            fn visit_u64<E: de::Error>(self, count: u64) -> Result<Count, E> {
                Ok(Count(count))
            }

            fn visit_i64<E: de::Error>(self, count: i64) -> Result<Count, E> {
                Ok(Count(u64::try_from(count).unwrap_or(0)))
            }

            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a float cast saturates, and a fraction of a token means nothing"
            )]
            fn visit_f64<E: de::Error>(self, count: f64) -> Result<Count, E> {
                Ok(Count(count as u64))
            }
        }

        deserializer.deserialize_any(CountVisitor)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct LogprobList<'a> {
    #[serde(borrow, default)]
    pub content: Option<Vec<LogprobEntry<'a>>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct LogprobEntry<'a> {
    #[serde(borrow)]
    pub token: Text<'a>,
    pub logprob: Option<f32>,
    #[serde(default)]
    pub bytes: Option<Vec<u8>>,
    #[serde(borrow, default)]
    pub top_logprobs: Option<Vec<LogprobEntry<'a>>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_escapes_is_not_copied() {
        let json = r#"{"choices":[{"index":0,"delta":{"content":"Hello","reasoning":null}}]}"#;
        let chunk: Chunk<'_> = serde_json::from_str(json).unwrap();
        let delta = chunk.choices.unwrap().remove(0).delta.unwrap();
        assert!(matches!(delta.content.unwrap().0, Cow::Borrowed("Hello")));
    }

    /// CACHE-02, BILL-08: the cached part belongs to the prompt, the thinking to the output.
    #[test]
    fn figures_are_read_in_any_spelling_of_a_number() {
        let json = r#"{"prompt_tokens":19.0,"completion_tokens":39,"total_tokens":-1,
            "prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":23}}"#;
        let figures: UsageFigures = serde_json::from_str(json).unwrap();
        assert_eq!((figures.prompt(), figures.cached()), (Some(Tokens(19)), Tokens(4)));
        assert_eq!((figures.completion(), figures.reasoning()), (Some(Tokens(39)), Some(Tokens(23))));
    }

    #[test]
    fn nothing_and_zero_are_no_figures() {
        for json in ["{}", r#"{"prompt_tokens":null}"#, r#"{"prompt_tokens":0}"#, r#"{"prompt_tokens":-3}"#] {
            assert_eq!(serde_json::from_str::<UsageFigures>(json).unwrap().prompt(), None, "{json}");
        }
    }
}
