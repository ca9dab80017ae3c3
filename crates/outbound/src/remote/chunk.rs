//! What hosts put into an event, read without building a tree: text without escapes is borrowed.

use std::borrow::Cow;
use std::fmt;

use inference::EngineError;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use serde_json::value::RawValue;
use vocab::Tokens;

use super::meter::HostFigures;
use super::tool_calls::Piece;

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
    /// llama-server's word for the stop text that it met.
    #[serde(borrow, default)]
    pub stopping_word: Option<&'a RawValue>,
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
    /// vLLM's word for the stop text that it met, or the number of the token.
    #[serde(borrow, default)]
    pub stop_reason: Option<&'a RawValue>,
    /// SGLang's word for the same.
    #[serde(borrow, default)]
    pub matched_stop: Option<&'a RawValue>,
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

impl ToolDelta<'_> {
    /// What the delta brings of a call.
    pub fn piece(&self) -> Result<Piece<'_>, EngineError> {
        let function = self.function.as_ref();
        Ok(Piece {
            index: self.index,
            id: self.id.as_ref().and_then(Text::if_any),
            name: function.and_then(|function| function.name.as_ref()?.if_any()),
            arguments: function.map_or(Ok(Cow::Borrowed("")), FunctionDelta::arguments_text)?,
        })
    }
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct FunctionDelta<'a> {
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
    /// A string as it should be, or the object itself.
    #[serde(borrow, default)]
    pub arguments: Option<&'a RawValue>,
}

impl<'a> FunctionDelta<'a> {
    fn arguments_text(&self) -> Result<Cow<'a, str>, EngineError> {
        let Some(raw) = self.arguments else { return Ok(Cow::Borrowed("")) };
        if !raw.get().starts_with('"') {
            return Ok(Cow::Borrowed(raw.get()));
        }
        let text: Result<Text<'a>, _> = serde_json::from_str(raw.get());
        text.map(|text| text.0).map_err(|_| EngineError::Failed {
            reason: "the host sent tool arguments that cannot be read".to_owned(),
        })
    }
}

/// A string that is borrowed where it can be. (`Option<Cow<str>>` alone never borrows.)
#[derive(Debug, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl Text<'_> {
    /// The text unless it is empty.
    pub fn if_any(&self) -> Option<&str> {
        Some(self.0.as_ref()).filter(|text| !text.is_empty())
    }
}

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

impl From<&UsageFigures> for HostFigures {
    fn from(figures: &UsageFigures) -> Self {
        let cached = figures.prompt_tokens_details.and_then(|details| known(details.cached_tokens));
        Self {
            prompt: known(figures.prompt_tokens),
            cached: cached.unwrap_or(Tokens::ZERO),
            completion: known(figures.completion_tokens),
            reasoning: figures.completion_tokens_details.and_then(|details| known(details.reasoning_tokens)),
        }
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
pub(super) fn known(count: Option<Count>) -> Option<Tokens> {
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

    fn read(figures: &str) -> HostFigures {
        (&serde_json::from_str::<UsageFigures>(figures).unwrap()).into()
    }

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
        let expected = HostFigures {
            prompt: Some(Tokens(19)),
            cached: Tokens(4),
            completion: Some(Tokens(39)),
            reasoning: Some(Tokens(23)),
        };
        assert_eq!(read(json), expected);
    }

    #[test]
    fn nothing_and_zero_are_no_figures() {
        for json in ["{}", r#"{"prompt_tokens":null}"#, r#"{"prompt_tokens":0}"#, r#"{"prompt_tokens":-3}"#] {
            assert_eq!(read(json).prompt, None, "{json}");
        }
    }
}
