use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How the embedded engine uses the machine. One value serves every model it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Requests that one model answers at the same time.
    pub slots: u32,
    /// The longest prompt and answer together. The model's own limit applies if it is lower.
    ///
    /// All slots of a model share one pool of this many tokens: a lone long conversation may use it whole,
    /// and when many run at once the youngest waits.
    pub context_tokens: u32,
    /// The most tokens in one step of the model.
    pub batch_tokens: u32,
    /// The most prompt tokens read in a step while others are being answered. Lower values keep the
    /// tokens of running answers closer together; higher values start new answers sooner.
    pub prompt_tokens_per_step: u32,
    /// Threads that compute; `None` takes one for each physical core, and fewer for a small model.
    pub threads: Option<u32>,
    /// How attention keys and values are stored.
    pub kv_type: KvType,
    /// Whether the fused attention kernel is used.
    pub flash_attention: FlashAttention,
    /// Layers put on a GPU; `None` puts as many there as the backend likes.
    pub gpu_layers: Option<u32>,
    /// Requests that may wait for one model, besides those being answered.
    pub queue_max: usize,
    /// How long the reader of an answer may leave what is there for it; then the answer is broken off, so that
    /// connections nobody reads from do not fill the queue.
    pub reader_seconds_max: u32,
    /// Memory for all loaded models together; `None` takes four fifths of the machine's.
    pub memory_bytes_max: Option<u64>,
    /// The longest answer when the request sets no limit. The context window applies too.
    pub output_tokens_max: u32,
    /// Randomness of the draw when neither the request nor the model file says.
    pub temperature: f32,
    /// Share of the probability mass drawn from when neither the request nor the model file says.
    pub top_p: f32,
    /// What is kept of earlier prompts.
    pub cache: CacheSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            slots: 8,
            context_tokens: 16_384,
            batch_tokens: 512,
            prompt_tokens_per_step: 256,
            threads: None,
            kv_type: KvType::F16,
            flash_attention: FlashAttention::Auto,
            gpu_layers: None,
            queue_max: 64,
            reader_seconds_max: 120,
            memory_bytes_max: None,
            output_tokens_max: 65_536,
            temperature: 0.6,
            top_p: 0.95,
            cache: CacheSettings::default(),
        }
    }
}

/// What is kept of earlier prompts, so that a prompt with the same beginning is read faster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CacheSettings {
    /// How long an unused entry lives (rule CACHE-05).
    pub ttl_seconds: u64,
    /// Shorter matches are not used, and shorter conversations not kept.
    pub min_prefix_tokens: u32,
    /// Prefixes are reused in whole blocks of this many tokens, and prompts are read in whole blocks and then
    /// the rest. So what follows a hit is computed in the same portions as without it, and a lone request is
    /// answered with the same bits: the arithmetic of a network depends on how many tokens it takes at once.
    pub block_tokens: u32,
    /// Conversations kept ready in memory, for each model.
    pub resident_max: u32,
    /// Where conversations go that memory has no room for; `None` forgets them.
    pub disk: Option<DiskCacheSettings>,
}

impl CacheSettings {
    /// `ttl_seconds` as a duration.
    pub fn ttl(&self) -> Duration {
        Duration::from_secs(self.ttl_seconds)
    }
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self { ttl_seconds: 24 * 3600, min_prefix_tokens: 64, block_tokens: 64, resident_max: 16, disk: None }
    }
}

/// The tier of the context cache that survives a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskCacheSettings {
    /// A folder of its own; made if it is missing.
    pub folder: PathBuf,
    /// All files together. The least recently used go first.
    #[serde(default = "disk_bytes_max")]
    pub bytes_max: u64,
    /// Shorter conversations are not worth a file.
    #[serde(default = "disk_min_tokens")]
    pub min_tokens: u32,
}

impl DiskCacheSettings {
    /// The defaults, in `folder`.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), bytes_max: disk_bytes_max(), min_tokens: disk_min_tokens() }
    }
}

fn disk_bytes_max() -> u64 {
    8 << 30
}

fn disk_min_tokens() -> u32 {
    256
}

/// How attention keys and values are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KvType {
    /// Exact; for comparisons with reference implementations.
    F32,
    /// Half precision.
    #[default]
    F16,
    /// Eight bits in blocks: half the memory of `F16`, at a small loss.
    Q8_0,
}

impl KvType {
    /// Bytes that `values` numbers take.
    pub(crate) fn bytes(self, values: u64) -> u64 {
        match self {
            Self::F32 => values.saturating_mul(4),
            Self::F16 => values.saturating_mul(2),
            // 32 bytes and a two-byte scale in each block of 32.
            Self::Q8_0 => values.saturating_mul(34) / 32,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Q8_0 => "q8_0",
        }
    }
}

/// Whether the fused attention kernel is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlashAttention {
    /// Where the backend has one for the model.
    #[default]
    Auto,
    /// Never; for comparisons with reference implementations.
    Off,
}
