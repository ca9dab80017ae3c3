//! What steers the answer: how the next token is drawn, how long it thinks, and what form and end the answer has
//! (`anthropic-api.md` §3, §7.4, §8.1).

use inference::parser::{STOP_TEXT_BYTES_MAX, STOP_TEXTS_MAX};
use inference::{Effort, ResponseFormat, Sampling, Thinking};
use serde::Deserialize;
use serde_json::Value;

use super::block::Loose;
use crate::BadRequest;
use crate::lenient::{Integer, Number, Texts};

/// `thinking`. How many tokens it may take is a hint that models do not follow.
#[derive(Debug, Deserialize)]
pub(super) struct ThinkingBody {
    #[serde(rename = "type")]
    kind: Option<Loose>,
}

/// `output_config`
#[derive(Debug, Default, Deserialize)]
pub(super) struct OutputBody {
    effort: Option<Loose>,
    pub format: Option<FormatBody>,
}

/// `output_config.format`, and the older `output_format`.
#[derive(Debug, Deserialize)]
pub(super) struct FormatBody {
    #[serde(rename = "type")]
    kind: Option<Loose>,
    schema: Option<Value>,
}

/// Thinking is on unless it is switched off, and earlier thinking always stays in the prompt: clients send back what
/// they want to be seen.
pub(super) fn into_thinking(thinking: Option<&ThinkingBody>, output: &OutputBody) -> Thinking {
    let is_off = thinking.is_some_and(|thinking| is_word(thinking.kind.as_ref(), "disabled"));
    let effort = output.effort.as_ref().and_then(into_effort);
    Thinking { enabled: !is_off && effort != Some(Effort::None), preserved: true, effort }
}

/// The degree that a word stands for; a word that is not known asks for nothing.
fn into_effort(word: &Loose) -> Option<Effort> {
    const EFFORTS: [Effort; 7] = [
        Effort::None,
        Effort::Minimal,
        Effort::Low,
        Effort::Medium,
        Effort::High,
        Effort::Xhigh,
        Effort::Max,
    ];
    EFFORTS.into_iter().find(|effort| is_word(Some(word), effort.as_str()))
}

/// Temperature and top-p, cut to their ranges; a temperature of 0 means greedy, as in the chat API.
pub(super) fn into_sampling(temperature: Option<Number>, top_p: Option<Number>) -> Sampling {
    let temperature = temperature.map(|value| within(value, 0.0, 1.0));
    Sampling {
        greedy: temperature == Some(0.0),
        temperature,
        top_p: top_p.map(|value| within(value, 0.01, 1.0)),
        ..Sampling::default()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the range is small, and sampling is done in f32")]
fn within(Number(value): Number, min: f64, max: f64) -> f32 {
    value.clamp(min, max) as f32
}

/// `max_tokens`. The model's own maximum is the gateway's to know.
pub(super) fn into_max_tokens(sent: Option<Integer>) -> Result<Option<u32>, BadRequest> {
    match sent {
        Some(Integer(tokens)) if tokens < 1 => Err(BadRequest::invalid("max_tokens", "at least 1")),
        sent => Ok(sent.map(|Integer(tokens)| u32::try_from(tokens).unwrap_or(u32::MAX))),
    }
}

/// `stop_sequences`: as many as engines can look for.
pub(super) fn into_stop(stop: Option<Texts>) -> Result<Vec<String>, BadRequest> {
    let Texts(texts) = stop.unwrap_or_default();
    if texts.len() > STOP_TEXTS_MAX {
        return Err(BadRequest::invalid("stop_sequences", &format!("at most {STOP_TEXTS_MAX} texts")));
    }
    if texts.iter().any(|text| text.len() > STOP_TEXT_BYTES_MAX) {
        let why = format!("texts of at most {STOP_TEXT_BYTES_MAX} bytes");
        return Err(BadRequest::invalid("stop_sequences", &why));
    }
    Ok(texts)
}

impl FormatBody {
    /// Whether the schema is missing that the kind of format needs.
    pub fn lacks_schema(&self) -> bool {
        is_word(self.kind.as_ref(), "json_schema") && self.schema.is_none()
    }

    /// The form of the answer; one that is not known is any. `at` is the field's path.
    pub fn into_format(self, at: &str) -> Result<ResponseFormat, BadRequest> {
        if is_word(self.kind.as_ref(), "json_object") {
            return Ok(ResponseFormat::JsonObject);
        }
        match self.schema {
            Some(schema) if is_word(self.kind.as_ref(), "json_schema") => {
                if !(schema.is_object() || schema.is_boolean()) {
                    return Err(BadRequest::invalid(format!("{at}.schema"), "a JSON Schema"));
                }
                Ok(ResponseFormat::JsonSchema { name: "answer".to_owned(), schema })
            }
            _ => Ok(ResponseFormat::Text),
        }
    }
}

fn is_word(value: Option<&Loose>, word: &str) -> bool {
    matches!(value, Some(Loose::Text(text)) if text.eq_ignore_ascii_case(word))
}
