use std::fmt;

use inference::{Message, Part, ToolCall};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::remote::config::{Kind, RemoteConfig};

/// The conversation.
pub(super) struct Messages<'a> {
    pub config: &'a RemoteConfig,
    pub messages: &'a [Message],
}

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.messages.len()))?;
        for message in self.messages {
            list.serialize_element(&OneMessage { config: self.config, message })?;
        }
        list.end()
    }
}

struct OneMessage<'a> {
    config: &'a RemoteConfig,
    message: &'a Message,
}

impl Serialize for OneMessage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kind = self.config.kind;
        let mut map = serializer.serialize_map(None)?;
        match self.message {
            Message::System { content } => {
                map.serialize_entry("role", "system")?;
                map.serialize_entry("content", &Content { kind, parts: content })?;
            }
            Message::User { content } => {
                map.serialize_entry("role", "user")?;
                map.serialize_entry("content", &Content { kind, parts: content })?;
            }
            Message::Assistant { content, reasoning, tool_calls } => {
                map.serialize_entry("role", "assistant")?;
                // Never null: early templates print the word `None` for it (`glm-models.md` §4).
                map.serialize_entry("content", content)?;
                if let Some(reasoning) = reasoning.as_deref().filter(|_| self.config.sends_reasoning) {
                    map.serialize_entry("reasoning_content", reasoning)?;
                }
                if !tool_calls.is_empty() {
                    map.serialize_entry("tool_calls", &EarlierCalls(tool_calls))?;
                }
            }
            Message::Tool { tool_call_id, content } => {
                map.serialize_entry("role", "tool")?;
                map.serialize_entry("tool_call_id", tool_call_id)?;
                map.serialize_entry("content", &Content { kind, parts: content })?;
            }
        }
        map.end()
    }
}

/// Text alone is one string, because many hosts take nothing else; parts are joined without a separator, as
/// the GLM templates join them.
struct Content<'a> {
    kind: Kind,
    parts: &'a [Part],
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.parts.iter().all(|part| matches!(part, Part::Text { .. })) {
            return match self.parts {
                [Part::Text { text }] => serializer.serialize_str(text),
                parts => serializer.collect_str(&Joined(parts)),
            };
        }
        let mut list = serializer.serialize_seq(Some(self.parts.len()))?;
        for part in self.parts {
            list.serialize_element(&OnePart { kind: self.kind, part })?;
        }
        list.end()
    }
}

struct Joined<'a>(&'a [Part]);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text { text } => f.write_str(text),
            _ => Ok(()),
        })
    }
}

struct OnePart<'a> {
    kind: Kind,
    part: &'a Part,
}

impl Serialize for OnePart<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Address<'a> {
            url: ImageUrl<'a>,
        }
        #[derive(Serialize)]
        struct Sound<'a> {
            data: &'a str,
            format: &'a str,
        }

        let mut map = serializer.serialize_map(Some(2))?;
        let address = |url| Address { url: ImageUrl { kind: self.kind, url } };
        match self.part {
            Part::Text { text } => {
                map.serialize_entry("type", "text")?;
                map.serialize_entry("text", text)?;
            }
            Part::Image { url } => {
                map.serialize_entry("type", "image_url")?;
                map.serialize_entry("image_url", &address(url))?;
            }
            Part::Video { url } => {
                map.serialize_entry("type", "video_url")?;
                map.serialize_entry("video_url", &address(url))?;
            }
            Part::File { url } => {
                map.serialize_entry("type", "file_url")?;
                map.serialize_entry("file_url", &address(url))?;
            }
            Part::Audio { data, format } => {
                map.serialize_entry("type", "input_audio")?;
                map.serialize_entry("input_audio", &Sound { data, format })?;
            }
        }
        map.end()
    }
}

/// An address, or bare base64, which only Z.ai-like hosts understand: others get a data URI.
struct ImageUrl<'a> {
    kind: Kind,
    url: &'a str,
}

impl Serialize for ImageUrl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match bare_image_type(self.url).filter(|_| self.kind == Kind::OpenAi) {
            Some(media_type) => {
                serializer.collect_str(&format_args!("data:{media_type};base64,{}", self.url))
            }
            None => serializer.serialize_str(self.url),
        }
    }
}

/// The media type of bare base64, by the first bytes of each format in that spelling.
pub(in crate::remote) fn bare_image_type(text: &str) -> Option<&'static str> {
    const HEADS: [(&str, &str); 4] = [
        ("/9j/", "image/jpeg"),
        ("iVBORw0KGgo", "image/png"),
        ("R0lGOD", "image/gif"),
        ("UklGR", "image/webp"),
    ];
    HEADS.iter().find(|(head, _)| text.starts_with(head)).map(|&(_, media_type)| media_type)
}

struct EarlierCalls<'a>(&'a [ToolCall]);

impl Serialize for EarlierCalls<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Call<'a> {
            id: &'a str,
            r#type: &'static str,
            function: Function<'a>,
        }
        #[derive(Serialize)]
        struct Function<'a> {
            name: &'a str,
            arguments: &'a str,
        }

        serializer.collect_seq(self.0.iter().map(|call| Call {
            id: &call.id,
            r#type: "function",
            function: Function { name: &call.name, arguments: &call.arguments },
        }))
    }
}
