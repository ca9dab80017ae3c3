use std::sync::OnceLock;

use serde::Deserialize;
use vocab::{ModelName, Tokens};

/// What the catalogue says of a public model, whoever runs it. Cards of the documented models are shipped as
/// data; an operator adds others in the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelCard {
    /// The public name.
    pub name: ModelName,
    /// The name as people write it.
    pub display_name: String,
    /// Other names for it.
    pub aliases: Vec<ModelName>,
    /// What it is for.
    pub kind: ModelKind,
    /// The longest prompt and answer together, if documented.
    pub context_window: Option<Tokens>,
    /// The most output tokens when the caller does not say (rule MODEL-01).
    pub max_tokens_default: Option<u32>,
    /// The most output tokens a caller may ask for (rule MODEL-01).
    pub max_tokens_max: Option<u32>,
    /// Rule MODEL-04.
    pub temperature_default: Option<f32>,
    /// Rule MODEL-04.
    pub top_p_default: Option<f32>,
    /// Whether and how it thinks (rule THINK-02).
    pub thinking: ThinkingSupport,
    /// Whether arguments of tool calls can be streamed in pieces (CAP-TST-05).
    pub tool_stream: bool,
    /// Whether pictures, films and documents may be sent to it (CAP-CHAT-09).
    pub takes_media: bool,
    /// Unix time in seconds for the models endpoint.
    pub created: i64,
    /// Whether the models endpoint lists it.
    pub listed: bool,
}

/// What a model is for; it decides which routes take it (rule ENDP-10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// Conversation in text.
    Text,
    /// Conversation in text and pictures.
    Vision,
    /// Steering a telephone by its screen.
    Phone,
    /// Reading documents.
    Ocr,
    /// Making pictures.
    Image,
    /// Making films.
    Video,
    /// Speech.
    Audio,
}

impl ModelKind {
    /// Whether the model answers chat completions.
    pub fn chats(self) -> bool {
        matches!(self, Self::Text | Self::Vision | Self::Phone)
    }
}

/// Whether and how a model thinks before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThinkingSupport {
    /// It cannot; the switch is ignored (CAP-THK-04).
    None,
    /// It decides for itself when thinking is on.
    ByChoice,
    /// It always thinks when thinking is on.
    Forced,
}

/// The release date of the first GLM that thinks: what the models endpoint prints where none is documented.
const CREATED_UNKNOWN: i64 = 1_753_632_000;

impl ModelCard {
    /// A card for a model that is the operator's own: every documented limit is left to the engine.
    pub fn custom(name: ModelName) -> Self {
        Self {
            display_name: name.to_string(),
            name,
            aliases: Vec::new(),
            kind: ModelKind::Text,
            context_window: None,
            max_tokens_default: None,
            max_tokens_max: None,
            temperature_default: None,
            top_p_default: None,
            thinking: ThinkingSupport::ByChoice,
            tool_stream: true,
            takes_media: false,
            created: CREATED_UNKNOWN,
            listed: true,
        }
    }

    /// The cards of every model the documentation names (`spec/models.json`).
    pub fn documented() -> &'static [Self] {
        static CARDS: OnceLock<Vec<ModelCard>> = OnceLock::new();
        CARDS.get_or_init(|| {
            let file: File = serde_json::from_str(include_str!("../data/models.json"))
                .expect("models.json is well formed");
            file.models.into_iter().map(Self::from).collect()
        })
    }
}

#[derive(Deserialize)]
struct File {
    models: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    id: ModelName,
    display_name: String,
    aliases: Vec<ModelName>,
    kind: ModelKind,
    status: String,
    input_modalities: Option<Vec<String>>,
    context_window: Option<Window>,
    max_tokens: Option<MaxTokens>,
    sampling: Option<SamplingDefaults>,
    thinking: Option<ThinkingRow>,
    tool_stream: Option<bool>,
    created: Option<i64>,
}

#[derive(Deserialize)]
struct Window {
    tokens: u64,
}

#[derive(Deserialize)]
struct MaxTokens {
    default: Option<u32>,
    maximum: Option<u32>,
}

#[derive(Deserialize)]
struct SamplingDefaults {
    default_temperature: Option<f32>,
    default_top_p: Option<f32>,
}

#[derive(Deserialize)]
struct ThinkingRow {
    supported: Option<bool>,
    when_enabled: Option<String>,
}

impl From<Row> for ModelCard {
    fn from(row: Row) -> Self {
        let thinking = match row.thinking {
            Some(ThinkingRow { supported: Some(true), when_enabled: Some(how) }) if how == "forced" => {
                ThinkingSupport::Forced
            }
            Some(ThinkingRow { supported: Some(true), .. }) => ThinkingSupport::ByChoice,
            _ => ThinkingSupport::None,
        };
        let max_tokens_max = row.max_tokens.as_ref().and_then(|limits| limits.maximum);
        Self {
            takes_media: row.input_modalities.is_some_and(|kinds| kinds.iter().any(|kind| kind == "image")),
            // Some aliases of the documentation differ from the name in case only.
            aliases: row.aliases.into_iter().filter(|alias| *alias != row.id).collect(),
            name: row.id,
            display_name: row.display_name,
            kind: row.kind,
            context_window: row.context_window.map(|window| Tokens(window.tokens)),
            max_tokens_default: row
                .max_tokens
                .and_then(|limits| limits.default)
                .or(max_tokens_max.map(|most| most.min(65_536))),
            max_tokens_max,
            temperature_default: row.sampling.as_ref().and_then(|sampling| sampling.default_temperature),
            top_p_default: row.sampling.and_then(|sampling| sampling.default_top_p),
            thinking,
            tool_stream: row.tool_stream.unwrap_or(false),
            created: row.created.unwrap_or(CREATED_UNKNOWN),
            listed: row.kind == ModelKind::Text && row.status == "active",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(name: &str) -> &'static ModelCard {
        ModelCard::documented().iter().find(|card| card.name.as_str() == name).expect("documented")
    }

    /// MODEL-01, MODEL-04, THINK-02: limits, defaults and thinking come from the data.
    #[test]
    fn documented_limits_and_defaults_are_read() {
        let flagship = card("glm-5.1");
        assert_eq!((flagship.max_tokens_default, flagship.max_tokens_max), (Some(65_536), Some(131_072)));
        assert_eq!((flagship.temperature_default, flagship.top_p_default), (Some(1.0), Some(0.95)));
        assert_eq!(flagship.thinking, ThinkingSupport::Forced);
        assert_eq!(card("glm-4.6").thinking, ThinkingSupport::ByChoice);
        assert_eq!(card("glm-4-32b-0414-128k").thinking, ThinkingSupport::None);
        assert_eq!(card("glm-4.7-flash").max_tokens_default, Some(65_536));
    }

    /// ENDP-10, CAP-CHAT-09: what a model is for decides what may be sent to it.
    #[test]
    fn only_vision_models_take_media_and_image_models_do_not_chat() {
        assert!(!card("glm-5.1").takes_media);
        assert!(card("glm-4.6v").takes_media);
        assert!(!card("glm-image").kind.chats());
    }
}
