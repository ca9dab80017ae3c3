//! The operator's configuration: one TOML file, the environment over it, the command line over both.
//!
//! It is checked whole before anything starts, and every mistake is named, not only the first.

mod check;
mod documents;
mod engines;
mod example;
mod load;
mod people;
mod retention;
mod stores;

use std::path::PathBuf;

use gateway::ClaudeModels;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vocab::ModelName;

pub(crate) use check::{check_engines, check_models, network};
pub(crate) use documents::DocumentsConfig;
pub(crate) use engines::{
    EngineConfig, EngineKind, ModelConfig, RawOutput, ThinkingStyle, TimeoutsConfig, TokenizerStyle,
};
pub(crate) use example::example;
pub(crate) use load::load;
pub(crate) use people::{IdentityProviderConfig, MailConfig, MailKind, MailSecurity, PeopleConfig, SignUp};
pub(crate) use retention::RetentionConfig;
pub(crate) use stores::{RedisConfig, StoreConfig};

/// Everything an operator can set.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) server: ServerConfig,
    pub(crate) data: DataConfig,
    pub(crate) log: LogConfig,
    pub(crate) chat: ChatConfig,
    pub(crate) anthropic: AnthropicConfig,
    pub(crate) cache: CacheConfig,
    pub(crate) documents: DocumentsConfig,
    pub(crate) embedded: EmbeddedConfig,
    pub(crate) demo: DemoConfig,
    pub(crate) store: StoreConfig,
    pub(crate) redis: RedisConfig,
    pub(crate) billing: BillingConfig,
    pub(crate) people: PeopleConfig,
    pub(crate) mail: MailConfig,
    pub(crate) retention: RetentionConfig,
    pub(crate) identity_providers: Vec<IdentityProviderConfig>,
    pub(crate) engines: Vec<EngineConfig>,
    pub(crate) models: Vec<ModelConfig>,
}

/// Where requests arrive.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerConfig {
    /// Address and port to listen on. Port 0 takes a free one.
    pub(crate) listen: String,
    /// The largest request body, in bytes. Pictures travel inside JSON, so it must be roomy.
    pub(crate) body_bytes_max: usize,
    /// The longest an answer may take, in seconds. Coding tools wait 50 minutes.
    pub(crate) stream_timeout_seconds: u64,
    /// How long a stream may be silent before an empty piece is sent to keep it open, in seconds.
    pub(crate) keep_alive_seconds: u64,
    /// How long running answers may go on after a stop was asked for, in seconds.
    pub(crate) drain_seconds: u64,
    /// The most connections at once. Further ones wait until one ends.
    pub(crate) connections_max: usize,
    /// How long a connection may take to send the head of a request, in seconds. An idle connection is closed after
    /// the same time.
    pub(crate) head_timeout_seconds: u64,
    /// The longest pause within a request body, in seconds.
    pub(crate) body_timeout_seconds: u64,
    /// How long a client may stay connected without taking anything of its answer, in seconds.
    pub(crate) stall_timeout_seconds: u64,
    /// Proxies whose `X-Forwarded-For` counts, as addresses or networks: `["10.0.0.0/8"]`. Keys may be bound to the
    /// addresses that requests come from.
    pub(crate) trusted_proxies: Vec<String>,
}

/// Where things are kept.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DataConfig {
    /// Folder for the database, keys, downloaded models and caches.
    pub(crate) dir: PathBuf,
}

/// What is written to the terminal.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LogConfig {
    /// `human` for people, `json` for machines.
    pub(crate) format: LogFormat,
    /// What to show, as `info` or `info,gateway=debug`.
    pub(crate) level: String,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Human,
    Json,
}

/// How chat requests are treated.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ChatConfig {
    /// What happens to `max_tokens` above a model's maximum and to temperatures above 1: `clamp` or `refuse`.
    pub(crate) out_of_range: OutOfRange,
    /// How many asynchronous chats run at once.
    pub(crate) async_concurrency_max: usize,
    /// How long the result of an asynchronous chat can be fetched, in days.
    pub(crate) async_result_days: u64,
}

