//! The memory of one model: its sequences, where prompts begin in it, and what is kept of it.

use std::io;
use std::sync::Arc;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::token::LlamaToken;
use tracing::{debug, warn};
use vocab::{Clock, Timestamp};

use crate::disk_cache::{DiskCache, Fingerprint};
use crate::prefix::{Owner, Reuse, Sequences, Token};
use crate::settings::CacheSettings;

/// Reading a state file costs about as much as computing this many tokens.
const DISK_ADVANTAGE_MIN: usize = 32;

/// A model's context with the book of what is in it.
pub(crate) struct Memory<'m> {
    pub context: LlamaContext<'m>,
    sequences: Sequences,
    settings: CacheSettings,
    reuse: Reuse,
    disk: Option<(Arc<DiskCache>, Fingerprint)>,
    clock: Arc<dyn Clock>,
}

/// Where a prompt begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub sequence: usize,
    /// Tokens that need not be read again.
    pub cached: usize,
    /// How many of them another running answer holds too.
    pub shared: usize,
}

impl<'m> Memory<'m> {
    pub fn new(
        context: LlamaContext<'m>,
        sequences: usize,
        settings: CacheSettings,
        reuse: Reuse,
        disk: Option<(Arc<DiskCache>, Fingerprint)>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { context, sequences: Sequences::new(sequences), settings, reuse, disk, clock }
    }

    /// Finds a sequence for a prompt and fills it from the cache as far as possible. `None` if all are in use.
    pub fn begin(&mut self, owner: Owner, prompt: &[Token]) -> Option<Start> {
        self.expire();
        let at_least = self.settings.min_prefix_tokens as usize;
        let find = |memory: &Self| memory.sequences.find(owner, prompt, at_least, memory.reuse);
        let resident_tokens = find(self).map_or(0, |found| found.tokens);

        if let Some(start) =
            self.begin_from_disk(owner, prompt, at_least.max(resident_tokens + DISK_ADVANTAGE_MIN))
        {
            return Some(start);
        }
        // Looked for again: room for what the disk did not give may have been made of the one found before.
        let Some(found) = find(self) else { return self.begin_afresh(owner) };

        if found.may_take {
            let held = self.sequences.tokens(found.sequence).len();
            let is_cut = found.tokens == held || self.cut(found.sequence, found.tokens);
            let cached = if is_cut { found.tokens } else { 0 };
            if !is_cut {
                self.clear(found.sequence);
            }
            self.sequences.begin(found.sequence, owner, &prompt[..cached]);
            return Some(Start { sequence: found.sequence, cached, shared: 0 });
        }

        let sequence = self.sequences.free()?;
        let whole = found.tokens == self.sequences.tokens(found.sequence).len();
        let end = if whole { None } else { u32::try_from(found.tokens).ok() };
        let is_copied = self.context.copy_kv_cache_seq(id(found.sequence), id(sequence), None, end).is_ok();
        let cached = if is_copied { found.tokens } else { 0 };
        self.sequences.begin(sequence, owner, &prompt[..cached]);
        Some(Start { sequence, cached, shared: cached })
    }

    /// How many cells a prompt would share with a running or kept sequence.
    pub fn would_share(&self, owner: Owner, prompt: &[Token]) -> usize {
        let at_least = self.settings.min_prefix_tokens as usize;
        self.sequences.find(owner, prompt, at_least, self.reuse).map_or(0, |found| found.tokens)
    }

    /// Notes that the model has read `tokens` of a sequence.
    pub fn extend(&mut self, sequence: usize, tokens: &[Token]) {
        self.sequences.extend(sequence, tokens);
    }

    /// Ends the use of a sequence and keeps what is in it for later prompts.
    pub fn keep(&mut self, sequence: usize) {
        let held = self.sequences.tokens(sequence).len();
        if held < self.settings.min_prefix_tokens.max(1) as usize {
            self.discard(sequence);
            return;
        }
        let owner = self.sequences.owner(sequence);
        for other in self.sequences.all_idle() {
            let is_contained = self.sequences.owner(other) == owner
                && self.sequences.tokens(sequence).starts_with(self.sequences.tokens(other));
            if is_contained {
                self.discard(other);
            }
        }
        self.sequences.keep(sequence, self.clock.now());
        while self.sequences.all_idle().len() > self.settings.resident_max as usize && self.evict() {}
    }

