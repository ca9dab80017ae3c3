//! Brings a model into memory, on the thread that will run it.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use inference::prompt::{PromptError, Renderer};
use llama_cpp_2::context::params::{KvCacheType, LlamaContextParams};
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;
use tokio::sync::{oneshot, watch};
use tracing::info;
use vocab::Clock;

use crate::disk_cache::{DiskCache, Fingerprint};
use crate::gguf::ModelFile;
use crate::grammar::Dialect;
use crate::memory::Memory;
use crate::prefix::Reuse;
use crate::sampler::SamplerBasis;
use crate::scheduler::{FairQueue, Rotation, StepLimits};
use crate::settings::{FlashAttention, KvType, Settings};
use crate::slot::Job;
use crate::system::{ENGINE_BUILD, backend, physical_cores};
use crate::tokens::Vocabulary;
use crate::worker::{Command, Counters, SlowReaders, Worker};

/// Grammars are walked with one call for each character of a token; see also `schema_guard`.
const THREAD_STACK_BYTES: usize = 32 << 20;
/// Tokens that the network takes in at once, in steps of this size.
const MICRO_BATCH_TOKENS: u32 = 512;
const WEIGHT_BYTES_PER_THREAD: u64 = 32 << 20;
/// llama.cpp's own limit.
const SEQUENCES_MAX: u32 = 256;
/// Larger steps are no faster, and their buffers are allocated at once.
const BATCH_TOKENS_MAX: u32 = 1 << 16;
/// ggml's own limit, which it does not check.
const THREADS_MAX: u32 = 512;

/// Where a model stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum LoadState {
    /// Not in memory.
    #[default]
    Unloaded,
    /// On its way; from 0.0 to 1.0.
    Loading(f32),
    /// Answers.
    Ready,
    /// Could not be loaded, and why.
    Failed(String),
}

