//! Which models are in memory.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use inference::EngineError;
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio::task::spawn_blocking;
use tracing::{info, warn};
use vocab::Clock;

use crate::disk_cache::DiskCache;
use crate::gguf::ModelFile;
use crate::load::{LoadState, LoadedModel, Surroundings};
use crate::settings::Settings;
use crate::system::memory_bytes;

/// A guess at when a model that is in use will not be.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// One model that may be loaded.
pub(crate) struct Entry {
    pub name: String,
    pub path: PathBuf,
    pub progress: Arc<watch::Sender<LoadState>>,
    /// Requests waiting or running. While there is any, the model stays.
    pub places: Arc<AtomicUsize>,
    /// Held while the model is loaded or unloaded.
    changing: AsyncMutex<()>,
    loaded: Mutex<Option<Arc<LoadedModel>>>,
    /// When it was last asked for, as a count of askings.
    used: AtomicU64,
}

impl Entry {
    pub fn new(name: String, path: PathBuf) -> Self {
        Self {
            name,
            path,
            progress: Arc::new(watch::Sender::new(LoadState::Unloaded)),
            places: Arc::default(),
            changing: AsyncMutex::default(),
            loaded: Mutex::default(),
            used: AtomicU64::new(0),
        }
    }

    /// Whether there is a model to unload, though its thread may have failed.
    fn holds_a_model(&self) -> bool {
        self.loaded().is_some()
    }

    /// The model, if it is in memory.
    pub fn if_loaded(&self) -> Option<Arc<LoadedModel>> {
        self.loaded().clone().filter(|model| model.is_alive())
    }

    /// Takes the model away, unless somebody has a place. Whoever takes a place later finds it gone.
    fn take_if_idle(&self) -> Option<Arc<LoadedModel>> {
        let mut loaded = self.loaded();
        if self.places.load(Ordering::Acquire) > 0 { None } else { loaded.take() }
    }

    fn loaded(&self) -> MutexGuard<'_, Option<Arc<LoadedModel>>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All models and the memory they share.
pub(crate) struct Pool {
    settings: Arc<Settings>,
    disk: Option<Arc<DiskCache>>,
    clock: Arc<dyn Clock>,
    entries: Mutex<HashMap<String, Arc<Entry>>>,
    /// Bytes each loaded model was counted with. Held while room is made, so that one at a time is loaded.
    budget: AsyncMutex<HashMap<String, u64>>,
    memory_bytes_max: u64,
    askings: AtomicU64,
    is_closed: Arc<AtomicBool>,
}

impl Pool {
    pub fn new(settings: Arc<Settings>, disk: Option<Arc<DiskCache>>, clock: Arc<dyn Clock>) -> Self {
        let memory_bytes_max = settings.memory_bytes_max.or_else(memory_bytes).unwrap_or(u64::MAX);
        Self {
            settings,
            disk,
            clock,
            entries: Mutex::default(),
            budget: AsyncMutex::default(),
            memory_bytes_max,
            askings: AtomicU64::new(0),
            is_closed: Arc::default(),
        }
    }

    /// The entry called `name`; made if it is new or has another path.
    pub fn entry(&self, name: &str, path: PathBuf) -> Arc<Entry> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        match entries.get(name) {
            Some(known) if known.path == path => known.clone(),
            _ => {
                let entry = Arc::new(Entry::new(name.to_owned(), path));
                entries.insert(name.to_owned(), entry.clone());
                entry
            }
        }
    }

    pub fn find(&self, name: &str) -> Option<Arc<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The model of `entry`, loaded if it is not in memory.
    ///
    /// The caller holds one of the entry's places, so the model is not unloaded under its hands. Loading goes
    /// on if the caller leaves.
    pub async fn acquire(self: &Arc<Self>, entry: &Arc<Entry>) -> Result<Arc<LoadedModel>, EngineError> {
        entry.used.store(self.askings.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        if let Some(model) = entry.if_loaded() {
            return Ok(model);
        }
        let (pool, loaded_entry) = (self.clone(), entry.clone());
        let loading = tokio::spawn(async move { pool.load(&loaded_entry).await });
        loading.await.unwrap_or_else(|_| {
            let error = unavailable("loading was broken off");
            entry.progress.send_replace(LoadState::Failed(error.to_string()));
            Err(error)
        })
    }

    /// Unloads everything and refuses what comes later. Running answers end with an error.
    pub async fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        let entries: Vec<_> =
            self.entries.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for entry in entries {
            let _changing = entry.changing.lock().await;
            let model = entry.loaded().take();
            if let Some(model) = model {
                unload(&entry, model).await;
            }
        }
        self.budget.lock().await.clear();
    }

