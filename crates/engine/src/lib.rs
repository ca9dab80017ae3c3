//! Embedded models on llama.cpp: loading, batching, sampling, prefix cache.
//!
//! [`Embedded`] holds the models; [`Embedded::engine`] gives each of them as an [`inference::ChatEngine`]. What
//! decides (`scheduler`, `prefix`, `grammar`, `schema_guard`) knows nothing of llama.cpp's context; what touches the
//! context (`memory`, `worker`) runs on one thread for each model.

mod architecture;
mod call_grammar;
mod disk_cache;
mod embedded;
mod gguf;
mod gguf_reader;
mod grammar;
mod load;
mod logprobs;
mod memory;
mod output;
#[cfg(test)]
mod parity;
mod pattern;
mod pool;
mod prefix;
mod prepare;
mod sampler;
mod scheduler;
mod schema_guard;
mod settings;
mod slot;
mod system;
mod tensor_type;
mod tokens;
mod worker;

pub use embedded::Embedded;
pub use gguf::{ModelFile, ModelFileError, SamplingAdvice};
pub use load::LoadState;
pub use settings::{CacheSettings, DiskCacheSettings, FlashAttention, KvType, Settings};
pub use system::{BuildInfo, cpu_features, has_avx2, physical_cores};
pub use worker::Stats;
