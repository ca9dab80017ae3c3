//! The thread that owns one model and runs all its answers, a step at a time.

mod counters;
mod draw;
mod readers;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use inference::parser::Stop;
use inference::{ChatEvent, EngineError};
use llama_cpp_2::DecodeError;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;
use tracing::{debug, error};
use vocab::{Clock, Tokens};

use crate::memory::{Memory, id};
use crate::prefix::Owner;
use crate::scheduler::{FairQueue, Rotation, Share, StepLimits, Want};
use crate::slot::{Job, Slot};
use crate::tokens::Vocabulary;

pub(crate) use counters::Counters;
pub use counters::Stats;
pub(crate) use readers::SlowReaders;

/// How long to wait for readers when every answer waits for its own.
const PAUSE: Duration = Duration::from_millis(2);
/// Room for the running answers to grow before another is let in.
const CELLS_SPARE: usize = 32;

pub(crate) enum Command {
    Run(Box<Job>),
    /// End after the current step; running answers are broken off.
    Stop,
    #[cfg(test)]
    Panic,
}

/// The loop of the thread, and all it owns.
pub(crate) struct Worker<'m> {
    pub memory: Memory<'m>,
    pub batch: LlamaBatch<'static>,
    pub vocabulary: Vocabulary,
    pub commands: Receiver<Command>,
    pub counters: Arc<Counters>,
    pub limits: StepLimits,
    /// The longest prompt and answer together.
    pub window: usize,
    pub slots: Vec<Option<Slot>>,
    pub queue: FairQueue<Owner, Job>,
    pub rotation: Rotation,
    /// Answers that wait for nothing but their readers.
    pub readers: SlowReaders,
    /// How long a reader may leave what is there for it.
    pub patience: Duration,
    pub clock: Arc<dyn Clock>,
    pub scratch: LlamaTokenDataArray,
    /// After somebody had to make room, nobody is let in until somebody else has finished.
    pub is_crowded: bool,
    pub admissions: u64,
}