    async fn load(self: &Arc<Self>, entry: &Arc<Entry>) -> Result<Arc<LoadedModel>, EngineError> {
        let _changing = entry.changing.lock().await;
        if let Some(model) = entry.if_loaded() {
            return Ok(model);
        }
        if self.is_closed.load(Ordering::Acquire) {
            return Err(unavailable("the engine is shutting down"));
        }
        let broken = entry.loaded().take();
        if let Some(broken) = broken {
            unload(entry, broken).await;
        }
        entry.progress.send_replace(LoadState::Loading(0.0));
        match self.bring_in(entry).await {
            Ok(model) => {
                entry.progress.send_replace(LoadState::Ready);
                *entry.loaded() = Some(model.clone());
                Ok(model)
            }
            // Nothing is wrong with the model: there is no room while others are being used.
            Err(error @ EngineError::Busy { .. }) => {
                entry.progress.send_replace(LoadState::Unloaded);
                Err(error)
            }
            Err(error) => {
                warn!(model.name = %entry.name, %error, "model `{}` could not be loaded", entry.name);
                entry.progress.send_replace(LoadState::Failed(error.to_string()));
                Err(error)
            }
        }
    }

    async fn bring_in(self: &Arc<Self>, entry: &Arc<Entry>) -> Result<Arc<LoadedModel>, EngineError> {
        let path = entry.path.clone();
        let inspected = spawn_blocking(move || ModelFile::inspect(&path)).await;
        let file = inspected
            .map_err(|_| unavailable("the model file could not be inspected"))?
            .map_err(|problem| unavailable(&sentence(&problem)))?;

        let needed = file.memory_bytes(&self.settings);
        let mut budget = self.budget.lock().await;
        budget.remove(&entry.name);
        self.make_room(entry, needed, &mut budget).await?;

        info!(model.name = %entry.name, memory_bytes = needed, "model `{}` is being loaded", entry.name);
        let around = Surroundings {
            settings: self.settings.clone(),
            disk: self.disk.clone(),
            clock: self.clock.clone(),
            progress: entry.progress.clone(),
            is_cancelled: self.is_closed.clone(),
        };
        let model =
            LoadedModel::load(file, around).await.map_err(|problem| unavailable(&sentence(&problem)))?;
        budget.insert(entry.name.clone(), needed);
        Ok(Arc::new(model))
    }

    /// Unloads idle models, least recently used first, until `needed` bytes fit.
    async fn make_room(
        &self,
        entry: &Entry,
        needed: u64,
        budget: &mut HashMap<String, u64>,
    ) -> Result<(), EngineError> {
        if needed > self.memory_bytes_max {
            return Err(unavailable(&format!(
                "`{}` needs about {} MiB of memory and models may use {} MiB",
                entry.path.display(),
                needed >> 20,
                self.memory_bytes_max >> 20
            )));
        }
        while budget.values().sum::<u64>().saturating_add(needed) > self.memory_bytes_max {
            let Some(victim) = self.least_recently_used(budget) else { return Err(busy()) };
            // Never waits: whoever is about to load it anew may be waiting for the budget that is held here.
            let Ok(_changing) = victim.changing.try_lock() else { return Err(busy()) };
            // If somebody has just come for it, another victim is looked for.
            if let Some(model) = victim.take_if_idle() {
                info!(model.name = %victim.name, "model `{}` makes room", victim.name);
                unload(&victim, model).await;
                budget.remove(&victim.name);
            }
        }
        Ok(())
    }

    fn least_recently_used(&self, budget: &HashMap<String, u64>) -> Option<Arc<Entry>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = entries.values().filter(|e| {
            budget.contains_key(&e.name) && e.places.load(Ordering::Acquire) == 0 && e.holds_a_model()
        });
        idle.min_by_key(|e| e.used.load(Ordering::Relaxed)).cloned()
    }
}

async fn unload(entry: &Entry, model: Arc<LoadedModel>) {
    let _ = spawn_blocking(move || model.stop()).await;
    entry.progress.send_replace(LoadState::Unloaded);
}

/// An error with its causes, for the operator.
fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

fn busy() -> EngineError {
    EngineError::Busy { retry_after: Some(RETRY_AFTER) }
}

fn unavailable(reason: &str) -> EngineError {
    EngineError::Unavailable { reason: reason.to_owned() }
}
