use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use inference::ChatEngine;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Build, ModelFacts};
use crate::config::Config;
use crate::data_folder::DataFolder;

const MISSING: &str = "this program was built without the embedded engine (cargo feature `embedded`)";

/// No models: there is nothing here to run them.
pub(crate) struct EmbeddedModels;

impl EmbeddedModels {
    pub(crate) fn start(_config: &Config, _folder: &DataFolder) -> Self {
        Self
    }

    pub(crate) fn engine(&self, name: &str, _path: &Path) -> anyhow::Result<Arc<dyn ChatEngine>> {
        bail!("`engines` `{name}`: {MISSING}; configure an engine of kind `openai` or `zai`")
    }

    pub(crate) fn preload(&self, _names: Vec<String>, _tracker: &TaskTracker, _stop: CancellationToken) {}

    pub(crate) async fn shutdown(&self) {}
}

pub(crate) fn build() -> Build {
    Build { says: MISSING.to_owned(), advice: None }
}

pub(crate) fn inspect(_path: &Path) -> anyhow::Result<ModelFacts> {
    bail!("{MISSING}")
}
