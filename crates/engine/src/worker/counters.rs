use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use serde::Serialize;

/// What the thread tells the world while it runs.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub is_alive: AtomicBool,
    pub steps: AtomicU64,
    pub prompt_tokens: AtomicU64,
    pub cached_tokens: AtomicU64,
    pub output_tokens: AtomicU64,
    pub preemptions: AtomicU64,
    pub running: AtomicUsize,
    pub kept: AtomicUsize,
}

/// What one model has done since it was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Runs of the network.
    pub steps: u64,
    /// Prompt tokens read.
    pub prompt_tokens: u64,
    /// Prompt tokens taken from the cache.
    pub cached_tokens: u64,
    /// Tokens generated.
    pub output_tokens: u64,
    /// Answers that had to make room for others and went on later.
    pub preemptions: u64,
    /// Answers under way.
    pub running: usize,
    /// Conversations kept in memory.
    pub kept: usize,
}

impl Counters {
    pub fn read(&self) -> Stats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            steps: of(&self.steps),
            prompt_tokens: of(&self.prompt_tokens),
            cached_tokens: of(&self.cached_tokens),
            output_tokens: of(&self.output_tokens),
            preemptions: of(&self.preemptions),
            running: self.running.load(Ordering::Relaxed),
            kept: self.kept.load(Ordering::Relaxed),
        }
    }
}
