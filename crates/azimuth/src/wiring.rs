//! Where adapters meet: the one place that knows which store, which engines and which server there are.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use accounts::{Accounts, Keys};
use anyhow::Context;
use capabilities::async_chat::{AsyncChat, ChatTaskHandler, TASK_KIND};
use gateway::{
    Catalogue, Gateway, GatewayLimits, Meter, MeterSettings, ModelCard, ModelKind, ModelMapping, RouteTo,
};
use inference::ChatEngine;
use outbound::remote::RemoteEngine;
use server::{Platform, ServerSettings};
use store::Store;
use tasks::{TaskSettings, Tasks, WorkerSettings};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vocab::{Clock, ModelName, SystemClock};

use crate::config::{CacheSharing, Config, DemoConfig, EngineConfig, EngineKind, ModelConfig, OutOfRange};
use crate::data_folder::DataFolder;
use crate::embedded::EmbeddedModels;
use crate::engines;
use crate::schedule::every;

/// The public name of the demo model.
pub(crate) const DEMO_MODEL: &str = "azimuth-demo";

/// In `demo.answers_as`: every documented text model.
pub(crate) const EVERY_MODEL: &str = "*";

/// How much the demo model writes unless a request says otherwise; it does not always know when to stop.
const DEMO_MAX_TOKENS: u32 = 1024;

/// Accounts, keys and records: what the commands share with a running server.
pub(crate) struct Books {
    pub(crate) store: Arc<Store>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) accounts: Accounts,
}

impl Books {
    pub(crate) async fn open(folder: &DataFolder) -> anyhow::Result<Self> {
        let store = Arc::new(
            Store::open(&folder.database())
                .await
                .with_context(|| format!("the database {} cannot be opened", folder.database().display()))?,
        );
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let keys = Arc::new(Keys::new(store.clone(), folder.seal()?, clock.clone()));
        anyhow::ensure!(
            keys.seal_fits().await?,
            "the master key does not open the keys in {}: it belongs to another installation. \
             Put the right master.key back, or set AZIMUTH_MASTER_KEY",
            folder.database().display()
        );
        let accounts = Accounts::new(store.clone(), keys.clone(), clock);
        Ok(Self { store, keys, accounts })
    }
}

/// A whole installation, running.
pub(crate) struct Running {
    pub(crate) platform: Platform,
    embedded: EmbeddedModels,
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Running {
    /// Puts everything together and starts what runs by itself.
    pub(crate) fn start(config: &Config, folder: &DataFolder, books: &Books) -> anyhow::Result<Self> {
        let tracker = TaskTracker::new();
        let stop = CancellationToken::new();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);

        let embedded = EmbeddedModels::start(config, folder);
        let (engines, remotes) = engines::all(config, folder, &embedded)?;
        embedded.preload(embedded_names(config), &tracker, stop.clone());
        let catalogue = Arc::new(catalogue(config, &engines)?);
        let meter = Meter::start(books.store.clone(), MeterSettings::default(), &tracker);
        let limits = GatewayLimits {
            out_of_range: match config.chat.out_of_range {
                OutOfRange::Clamp => gateway::OutOfRange::Clamp,
                OutOfRange::Refuse => gateway::OutOfRange::Refuse,
            },
            shared_context_cache: config.cache.scope == CacheSharing::Everyone,
        };
        let gateway = Arc::new(Gateway::new(catalogue, meter, clock.clone(), limits));

        let kept_for = Duration::from_secs(config.chat.async_result_days * 24 * 3600);
        let task_settings = TaskSettings { kept_for, ..TaskSettings::default() };
        let tasks = Arc::new(Tasks::new(books.store.clone(), clock.clone(), task_settings));
        let worker_settings = WorkerSettings {
            concurrency_max: config.chat.async_concurrency_max,
            ..WorkerSettings::default()
        };
        let worker = tasks
            .worker(worker_settings)
            .with_handler(TASK_KIND, Arc::new(ChatTaskHandler::new(gateway.clone())));
        tracker.spawn(worker.run(stop.clone()));
        start_schedule(&tracker, &stop, books.keys.clone(), tasks.clone(), remotes);

        let platform = Platform {
            keys: books.keys.clone(),
            async_chat: Arc::new(AsyncChat::new(gateway.clone(), tasks)),
            gateway,
            clock,
            settings: Arc::new(server_settings(config)),
        };
        Ok(Self { platform, embedded, tracker, stop })
    }

    /// Ends what runs by itself; returns when every record is written.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        // The meter ends when the last gateway that could still hand it a record is gone.
        drop(self.platform);
        self.tracker.close();
        self.tracker.wait().await;
        self.embedded.shutdown().await;
    }
}

fn server_settings(config: &Config) -> ServerSettings {
    let about = &config.server;
    ServerSettings {
        body_bytes_max: about.body_bytes_max,
        answer_duration_max: Duration::from_secs(about.stream_timeout_seconds),
        keep_alive_after: Duration::from_secs(about.keep_alive_seconds),
        drain_duration_max: Duration::from_secs(about.drain_seconds),
        connections_max: about.connections_max,
        head_wait_max: Duration::from_secs(about.head_timeout_seconds),
        body_wait_max: Duration::from_secs(about.body_timeout_seconds),
        stall_max: Duration::from_secs(about.stall_timeout_seconds),
    }
}

fn start_schedule(
    tracker: &TaskTracker,
    stop: &CancellationToken,
    keys: Arc<Keys>,
    tasks: Arc<Tasks>,
    remotes: Vec<Arc<RemoteEngine>>,
) {
    every(Duration::from_secs(10), tracker, stop.clone(), move || {
        let keys = keys.clone();
        async move {
            if let Err(error) = keys.flush_last_used().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the last use of keys was not written"
                );
            }
        }
    });
    every(Duration::from_secs(3600), tracker, stop.clone(), move || {
        let tasks = tasks.clone();
        async move {
            if let Err(error) = tasks.purge().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "old results were not deleted");
            }
        }
    });
    for remote in remotes {
        every(Duration::from_secs(15), tracker, stop.clone(), move || {
            let remote = remote.clone();
            async move {
                if !remote.is_healthy() {
                    // What it finds is kept by the engine and seen by the router.
                    let _ = remote.probe().await;
                }
            }
        });
    }
}

fn catalogue(config: &Config, engines: &HashMap<String, Arc<dyn ChatEngine>>) -> anyhow::Result<Catalogue> {
    let mappings = if config.models.is_empty() && config.engines.is_empty() {
        demo_mappings(&config.demo, engines)
    } else {
        config.models.iter().map(|model| mapping(model, engines)).collect()
    };
    Ok(Catalogue::new(mappings)?)
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

fn embedded_names(config: &Config) -> Vec<String> {
    let engines = configured_engines(config).into_iter();
    engines.filter(|engine| engine.kind == EngineKind::Embedded).map(|engine| engine.name).collect()
}

/// Whether nothing is configured, so that the demo model stands in.
pub(crate) fn is_demo(config: &Config) -> bool {
    configured_engines(config)
        .iter()
        .all(|engine| engine.kind == EngineKind::Embedded && engine.file.is_none())
}