impl Worker<'_> {
    /// Runs until told to stop. A bug that panics ends the thread; its callers get an error.
    pub fn run(mut self) {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.serve()));
        self.counters.is_alive.store(false, Ordering::Release);
        if outcome.is_err() {
            error!("the engine's thread failed; the model is loaded again when it is next asked for");
            self.break_off("the engine's thread failed");
        } else {
            self.break_off("the engine was stopped");
            self.memory.save_all();
        }
    }

    fn serve(&mut self) {
        loop {
            if !self.take_commands() {
                return;
            }
            self.clear_leavers();
            self.admit();
            let wants: Vec<Want> =
                self.slots.iter().map(|slot| slot.as_ref().map_or(Want::Nothing, Slot::want)).collect();
            let shares = self.rotation.share(&wants, self.limits);
            if !shares.is_empty() {
                self.step(&shares);
            }
            self.counters.running.store(self.slots.iter().flatten().count(), Ordering::Relaxed);
            self.counters.kept.store(self.memory.kept(), Ordering::Relaxed);
        }
    }

    /// Takes in what was sent; waits if there is nothing to do. False when it is time to stop.
    fn take_commands(&mut self) -> bool {
        let is_idle = self.queue.is_empty() && self.slots.iter().all(Option::is_none);
        let is_paused = self.slots.iter().flatten().all(|slot| slot.want() == Want::Nothing);
        let first = if is_idle && self.readers.is_empty() {
            self.commands.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else if is_paused && self.queue.is_empty() {
            self.commands.recv_timeout(PAUSE)
        } else {
            Err(RecvTimeoutError::Timeout)
        };
        let may_go_on = match first {
            Ok(command) => self.obey(command),
            Err(RecvTimeoutError::Timeout) => true,
            Err(RecvTimeoutError::Disconnected) => false,
        };
        if !may_go_on {
            return false;
        }
        while let Ok(command) = self.commands.try_recv() {
            if !self.obey(command) {
                return false;
            }
        }
        true
    }

    fn obey(&mut self, command: Command) -> bool {
        match command {
            Command::Run(job) => self.queue.push(job.owner, *job),
            Command::Stop => return false,
            #[cfg(test)]
            Command::Panic => panic!("asked to"),
        }
        true
    }

    /// Drops the jobs of callers who left, and sends what slow readers now have room for.
    fn clear_leavers(&mut self) {
        let now = self.clock.now();
        self.queue.retain(|job| !job.outbox.is_closed());
        for at in 0..self.slots.len() {
            let Some(slot) = &mut self.slots[at] else { continue };
            if slot.job.outbox.has_lost_reader(now, self.patience) {
                self.vacate(at);
            }
        }
        for job in self.readers.look_after(now, self.patience) {
            self.queue.push_first(job.owner, job);
        }
    }

    fn admit(&mut self) {
        while !self.queue.is_empty() {
            let is_anyone_running = self.slots.iter().any(Option::is_some);
            let free = self.slots.iter().position(Option::is_none);
            let Some(at) = free.filter(|_| !(self.is_crowded && is_anyone_running)) else {
                if self.displace() {
                    continue;
                }
                return;
            };
            let Some(job) = self.queue.pop() else { return };
            let taken: usize = self.slots.iter().flatten().map(Slot::cells).sum();
            let shared = self.memory.would_share(job.owner, &job.tokens);
            let fits = taken + (job.tokens.len() - shared) + CELLS_SPARE <= self.window;
            if is_anyone_running && !fits {
                self.queue.push_first(job.owner, job);
                if self.displace() {
                    continue;
                }
                return;
            }
            let Some(start) = self.memory.begin(job.owner, &job.tokens) else {
                self.queue.push_first(job.owner, job);
                return;
            };
            self.admissions += 1;
            let mut job = job;
            if job.cached.is_none() {
                job.cached = Some(start.cached);
                self.counters.cached_tokens.fetch_add(start.cached as u64, Ordering::Relaxed);
                // Before the prompt is read, which may take a while: some clients show at once how long it is.
                job.outbox.send(Ok(ChatEvent::Started {
                    prompt: Tokens::from(job.prompt_tokens),
                    cached: Tokens::from(start.cached),
                }));
            }
            self.slots[at] = Some(Slot {
                job,
                sequence: start.sequence,
                read: start.cached,
                shared: start.shared,
                admitted: self.admissions,
            });
        }
    }

    /// Runs the network once and gives every slot whose tokens are all read its next one.
    fn step(&mut self, shares: &[Share]) {
        self.batch.clear();
        let mut due: Vec<(usize, i32)> = Vec::new();
        for share in shares {
            let Some(slot) = &self.slots[share.slot] else { continue };
            let end = slot.read + share.tokens;
            for position in slot.read..end {
                let is_last = position + 1 == slot.job.tokens.len();
                if is_last {
                    due.push((share.slot, self.batch.n_tokens()));
                }
                let token = LlamaToken(slot.job.tokens[position]);
                let added = self.batch.add(token, id(position), &[id(slot.sequence)], is_last);
                debug_assert!(added.is_ok(), "a step is never larger than the batch");
            }
        }

        match self.memory.context.decode(&mut self.batch) {
            Ok(()) => {}
            Err(DecodeError::NoKvCacheSlot) => return self.make_room(shares),
            Err(failure) => {
                for share in shares {
                    self.fail(share.slot, EngineError::Failed { reason: format!("llama.cpp: {failure}") });
                }
                return;
            }
        }
        self.counters.steps.fetch_add(1, Ordering::Relaxed);

        for share in shares {
            let Some(slot) = &mut self.slots[share.slot] else { continue };
            let end = slot.read + share.tokens;
            self.memory.extend(slot.sequence, &slot.job.tokens[slot.read..end]);
            let of_prompt = end.min(slot.job.prompt_tokens).saturating_sub(slot.read);
            self.counters.prompt_tokens.fetch_add(of_prompt as u64, Ordering::Relaxed);
            slot.read = end;
        }
        for (slot, row) in due {
            self.draw(slot, row);
        }
    }

    /// Empties a slot and keeps what the model has read for it.
    fn vacate(&mut self, at: usize) -> Option<Job> {
        let slot = self.slots[at].take()?;
        self.memory.keep(slot.sequence);
        self.is_crowded = false;
        Some(slot.job)
    }

    /// Takes the slot of an answer whose reader is slow, for somebody who waits. Returns whether there was one.
    fn displace(&mut self) -> bool {
        let is_paused = |slot: &Option<Slot>| slot.as_ref().is_some_and(|slot| !slot.job.outbox.is_clear());
        let Some(at) = self.slots.iter().position(is_paused) else { return false };
        if let Some(job) = self.vacate(at) {
            debug!("an answer gives up its slot because its reader is slow");
            self.readers.pause(job);
        }
        true
    }

    /// The model's memory is full: gives up a kept sequence, or else lets the youngest answer wait.
    fn make_room(&mut self, shares: &[Share]) {
        if self.memory.evict() {
            return;
        }
        let running = self.slots.iter().flatten().count();
        let youngest =
            (0..self.slots.len()).max_by_key(|at| self.slots[*at].as_ref().map_or(0, |slot| slot.admitted));
        match youngest {
            Some(at) if running > 1 => {
                let Some(slot) = self.slots[at].take() else { return };
                debug!("an answer waits because the model's memory is full");
                self.counters.preemptions.fetch_add(1, Ordering::Relaxed);
                self.memory.discard(slot.sequence);
                self.is_crowded = true;
                if slot.job.outbox.is_clear() {
                    self.queue.push_first(slot.job.owner, slot.job);
                } else {
                    self.readers.pause(slot.job);
                }
            }
            _ => {
                for share in shares {
                    self.finish(share.slot, Stop::Window, Vec::new());
                }
            }
        }
    }

    /// Tells everyone that there will be no more.
    fn break_off(&mut self, reason: &str) {
        while let Ok(command) = self.commands.try_recv() {
            if let Command::Run(job) = command {
                self.queue.push(job.owner, *job);
            }
        }
        let error = || EngineError::Failed { reason: reason.to_owned() };
        for at in 0..self.slots.len() {
            if let Some(mut job) = self.vacate(at) {
                job.outbox.close(Err(error()));
            }
        }
        for mut job in self.readers.take_paused() {
            job.outbox.close(Err(error()));
        }
        while let Some(mut job) = self.queue.pop() {
            job.outbox.close(Err(error()));
        }
    }
}
