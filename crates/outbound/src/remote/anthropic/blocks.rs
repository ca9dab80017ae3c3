//! The blocks that messages are made of.

use std::borrow::Cow;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use inference::{EngineError, Part, ToolCall};
use serde::Serialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use crate::remote::body::bare_image_type;

/// One block, as sent.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'a> {
    Text {
        text: Cow<'a, str>,
    },
    Image {
        source: Source<'a>,
    },
    Document {
        source: Source<'a>,
    },
    Thinking {
        thinking: &'a str,
        signature: &'static str,
    },
    ToolUse {
        id: Cow<'a, str>,
        name: &'a str,
        input: Cow<'a, RawValue>,
    },
    ToolResult {
        tool_use_id: Cow<'a, str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Block<'a>>,
    },
}

/// Where a picture or document is, or what it is.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Text { media_type: &'static str, data: String },
    Url { url: &'a str },
}

impl<'a> Block<'a> {
    /// A text; `None` if nothing but space stands in it, which the host would refuse.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Option<Self> {
        let text = text.into();
        (!text.trim().is_empty()).then_some(Self::Text { text })
    }

    /// An earlier call. Arguments that are no object, which the host would refuse, become a member of one.
    pub fn call(call: &'a ToolCall) -> Result<Self, EngineError> {
        let text = call.arguments.trim();
        let input = match serde_json::from_str::<&RawValue>(text) {
            Ok(object) if text.starts_with('{') => Cow::Borrowed(object),
            _ if text.is_empty() => raw(&json!({}))?,
            _ => raw(&json!({"arguments": text}))?,
        };
        Ok(Self::ToolUse { id: tool_id(&call.id), name: &call.name, input })
    }

    /// What a tool answered.
    pub fn result(tool_call_id: &'a str, content: &'a [Part]) -> Result<Self, EngineError> {
        Ok(Self::ToolResult { tool_use_id: tool_id(tool_call_id), content: of_parts(content)? })
    }
}

/// Blocks of text and media. Texts in a row are one, joined without a separator, as the GLM templates join them.
pub(super) fn of_parts(parts: &[Part]) -> Result<Vec<Block<'_>>, EngineError> {
    let mut blocks = Vec::with_capacity(parts.len());
    let mut text: Option<Cow<'_, str>> = None;
    for part in parts {
        let medium = match part {
            Part::Text { text: more } => {
                text = Some(match text {
                    None => Cow::Borrowed(more.as_str()),
                    Some(earlier) => Cow::Owned(earlier.into_owned() + more),
                });
                continue;
            }
            Part::Image { url } => Block::Image { source: source(url, bare_image_type)? },
            Part::File { url } => Block::Document { source: source(url, bare_document_type)? },
            Part::Video { .. } => return Err(unsupported("this model takes no videos")),
            Part::Audio { .. } => return Err(unsupported("this model takes no recorded sound")),
        };
        blocks.extend(text.take().and_then(Block::text));
        blocks.push(medium);
    }
    blocks.extend(text.and_then(Block::text));
    Ok(blocks)
}

/// An address, a data URI, or bare base64, which `guess` tells the type of.
fn source(url: &str, guess: fn(&str) -> Option<&'static str>) -> Result<Source<'_>, EngineError> {
    if url.starts_with("http://") || url.starts_with("https://") {
        return Ok(Source::Url { url });
    }
    if let Some(rest) = url.strip_prefix("data:") {
        let parts = rest.split_once(',').and_then(|(head, data)| Some((head.strip_suffix(";base64")?, data)));
        let (head, data) = parts.ok_or_else(|| unsupported("this model takes data URIs in base64 only"))?;
        let media_type = head.split(';').next().unwrap_or_default();
        if media_type.starts_with("text/") {
            let bytes = BASE64_STANDARD.decode(data).ok();
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            let data = text.ok_or_else(|| unsupported("a text file must be UTF-8 in base64"))?;
            return Ok(Source::Text { media_type: "text/plain", data });
        }
        return Ok(Source::Base64 { media_type, data });
    }
    let media_type = guess(url).ok_or_else(|| {
        unsupported("a picture or file must be an address, a data URI or base64 of a known type")
    })?;
    Ok(Source::Base64 { media_type, data: url })
}

/// The media type of bare base64, by the first bytes in that spelling.
fn bare_document_type(text: &str) -> Option<&'static str> {
    text.starts_with("JVBERi").then_some("application/pdf")
}

/// An id with the characters that the host takes. Other hosts' ids have others, as `functions.f:0`.
fn tool_id(id: &str) -> Cow<'_, str> {
    let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if id.chars().all(is_known) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(id.chars().map(|c| if is_known(c) { c } else { '_' }).collect())
}

fn raw(value: &serde_json::Value) -> Result<Cow<'static, RawValue>, EngineError> {
    let raw = to_raw_value(value).map_err(|error| super::body::unwritable(&error))?;
    Ok(Cow::Owned(raw))
}

fn unsupported(message: &str) -> EngineError {
    EngineError::Unsupported { field: "messages", message: message.to_owned() }
}