/// The door of Claude Code and its like. They ask for models of another family by default.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AnthropicConfig {
    /// The model that answers for `claude-opus-…`, `claude-sonnet-…` and every other `claude-…`. If no engine runs it and
    /// only one model is run at all, that one answers.
    #[schemars(with = "String")]
    pub(crate) large_model: ModelName,
    /// The model that answers for `claude-haiku-…`. If no engine runs it, the large one answers.
    #[schemars(with = "String")]
    pub(crate) small_model: ModelName,
}

/// What happens to numbers above a model's range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OutOfRange {
    Clamp,
    Refuse,
}

/// The context cache of embedded models.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CacheConfig {
    /// Who shares cache entries: `account`, or `everyone` (hits then tell accounts about each other).
    pub(crate) scope: CacheSharing,
    /// How long an entry lives on disk, in seconds.
    pub(crate) ttl_seconds: u64,
    /// The most disk space for entries, in MiB. 0 keeps none on disk.
    pub(crate) disk_mib_max: u64,
}

/// Who shares cache entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CacheSharing {
    Account,
    Everyone,
}

/// How embedded models run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EmbeddedConfig {
    /// The most memory for model weights and their contexts together, in MiB. 0 means three quarters of the machine's.
    pub(crate) memory_mib_max: u64,
    /// Threads for computing. 0 means one per physical core.
    pub(crate) threads: usize,
    /// How many answers a model writes at once.
    pub(crate) slots: usize,
    /// How many requests may wait for a slot before further ones are refused.
    pub(crate) queue_max: usize,
    /// The most tokens of all running conversations of one model together. 0 leaves it to the engine.
    pub(crate) context_tokens: usize,
    /// How many layers are computed on the GPU, when built for one.
    pub(crate) gpu_layers: u32,
}

/// What requests cost.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BillingConfig {
    /// Whether balances, plans and limits hold. Off, every request of a valid key is served, and only counted. The
    /// operator's own account is never out of money, and has a plan.
    pub(crate) enabled: bool,
}

/// The demo model, which answers as `azimuth-demo` until engines or models are configured.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DemoConfig {
    /// Documented text models under whose names the demo model answers too, for trying clients that insist on one:
    /// `["glm-4.7"]`, or `["*"]` for all. The header `x-azimuth-model` says who really answered.
    pub(crate) answers_as: Vec<String>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8787".to_owned(),
            body_bytes_max: 128 * 1024 * 1024,
            stream_timeout_seconds: 3000,
            keep_alive_seconds: 15,
            drain_seconds: 30,
            connections_max: 20_000,
            head_timeout_seconds: 60,
            body_timeout_seconds: 30,
            stall_timeout_seconds: 300,
            trusted_proxies: Vec::new(),
        }
    }
}

impl Default for DataConfig {
    fn default() -> Self {
        let home = std::env::var_os("XDG_DATA_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share")))
            .unwrap_or_else(|| PathBuf::from("."));
        Self { dir: home.join("azimuth") }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Human, level: "info".to_owned() }
    }
}

impl Default for ChatConfig {
    fn default() -> Self {
        Self { out_of_range: OutOfRange::Clamp, async_concurrency_max: 8, async_result_days: 7 }
    }
}

impl Default for AnthropicConfig {
    fn default() -> Self {
        let ClaudeModels { large, small } = ClaudeModels::default();
        Self { large_model: large, small_model: small }
    }
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { scope: CacheSharing::Account, ttl_seconds: 3600, disk_mib_max: 2048 }
    }
}

impl Default for BillingConfig {
    fn default() -> Self {
        Self { enabled: true }
    }
}

impl Default for EmbeddedConfig {
    fn default() -> Self {
        Self { memory_mib_max: 0, threads: 0, slots: 8, queue_max: 64, context_tokens: 0, gpu_layers: 0 }
    }
}
