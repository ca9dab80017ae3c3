//! Which public models there are, and what runs them: the configuration, and what the operator changed since.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use gateway::{Catalogue, ClaudeModels, ModelCard, ModelKind, ModelMapping, RouteTo};
use inference::ChatEngine;
use outbound::remote::RemoteEngine;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vocab::ModelName;

use crate::config::{Config, DemoConfig, EngineConfig, EngineKind, ModelConfig};
use crate::data_folder::DataFolder;
use crate::embedded::EmbeddedModels;
use crate::engines;
use crate::rules::Rules;

/// The public name of the demo model.
pub(crate) const DEMO_MODEL: &str = "azimuth-demo";

/// In `demo.answers_as`: every documented text model.
pub(crate) const EVERY_MODEL: &str = "*";

/// How much the demo model writes unless a request says otherwise; it does not always know when to stop.
const DEMO_MAX_TOKENS: u32 = 1024;

/// The engines of this node.
pub(crate) struct Models {
    config: Config,
    folder: DataFolder,
    embedded: EmbeddedModels,
    running: Mutex<HashMap<String, Running>>,
}

/// An engine, and what it was made of: as long as that stays the same, so does the engine, with its connections and
/// what it knows of its host.
struct Running {
    made_of: EngineConfig,
    engine: Arc<dyn ChatEngine>,
    remote: Option<Arc<RemoteEngine>>,
}

impl Models {
    pub(crate) fn start(config: Config, folder: DataFolder) -> Self {
        let embedded = EmbeddedModels::start(&config, &folder);
        Self { config, folder, embedded, running: Mutex::default() }
    }

    /// The catalogue of what is configured and of what `rules` added. Engines that are new are made, and those that are
    /// no longer named end with their last request.
    pub(crate) fn catalogue(&self, rules: &Rules) -> anyhow::Result<Catalogue> {
        let added = (rules.engines(), rules.models());
        let is_demo = is_demo(&self.config) && added.0.is_empty() && added.1.is_empty();
        let mut wanted = if is_demo { configured_engines(&self.config) } else { self.config.engines.clone() };
        for engine in added.0 {
            wanted.retain(|configured| configured.name != engine.name);
            wanted.push(engine);
        }
        let engines = self.engines(wanted)?;
        let claude = &self.config.anthropic;
        let claude = ClaudeModels { large: claude.large_model.clone(), small: claude.small_model.clone() };
        if is_demo {
            let demo = Catalogue::new(demo_mappings(&self.config.demo, &engines))?;
            return Ok(demo.with_claude_models(claude));
        }
        let mut models = self.config.models.clone();
        for model in added.1 {
            models.retain(|configured| configured.name != model.name);
            models.push(model);
        }
        let mappings = models.iter().map(|model| mapping(model, &engines)).collect();
        Ok(Catalogue::new(mappings)?.with_claude_models(claude))
    }

    fn engines(&self, wanted: Vec<EngineConfig>) -> anyhow::Result<HashMap<String, Arc<dyn ChatEngine>>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = HashMap::new();
        for about in wanted {
            let made = match running.remove(&about.name) {
                Some(same) if same.made_of == about => same,
                _ => self.make(about)?,
            };
            next.insert(made.made_of.name.clone(), made);
        }
        let engines = next.iter().map(|(name, made)| (name.clone(), made.engine.clone())).collect();
        *running = next;
        Ok(engines)
    }

    fn make(&self, about: EngineConfig) -> anyhow::Result<Running> {
        let Some(remote) = engines::remote_config(&about) else {
            let file = engines::model_file(&about, &self.folder)?;
            let engine = self.embedded.engine(&about.name, &file)?;
            return Ok(Running { made_of: about, engine, remote: None });
        };
        let remote =
            Arc::new(RemoteEngine::new(remote).with_context(|| format!("`engines` `{}`", about.name))?);
        Ok(Running { made_of: about, engine: remote.clone(), remote: Some(remote) })
    }

    /// Brings embedded models into memory before the first request asks for them.
    pub(crate) fn preload(&self, tracker: &TaskTracker, stop: CancellationToken) {
        let engines = configured_engines(&self.config).into_iter();
        let names = engines.filter(|engine| engine.kind == EngineKind::Embedded).map(|engine| engine.name);
        self.embedded.preload(names.collect(), tracker, stop);
    }

    /// Asks hosts that failed whether they are back. What it finds is kept by the engine and seen by the router.
    pub(crate) async fn probe(&self) {
        let remotes: Vec<Arc<RemoteEngine>> = {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.values().filter_map(|made| made.remote.clone()).collect()
        };
        let sick = remotes.iter().filter(|remote| !remote.is_healthy());
        futures::future::join_all(sick.map(|remote| remote.probe())).await;
    }

    pub(crate) async fn shutdown(&self) {
        self.embedded.shutdown().await;
    }
}

fn mapping(model: &ModelConfig, engines: &HashMap<String, Arc<dyn ChatEngine>>) -> ModelMapping {
    let mut card = documented(&model.name).unwrap_or_else(|| ModelCard::custom(model.name.clone()));
    card.aliases.extend(model.aliases.iter().cloned());
    card.max_tokens_default = model.max_tokens.or(card.max_tokens_default);
    card.temperature_default = model.temperature.or(card.temperature_default);
    card.top_p_default = model.top_p.or(card.top_p_default);
    let routes = model
        .engines
        .iter()
        .filter_map(|name| {
            let weight = model.weights.get(name).copied().unwrap_or(1);
            engines.get(name).map(|engine| RouteTo { engine: engine.clone(), weight })
        })
        .collect();
    ModelMapping { card, routes }
}

fn documented(name: &ModelName) -> Option<ModelCard> {
    ModelCard::documented().iter().find(|card| card.name == *name).cloned()
}

/// Until engines or models are configured the demo model answers, under its own name and those the operator lends it.
/// It does not sample and does not write at length: it is too small to be let wander.
fn demo_mappings(config: &DemoConfig, engines: &HashMap<String, Arc<dyn ChatEngine>>) -> Vec<ModelMapping> {
    let Some(engine) = engines.get(DEMO_MODEL) else { return Vec::new() };
    let own = DEMO_MODEL.parse().map(ModelCard::custom).into_iter();
    let is_lent = |card: &&ModelCard| {
        let is_named = |name: &String| name == EVERY_MODEL || card.name.as_str() == name;
        card.kind == ModelKind::Text && card.listed && config.answers_as.iter().any(is_named)
    };
    let lent = ModelCard::documented().iter().filter(is_lent).cloned();
    own.chain(lent)
        .map(|mut card| {
            card.temperature_default = Some(0.0);
            card.max_tokens_default = Some(DEMO_MAX_TOKENS);
            ModelMapping { card, routes: vec![RouteTo { engine: engine.clone(), weight: 1 }] }
        })
        .collect()
}

/// The engines the configuration names, or the demo model alone.
pub(crate) fn configured_engines(config: &Config) -> Vec<EngineConfig> {
    if !config.engines.is_empty() || !config.models.is_empty() {
        return config.engines.clone();
    }
    vec![EngineConfig::embedded(DEMO_MODEL, None)]
}

/// Whether nothing is configured, so that the demo model stands in.
pub(crate) fn is_demo(config: &Config) -> bool {
    configured_engines(config)
        .iter()
        .all(|engine| engine.kind == EngineKind::Embedded && engine.file.is_none())
}
