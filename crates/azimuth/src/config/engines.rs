//! `[[engines]]` and `[[models]]`: what runs models, and which public model runs on what.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocab::ModelName;

/// Something that runs models: a file in this process, or a host elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EngineConfig {
    /// A name for it, used in `models` and in usage records.
    pub(crate) name: String,
    /// `embedded` for a GGUF file here; `openai` for vLLM, SGLang, llama-server, Ollama, LM Studio and their like;
    /// `zai` for hosts that speak the platform's own dialect; `anthropic` for hosts that take Anthropic's Messages.
    pub(crate) kind: EngineKind,
    /// `embedded`: the GGUF file. Relative paths start at the configuration file; names without a folder are also
    /// looked for among the pulled models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<PathBuf>,
    /// `openai`, `zai`, `anthropic`: the address up to and including `/v1` or `/api/paas/v4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base_url: Option<String>,
    /// `openai`, `zai`, `anthropic`: the environment variable that holds the host's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_env: Option<String>,
    /// `openai`, `zai`, `anthropic`: the host's own name for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    /// `openai`, `zai`, `anthropic`: the most requests at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) concurrency_max: Option<usize>,
    /// `openai`, `zai`, `anthropic`: the longest prompt and answer together, in tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) context_tokens: Option<u64>,
    /// `openai`, `anthropic`: how the host is told whether to think: `template` (`openai`: vLLM's and SGLang's
    /// `chat_template_kwargs`), `adaptive` (`anthropic`: models that set their own budget) or `none`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) thinking: Option<ThinkingStyle>,
    /// `openai`: `a` (GLM-4.5, 4.6) or `b` (later) if the host returns GLM's tags as plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) raw_output: Option<RawOutput>,
    /// `anthropic`: whether the host takes earlier thinking that it has not signed, as Z.ai, vLLM and another Azimuth do.
    /// Anthropic does not.
    #[serde(default)]
    pub(crate) unsigned_thinking: bool,
    /// `openai`, `zai`, `anthropic`: whether the host keeps to a JSON schema by itself.
    #[serde(default)]
    pub(crate) json_schema: bool,
    /// `openai`: whether the host tells its counts with every piece (vLLM's and SGLang's `continuous_usage_stats`), so
    /// that an answer which breaks off is counted exactly.
    #[serde(default)]
    pub(crate) running_usage: bool,
    /// `openai`: how the host counts a prompt's tokens: `vllm`, `llama-server` or `none`. `anthropic`: `none` where the
    /// host does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tokenizer: Option<TokenizerStyle>,
    /// `openai`, `zai`, `anthropic`: seconds to connect, to the first piece of an answer, and between pieces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timeouts: Option<TimeoutsConfig>,
}

/// What runs a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EngineKind {
    Embedded,
    Openai,
    Zai,
    Anthropic,
}

/// How a host is told whether to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ThinkingStyle {
    Template,
    Adaptive,
    None,
}

/// The generation of tags in a host's plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawOutput {
    A,
    B,
}

/// How a host counts tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TokenizerStyle {
    Vllm,
    LlamaServer,
    None,
}

/// How long a host may take, in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TimeoutsConfig {
    /// To accept the connection.
    pub(crate) connect: u64,
    /// To send the first piece of an answer.
    pub(crate) first_token: u64,
    /// Between two pieces.
    pub(crate) idle: u64,
}

/// A public model and the engines that run it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelConfig {
    /// The public name: a documented one such as `glm-4.7`, or your own.
    #[schemars(with = "String")]
    pub(crate) name: ModelName,
    /// Names of the engines that run it.
    pub(crate) engines: Vec<String>,
    /// Engines' shares of the requests when everything else is equal; 1 where none is given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) weights: BTreeMap<String, u32>,
    /// Other names for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub(crate) aliases: Vec<ModelName>,
    /// The most output tokens when a request does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_tokens: Option<u32>,
    /// The temperature when a request gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) temperature: Option<f32>,
    /// `top_p` when a request gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) top_p: Option<f32>,
}

impl EngineConfig {
    /// A model in this process; without a file, the demo model.
    pub(crate) fn embedded(name: &str, file: Option<PathBuf>) -> Self {
        Self {
            name: name.to_owned(),
            kind: EngineKind::Embedded,
            file,
            base_url: None,
            key_env: None,
            model: None,
            concurrency_max: None,
            context_tokens: None,
            thinking: None,
            raw_output: None,
            unsigned_thinking: false,
            json_schema: false,
            running_usage: false,
            tokenizer: None,
            timeouts: None,
        }
    }
}

impl Default for TimeoutsConfig {
    fn default() -> Self {
        // What is left out is what holds where nothing is given.
        let usual = outbound::remote::Timeouts::default();
        Self {
            connect: usual.connect.as_secs(),
            first_token: usual.first_token.as_secs(),
            idle: usual.idle.as_secs(),
        }
    }
}