    /// Ends the use of a sequence and forgets what is in it.
    pub fn discard(&mut self, sequence: usize) {
        self.clear(sequence);
        self.sequences.release(sequence);
    }

    /// Makes room by giving up the kept sequence that was used longest ago, to the disk if there is one.
    /// Returns whether there was any.
    pub fn evict(&mut self) -> bool {
        let Some(sequence) = self.sequences.oldest_idle() else { return false };
        self.save(sequence);
        self.discard(sequence);
        true
    }

    /// Brings all kept sequences to the disk, before the model is unloaded.
    pub fn save_all(&mut self) {
        for sequence in self.sequences.all_idle() {
            self.save(sequence);
        }
    }

    /// How many sequences are kept.
    pub fn kept(&self) -> usize {
        self.sequences.all_idle().len()
    }

    fn begin_afresh(&mut self, owner: Owner) -> Option<Start> {
        let sequence = self.sequences.free()?;
        self.clear(sequence);
        self.sequences.begin(sequence, owner, &[]);
        Some(Start { sequence, cached: 0, shared: 0 })
    }

    fn begin_from_disk(&mut self, owner: Owner, prompt: &[Token], more_than: usize) -> Option<Start> {
        let (disk, fingerprint) = self.disk.clone()?;
        let now = self.clock.now();
        let hit = disk.find(fingerprint, owner, prompt, more_than, self.reuse, now)?;
        let sequence = self.sequences.free()?;
        if !disk.verify(&hit.name) {
            return None;
        }
        self.clear(sequence);
        let expected = &prompt[..hit.shared];
        let mut restored = self.context.state_seq_load_file(&hit.path, id(sequence), hit.held);
        while restored.is_err() && self.may_lack_room_for(hit.held) && self.evict() {
            self.clear(sequence);
            restored = self.context.state_seq_load_file(&hit.path, id(sequence), hit.held);
        }
        let is_right = restored.is_ok_and(|(tokens, _)| {
            tokens.len() == hit.held && tokens.iter().map(|t| t.0).zip(expected).all(|(a, b)| a == *b)
        });
        let is_cut = is_right && (hit.shared == hit.held || self.cut(sequence, hit.shared));
        if !is_cut {
            self.clear(sequence);
            debug!("a context cache file could not be restored");
            return None;
        }
        disk.touch(&hit.name, now);
        self.sequences.begin(sequence, owner, expected);
        Some(Start { sequence, cached: hit.shared, shared: 0 })
    }

    /// Whether `tokens` more do not fit, should no two sequences share any.
    fn may_lack_room_for(&self, tokens: usize) -> bool {
        self.sequences.all_tokens() + tokens > self.context.n_ctx() as usize
    }

    fn save(&mut self, sequence: usize) {
        let Some((disk, fingerprint)) = self.disk.clone() else { return };
        let tokens = self.sequences.tokens(sequence);
        if tokens.len() < disk.min_tokens().max(1) {
            return;
        }
        let raw: Vec<LlamaToken> = tokens.iter().map(|token| LlamaToken(*token)).collect();
        let owner = self.sequences.owner(sequence);
        let written = disk.save(fingerprint, owner, tokens, self.clock.now(), |path| {
            self.context.state_seq_save_file(path, id(sequence), &raw).map(|_| ()).map_err(io::Error::other)
        });
        if let Err(error) = written {
            warn!(%error, "a conversation could not be written to the context cache");
        }
    }

    fn expire(&mut self) {
        let ttl_ms = i64::try_from(self.settings.ttl().as_millis()).unwrap_or(i64::MAX);
        let oldest = Timestamp::from_millis(self.clock.now().as_millis().saturating_sub(ttl_ms));
        for sequence in self.sequences.idle_since(oldest) {
            self.discard(sequence);
        }
    }

    /// Forgets what follows the first `tokens`. False if this model cannot.
    fn cut(&mut self, sequence: usize, tokens: usize) -> bool {
        let from = u32::try_from(tokens).ok();
        self.context.clear_kv_cache_seq(u32::try_from(sequence).ok(), from, None).unwrap_or(false)
    }

    fn clear(&mut self, sequence: usize) {
        // Forgetting a whole sequence always works.
        let _ = self.context.clear_kv_cache_seq(u32::try_from(sequence).ok(), None, None);
    }
}

/// llama.cpp's number for a sequence.
pub(crate) fn id(sequence: usize) -> i32 {
    i32::try_from(sequence).unwrap_or(i32::MAX)
}
