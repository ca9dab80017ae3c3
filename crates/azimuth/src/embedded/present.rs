use std::path::Path;
use std::sync::Arc;

use engine::{BuildInfo, DiskCacheSettings, Embedded, ModelFile, Settings};
use inference::ChatEngine;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Build, ModelFacts, preload};
use crate::config::Config;
use crate::data_folder::DataFolder;

const MIB: u64 = 1024 * 1024;

/// The models in this process.
pub(crate) struct EmbeddedModels(Arc<Embedded>);

impl EmbeddedModels {
    /// An engine with no model in memory yet.
    pub(crate) fn start(config: &Config, folder: &DataFolder) -> Self {
        if let Some(advice) = build().advice {
            tracing::warn!("{advice}");
        }
        Self(Embedded::start(settings(config, folder)))
    }

    pub(crate) fn engine(&self, name: &str, path: &Path) -> anyhow::Result<Arc<dyn ChatEngine>> {
        Ok(self.0.engine(name, path))
    }

    /// Brings models into memory before the first request asks for them.
    pub(crate) fn preload(&self, names: Vec<String>, tracker: &TaskTracker, stop: CancellationToken) {
        preload::start(&self.0, names, tracker, stop);
    }

    pub(crate) async fn shutdown(&self) {
        self.0.shutdown().await;
    }
}

fn settings(config: &Config, folder: &DataFolder) -> Settings {
    let mut settings = Settings::default();
    let about = &config.embedded;
    settings.slots = u32::try_from(about.slots).unwrap_or(u32::MAX);
    settings.queue_max = about.queue_max;
    if about.context_tokens > 0 {
        settings.context_tokens = u32::try_from(about.context_tokens).unwrap_or(u32::MAX);
    }
    settings.threads = u32::try_from(about.threads).ok().filter(|threads| *threads > 0);
    settings.gpu_layers = Some(about.gpu_layers).filter(|layers| *layers > 0);
    settings.memory_bytes_max = Some(about.memory_mib_max * MIB).filter(|bytes| *bytes > 0);
    settings.cache.ttl_seconds = config.cache.ttl_seconds;
    if config.cache.disk_mib_max > 0 {
        let mut disk = DiskCacheSettings::in_folder(folder.cache());
        disk.bytes_max = config.cache.disk_mib_max * MIB;
        settings.cache.disk = Some(disk);
    }
    settings
}

pub(crate) fn build() -> Build {
    let build = BuildInfo::read();
    let is_slow = cfg!(target_arch = "x86_64") && !build.has_avx2;
    Build {
        says: build.to_string(),
        advice: is_slow.then(|| {
            "built without AVX2: embedded models read prompts about seven times slower; \
             build with RUSTFLAGS=\"-C target-cpu=x86-64-v3\""
                .to_owned()
        }),
    }
}

pub(crate) fn inspect(path: &Path) -> anyhow::Result<ModelFacts> {
    let model = ModelFile::inspect(path)?;
    Ok(vec![
        ("file", "file", json!(model.path)),
        ("bytes", "size", json!(model.file_bytes)),
        ("name", "name", json!(model.name)),
        ("architecture", "architecture", json!(model.architecture)),
        ("parameters", "parameters", json!(model.parameters)),
        ("quantisation", "weights", json!(model.quantisation)),
        ("context_tokens", "context tokens", json!(model.context_tokens)),
        ("vocabulary", "vocabulary", json!(model.vocabulary)),
        ("chat_template", "chat template", json!(model.has_chat_template)),
    ])
}
