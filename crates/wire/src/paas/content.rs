//! The content of a message: a text, or a list of parts (`http-api.md` §2.3).

use std::fmt;

use inference::Part;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::BadRequest;

/// The most parts in one message: well above the 150 pictures and 50 files that a model takes.
const PARTS_MAX: usize = 1_000;

/// `"content"` as sent.
#[derive(Debug)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<PartBody>),
}

/// One entry of a list of parts, as sent.
#[derive(Debug, Deserialize)]
pub(super) struct PartBody {
    #[serde(rename = "type")]
    kind: Option<String>,
    text: Option<String>,
    image_url: Option<Address>,
    video_url: Option<Address>,
    file_url: Option<Address>,
    file: Option<FileBody>,
    input_audio: Option<AudioBody>,
}

/// `{"url":"…"}`, or the bare text that some clients send. An address, a data URI or bare base64.
#[derive(Debug)]
struct Address(Option<String>);

#[derive(Debug, Deserialize)]
struct FileBody {
    file_url: Option<String>,
    file_data: Option<String>,
    file_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct AudioBody {
    data: Option<String>,
    format: Option<String>,
}

impl Content {
    /// 1213 for a part without the field that its type needs; `at` is the path of the content.
    pub fn check_required(&self, at: &str) -> Result<(), BadRequest> {
        match self {
            Self::Text(_) => Ok(()),
            Self::Parts(parts) => {
                parts.iter().enumerate().try_for_each(|(index, part)| match part.missing_field() {
                    Some(field) => Err(BadRequest::missing(format!("{at}[{index}].{field}"))),
                    None => Ok(()),
                })
            }
        }
    }

    /// The two kinds of part in this message that exclude each other, if there are such.
    pub fn exclusive_parts(&self) -> Option<(&'static str, &'static str)> {
        let Self::Parts(parts) = self else { return None };
        let has = |kind: &str| parts.iter().any(|part| part.kind() == kind);
        let picture = ["image_url", "video_url"].into_iter().find(|kind| has(kind))?;
        has("file_url").then_some(("file_url", picture))
    }

    /// Text and media in the order given.
    pub fn into_parts(self, at: &str) -> Result<Vec<Part>, BadRequest> {
        match self {
            Self::Text(text) => Ok(vec![Part::Text { text }]),
            Self::Parts(parts) if parts.len() > PARTS_MAX => {
                Err(BadRequest::invalid(at, &format!("at most {PARTS_MAX} parts")))
            }
            Self::Parts(parts) => {
                parts.into_iter().enumerate().map(|(index, part)| part.into_part(at, index)).collect()
            }
        }
    }

    /// Text parts only, for the roles that have no pictures.
    pub fn into_text_parts(self, at: &str) -> Result<Vec<Part>, BadRequest> {
        let parts = self.into_parts(at)?;
        match parts.iter().position(|part| !matches!(part, Part::Text { .. })) {
            None => Ok(parts),
            Some(index) => {
                Err(BadRequest::invalid(format!("{at}[{index}].type"), "this role takes text parts only"))
            }
        }
    }

    /// All text joined.
    pub fn into_text(self, at: &str) -> Result<String, BadRequest> {
        if let Self::Text(text) = self {
            return Ok(text);
        }
        let mut joined = String::new();
        for part in self.into_text_parts(at)? {
            if let Part::Text { text } = part {
                joined.push_str(&text);
            }
        }
        Ok(joined)
    }
}

impl PartBody {
    fn kind(&self) -> &str {
        self.kind.as_deref().unwrap_or_default()
    }

    fn missing_field(&self) -> Option<&'static str> {
        let url = |address: &Option<Address>| address.as_ref().is_some_and(|address| address.0.is_some());
        let (is_there, field) = match self.kind() {
            "" => (false, "type"),
            "text" => (self.text.is_some(), "text"),
            "image_url" => (url(&self.image_url), "image_url.url"),
            "video_url" => (url(&self.video_url), "video_url.url"),
            "file_url" => (url(&self.file_url), "file_url.url"),
            "file" => (
                self.file.as_ref().is_some_and(|file| {
                    file.file_url.is_some() || file.file_data.is_some() || file.file_id.is_some()
                }),
                "file.file_url",
            ),
            "input_audio" => {
                (self.input_audio.as_ref().is_some_and(|audio| audio.data.is_some()), "input_audio.data")
            }
            _ => (true, ""),
        };
        (!is_there).then_some(field)
    }

    fn into_part(self, at: &str, index: usize) -> Result<Part, BadRequest> {
        let missing = self.missing_field();
        let url = |address: Option<Address>| address.and_then(|address| address.0);
        let part = match self.kind() {
            "text" => self.text.map(|text| Part::Text { text }),
            "image_url" => url(self.image_url).map(|url| Part::Image { url }),
            "video_url" => url(self.video_url).map(|url| Part::Video { url }),
            "file_url" => url(self.file_url).map(|url| Part::File { url }),
            "file" => match self.file {
                Some(FileBody { file_url: Some(url), .. } | FileBody { file_data: Some(url), .. }) => {
                    Some(Part::File { url })
                }
                Some(FileBody { file_id: Some(_), .. }) => {
                    return Err(BadRequest::invalid(
                        format!("{at}[{index}].file.file_id"),
                        "send the file as file_url or file_data",
                    ));
                }
                _ => None,
            },
            "input_audio" => self.input_audio.and_then(|AudioBody { data, format }| {
                Some(Part::Audio { data: data?, format: format.unwrap_or_else(|| "wav".to_owned()) })
            }),
            _ => {
                return Err(BadRequest::invalid(
                    format!("{at}[{index}].type"),
                    "one of text, image_url, video_url, file_url, file, input_audio",
                ));
            }
        };
        part.ok_or_else(|| BadRequest::missing(format!("{at}[{index}].{}", missing.unwrap_or("type"))))
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ContentVisitor;

        impl<'de> Visitor<'de> for ContentVisitor {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of parts")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Content, E> {
                Ok(Content::Text(text.to_owned()))
            }

            fn visit_string<E: Error>(self, text: String) -> Result<Content, E> {
                Ok(Content::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Content, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Content::Parts)
            }
        }

        deserializer.deserialize_any(ContentVisitor)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct AddressBody {
            url: Option<String>,
        }

        struct AddressVisitor;

        impl<'de> Visitor<'de> for AddressVisitor {
            type Value = Address;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with a `url`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Address, E> {
                Ok(Address(Some(text.to_owned())))
            }

            fn visit_string<E: Error>(self, text: String) -> Result<Address, E> {
                Ok(Address(Some(text)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Address, A::Error> {
                AddressBody::deserialize(MapAccessDeserializer::new(map)).map(|body| Address(body.url))
            }
        }

        deserializer.deserialize_any(AddressVisitor)
    }
}