/// Why a model is not in memory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("llama.cpp could not be started")]
    Backend,
    #[error("llama.cpp refused the file; its reason is in the log at level debug")]
    Refused,
    #[error("there is not enough memory for the context")]
    Context,
    #[error("its chat template cannot be used")]
    Template(#[from] PromptError),
    #[error("the thread that runs it could not be started")]
    Thread(#[from] std::io::Error),
    #[error("the thread that loads it failed")]
    Broken,
}

/// A model in memory. Dropping the last handle unloads it.
#[derive(Debug)]
pub(crate) struct LoadedModel {
    pub vocabulary: Vocabulary,
    pub renderer: Renderer,
    pub basis: SamplerBasis,
    pub dialect: Dialect,
    /// The longest prompt and answer together.
    pub window: usize,
    pub counters: Arc<Counters>,
    commands: Sender<Command>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What loading needs besides the file.
pub(crate) struct Surroundings {
    pub settings: Arc<Settings>,
    pub disk: Option<Arc<DiskCache>>,
    pub clock: Arc<dyn Clock>,
    pub progress: Arc<watch::Sender<LoadState>>,
    pub is_cancelled: Arc<AtomicBool>,
}

impl LoadedModel {
    /// Loads the model of `file` on a thread of its own and returns when it is ready.
    pub async fn load(file: ModelFile, around: Surroundings) -> Result<Self, LoadError> {
        let (commands, receiver) = mpsc::channel();
        let (ready, when_ready) = oneshot::channel();
        // The file's own name for the model may hold anything, even what no thread may be called.
        let name: String = file.name.as_deref().unwrap_or("unnamed").chars().filter(|c| *c != '\0').collect();
        let thread = thread::Builder::new()
            .name(format!("model {name}"))
            .stack_size(THREAD_STACK_BYTES)
            .spawn(move || {
                run(&file, &around, receiver, ready);
            })?;
        let parts = when_ready.await.map_err(|_| LoadError::Broken)??;
        Ok(Self {
            vocabulary: parts.vocabulary,
            renderer: parts.renderer,
            basis: parts.basis,
            dialect: parts.dialect,
            window: parts.window,
            counters: parts.counters,
            commands,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Hands a job to the thread; gives it back if the thread has ended.
    pub fn submit(&self, job: Box<Job>) -> Result<(), Box<Job>> {
        self.commands.send(Command::Run(job)).map_err(|mpsc::SendError(command)| match command {
            Command::Run(job) => job,
            #[expect(clippy::unreachable, reason = "it is the command sent above")]
            _ => unreachable!(),
        })
    }

    pub fn is_alive(&self) -> bool {
        self.counters.is_alive.load(Ordering::Acquire)
    }

    /// Ends the thread and waits for it. Blocks for a step of the model and the writing of its cache.
    pub fn stop(&self) {
        let _ = self.commands.send(Command::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    #[cfg(test)]
    pub fn panic(&self) {
        self.commands.send(Command::Panic).unwrap();
    }
}

impl Drop for LoadedModel {
    fn drop(&mut self) {
        // The thread sees that nobody can send any more, and ends by itself.
        let _ = self.commands.send(Command::Stop);
    }
}

struct Parts {
    vocabulary: Vocabulary,
    renderer: Renderer,
    basis: SamplerBasis,
    dialect: Dialect,
    window: usize,
    counters: Arc<Counters>,
}

fn run(
    file: &ModelFile,
    around: &Surroundings,
    commands: mpsc::Receiver<Command>,
    ready: oneshot::Sender<Result<Parts, LoadError>>,
) {
    let settings = &around.settings;
    let prepared = load_weights(file, around).and_then(|model| {
        let parts = describe(file, settings, &model)?;
        Ok((model, parts))
    });
    let (model, parts) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };

    let slots = settings.slots.clamp(1, SEQUENCES_MAX / 2);
    let sequences = slots.saturating_add(settings.cache.resident_max).min(SEQUENCES_MAX);
    // llama.cpp insists on room for one score row of each sequence.
    let batch_tokens = settings.batch_tokens.min(BATCH_TOKENS_MAX).max(sequences);
    let threads = settings.threads.unwrap_or_else(|| threads_for(file.weight_bytes, physical_cores()));
    let shape = ContextShape { window: file.window(settings), sequences, batch_tokens, threads };
    let parameters = context_parameters(settings, shape);
    let Some(context) = backend().and_then(|backend| model.new_context(backend, parameters).ok()) else {
        let _ = ready.send(Err(LoadError::Context));
        return;
    };

    let mut cache = settings.cache.clone();
    cache.resident_max = sequences - slots;
    let block_tokens = settings.cache.block_tokens.max(1) as usize;
    let is_recurrent = model.is_recurrent() || model.is_hybrid();
    let reuse = if is_recurrent { Reuse::Whole } else { Reuse::Blocks(block_tokens) };
    let disk = around.disk.clone().map(|disk| (disk, fingerprint(file, settings)));
    let worker = Worker {
        memory: Memory::new(context, sequences as usize, cache, reuse, disk, around.clock.clone()),
        batch: LlamaBatch::new(batch_tokens as usize, 1),
        vocabulary: parts.vocabulary.clone(),
        commands,
        counters: parts.counters.clone(),
        limits: StepLimits {
            batch: batch_tokens as usize,
            prompt_while_answering: settings.prompt_tokens_per_step.max(1) as usize,
        },
        window: parts.window,
        slots: (0..slots).map(|_| None).collect(),
        queue: FairQueue::new(),
        rotation: Rotation::default(),
        readers: SlowReaders::default(),
        patience: Duration::from_secs(settings.reader_seconds_max.into()),
        clock: around.clock.clone(),
        scratch: LlamaTokenDataArray::new(Vec::new(), false),
        is_crowded: false,
        admissions: 0,
    };
    parts.counters.is_alive.store(true, Ordering::Release);
    info!(model.file = %file.path.display(), window = parts.window, "model is loaded");
    if ready.send(Ok(parts)).is_ok() {
        worker.run();
    }
}

fn load_weights(file: &ModelFile, around: &Surroundings) -> Result<Arc<LlamaModel>, LoadError> {
    let backend = backend().ok_or(LoadError::Backend)?;
    let (progress, is_cancelled) = (around.progress.clone(), around.is_cancelled.clone());
    let mut parameters = LlamaModelParams::default().with_progress_callback(move |share| {
        progress.send_replace(LoadState::Loading(share.clamp(0.0, 1.0)));
        !is_cancelled.load(Ordering::Relaxed)
    });
    if let Some(layers) = around.settings.gpu_layers {
        parameters = parameters.with_n_gpu_layers(layers);
    }
    LlamaModel::load_from_file(backend, &file.path, &parameters).map(Arc::new).map_err(|_| LoadError::Refused)
}

fn describe(file: &ModelFile, settings: &Settings, model: &Arc<LlamaModel>) -> Result<Parts, LoadError> {
    let vocabulary = Vocabulary::new(model.clone());
    let file_name = file.path.file_name().unwrap_or_default().to_string_lossy();
    let hint = format!("{} {file_name} {}", file.name.as_deref().unwrap_or_default(), file.architecture);
    let (bos_token, eos_token) = vocabulary.boundaries();
    let renderer = Renderer::new(file.chat_template.as_deref(), &hint, vocabulary.special().to_vec())?
        .with_boundary_tokens(bos_token, eos_token);
    let dialect = Dialect {
        generation: renderer.family().generation,
        has_tags: file.chat_template.as_ref().is_none_or(|template| template.contains("<arg_key>")),
        call_token: vocabulary.marker("<tool_call>"),
    };
    let basis = SamplerBasis {
        model: model.clone(),
        hidden: vocabulary.hidden().clone(),
        call_token: vocabulary.marker("<tool_call>"),
        stop: vocabulary.stop(),
        advice: file.sampling,
    };
    let window = file.window(settings) as usize;
    Ok(Parts { vocabulary, renderer, basis, dialect, window, counters: Arc::default() })
}

/// How large a context is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ContextShape {
    pub window: u32,
    pub sequences: u32,
    pub batch_tokens: u32,
    pub threads: u32,
}

/// Threads worth having for a model: they wait for each other hundreds of times in a step, spinning, which
/// costs more than it gains where each has little to do.
fn threads_for(weight_bytes: u64, cores: u32) -> u32 {
    u32::try_from(weight_bytes / WEIGHT_BYTES_PER_THREAD).unwrap_or(u32::MAX).clamp(1, cores.max(1))
}

pub(crate) fn context_parameters(settings: &Settings, shape: ContextShape) -> LlamaContextParams {
    let ContextShape { window, sequences, batch_tokens, threads } = shape;
    let kv_type = match settings.kv_type {
        KvType::F32 => KvCacheType::F32,
        KvType::F16 => KvCacheType::F16,
        KvType::Q8_0 => KvCacheType::Q8_0,
    };
    let threads = i32::try_from(threads.clamp(1, THREADS_MAX)).unwrap_or(1);
    let parameters = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(window))
        .with_n_batch(batch_tokens)
        .with_n_ubatch(batch_tokens.min(MICRO_BATCH_TOKENS))
        .with_n_seq_max(sequences)
        .with_kv_unified(true)
        .with_n_threads(threads)
        .with_n_threads_batch(threads)
        .with_type_k(kv_type)
        .with_type_v(kv_type)
        .with_no_perf(true);
    match settings.flash_attention {
        FlashAttention::Auto => parameters,
        FlashAttention::Off => {
            parameters.with_flash_attention_policy(llama_cpp_sys_2::LLAMA_FLASH_ATTN_TYPE_DISABLED)
        }
    }
}

fn fingerprint(file: &ModelFile, settings: &Settings) -> Fingerprint {
    let mut hasher = blake3::Hasher::new();
    hasher.update(file.identity.as_bytes());
    hasher.update(ENGINE_BUILD.as_bytes());
    hasher.update(settings.kv_type.as_str().as_bytes());
    hasher.update(&[u8::from(settings.flash_attention == FlashAttention::Off)]);
    Fingerprint(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two threads on a model of five megabytes are slower than one, and many times so on a busy machine.
    #[test]
    fn small_models_run_on_one_thread() {
        assert_eq!(threads_for(4_800_000, 16), 1);
        assert_eq!(threads_for(500_000_000, 16), 14);
        assert_eq!(threads_for(20_000_000_000, 16), 16);
    }

    /// What the operator sets reaches llama.cpp, within what it can bear.
    #[test]
    fn the_number_of_threads_is_honoured() {
        let threads = |threads| {
            let shape = ContextShape { window: 256, sequences: 1, batch_tokens: 64, threads };
            let parameters = context_parameters(&Settings::default(), shape);
            (parameters.n_threads(), parameters.n_threads_batch())
        };
        assert_eq!(threads(3), (3, 3));
        assert_eq!(threads(0), (1, 1));
        assert_eq!(threads(1_000_000), (512, 512));
    }
}
