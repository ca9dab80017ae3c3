//! The ranges of what steers the next token, and of what ends the output (`http-api.md` §2.1).

use std::ops::RangeInclusive;

use inference::Sampling;

use super::chat_request::ChatBody;
use crate::BadRequest;
use crate::lenient::{Flag, Integer, Number, Texts};

/// The most texts in `stop`.
const STOP_TEXTS_MAX: usize = 4;
/// The longest text in `stop`.
const STOP_TEXT_BYTES_MAX: usize = 256;

/// The sampling parameters. OpenAI's clients send temperatures up to 2: what becomes of those above 1 is for the gateway
/// to say, as with everything above a model's range. A temperature of 0 means greedy, as the Python SDK has it.
pub(super) fn into_sampling(body: &ChatBody) -> Result<Sampling, BadRequest> {
    let temperature = within("temperature", body.temperature, 0.0..=2.0)?;
    let top_p = within("top_p", body.top_p, 0.0..=1.0)?.map(|value| value.max(0.01));
    let is_sampled = body.do_sample != Some(Flag(false)) && temperature != Some(0.0);
    Ok(Sampling {
        greedy: !is_sampled,
        temperature,
        top_p,
        seed: body.seed.map(|Integer(seed)| seed.cast_unsigned()),
        frequency_penalty: within("frequency_penalty", body.frequency_penalty, -2.0..=2.0)?,
        presence_penalty: within("presence_penalty", body.presence_penalty, -2.0..=2.0)?,
    })
}

/// `max_tokens`, or OpenAI's newer name for it. The model's own maximum is the gateway's to know.
pub(super) fn into_max_tokens(body: &ChatBody) -> Result<Option<u32>, BadRequest> {
    let (field, sent) = match (body.max_tokens, body.max_completion_tokens) {
        (Some(tokens), _) => ("max_tokens", tokens),
        (None, Some(tokens)) => ("max_completion_tokens", tokens),
        (None, None) => return Ok(None),
    };
    if sent.0 < 1 {
        return Err(BadRequest::invalid(field, "at least 1"));
    }
    Ok(Some(u32::try_from(sent.0).unwrap_or(u32::MAX)))
}

/// `stop`: one to four short texts.
pub(super) fn into_stop(stop: Option<Texts>) -> Result<Vec<String>, BadRequest> {
    let Texts(texts) = stop.unwrap_or_default();
    if texts.len() > STOP_TEXTS_MAX {
        return Err(BadRequest::invalid("stop", &format!("at most {STOP_TEXTS_MAX} texts")));
    }
    if texts.iter().any(|text| text.len() > STOP_TEXT_BYTES_MAX) {
        return Err(BadRequest::invalid("stop", &format!("texts of at most {STOP_TEXT_BYTES_MAX} bytes")));
    }
    Ok(texts)
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked, and sampling is done in f32")]
fn within(field: &str, value: Option<Number>, range: RangeInclusive<f64>) -> Result<Option<f32>, BadRequest> {
    match value {
        Some(Number(value)) if !range.contains(&value) => {
            Err(BadRequest::invalid(field, &format!("{} to {}", range.start(), range.end())))
        }
        value => Ok(value.map(|value| value.0 as f32)),
    }
}
