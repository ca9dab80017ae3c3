//! The thread that owns one model and runs all its answers, a step at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use inference::parser::Stop;
use inference::{ChatEvent, EngineError, FinishReason};
use llama_cpp_2::DecodeError;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;
use serde::Serialize;
use tracing::{debug, error};
use vocab::Tokens;

use crate::logprobs::logprobs;
use crate::memory::{Memory, id};
use crate::prefix::Owner;
use crate::sampler::SampleError;
use crate::scheduler::{FairQueue, Rotation, Share, StepLimits, Want};
use crate::slot::{Job, Slot};
use crate::tokens::Vocabulary;

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
        let is_empty = self.queue.is_empty() && self.slots.iter().all(Option::is_none);
        let is_paused = self.slots.iter().flatten().all(|slot| slot.want() == Want::Nothing);
        if is_empty {
            match self.commands.recv() {
                Ok(command) => {
                    if !self.obey(command) {
                        return false;
                    }
                }
                Err(_) => return false,
            }
        } else if is_paused {
            match self.commands.recv_timeout(PAUSE) {
                Ok(command) => {
                    if !self.obey(command) {
                        return false;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return false,
            }
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
        self.queue.retain(|job| !job.outbox.is_closed());
        for at in 0..self.slots.len() {
            let Some(slot) = &mut self.slots[at] else { continue };
            slot.job.outbox.flush();
            let is_done = slot.job.output.is_over() && slot.job.outbox.is_clear();
            if slot.job.outbox.is_closed() || is_done {
                self.vacate(at);
            }
        }
    }

    fn admit(&mut self) {
        while let Some(at) = self.slots.iter().position(Option::is_none) {
            let is_anyone_running = self.slots.iter().any(Option::is_some);
            if self.is_crowded && is_anyone_running {
                return;
            }
            let Some(job) = self.queue.pop() else { return };
            let taken: usize = self.slots.iter().flatten().map(Slot::cells).sum();
            let shared = self.memory.would_share(job.owner, &job.tokens);
            let fits = taken + (job.tokens.len() - shared) + CELLS_SPARE <= self.window;
            if is_anyone_running && !fits {
                self.queue.push_first(job.owner, job);
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

    /// Draws the next token of a slot from row `row` of the scores.
    fn draw(&mut self, at: usize, row: i32) {
        let Some(Slot { job, .. }) = &mut self.slots[at] else { return };
        let mut events = Vec::new();
        if !job.has_started {
            job.has_started = true;
            events.push(ChatEvent::Started {
                prompt: Tokens::from(job.prompt_tokens),
                cached: Tokens::from(job.cached.unwrap_or(0)),
            });
        }

        let logits = self.memory.context.get_logits_ith(row);
        let token = match job.sampler.sample(logits, job.output.may_call(), &mut self.scratch) {
            Ok(token) => token,
            Err(problem) => return self.fail(at, failure(&problem)),
        };
        let mut end = None;
        if self.vocabulary.ends_answer(token) {
            end = Some(Stop::Token);
        } else {
            let may_call = job.output.may_call();
            let mut bytes = Vec::with_capacity(16);
            self.vocabulary.append_piece(token, &mut bytes);
            let is_reasoning = job.output.push(&bytes, &mut events);
            self.counters.output_tokens.fetch_add(1, Ordering::Relaxed);
            if let (Some(top), false) = (job.logprobs, is_reasoning) {
                let bytes_of = |token: usize| {
                    let mut bytes = Vec::new();
                    self.vocabulary.append_piece(LlamaToken(id(token)), &mut bytes);
                    bytes
                };
                let chosen = usize::try_from(token.0).unwrap_or(0);
                events.push(ChatEvent::Logprobs(vec![logprobs(logits, chosen, top, bytes_of)]));
            }
            if let Err(problem) = job.sampler.accept(token, may_call) {
                return self.fail(at, failure(&problem));
            }
            job.tokens.push(token.0);
            if job.output.has_met_stop() {
                end = Some(Stop::Text);
            } else if job.output.generated() >= job.tokens_max {
                end = Some(Stop::Length);
            } else if job.tokens.len() >= self.window {
                end = Some(Stop::Window);
            }
        }

        match end {
            Some(stop) => self.finish(at, stop, events),
            None => {
                let says_something = !events.is_empty();
                for event in events {
                    job.outbox.send(Ok(event));
                }
                if says_something {
                    let usage = job.output.usage(job.prompt_tokens, job.cached.unwrap_or(0));
                    job.outbox.send(Ok(ChatEvent::Usage(usage)));
                }
            }
        }
    }

    fn finish(&mut self, at: usize, stop: Stop, mut events: Vec<ChatEvent>) {
        let Some(Slot { job, .. }) = &mut self.slots[at] else { return };
        let mut reason = job.output.finish(stop, &mut events);
        if stop == Stop::Window && reason == FinishReason::Length {
            reason = FinishReason::ModelContextWindowExceeded;
        }
        let usage = job.output.usage(job.prompt_tokens, job.cached.unwrap_or(0));
        for event in events {
            job.outbox.send(Ok(event));
        }
        // Whoever reads the end may count on the place being free.
        job.place = None;
        job.outbox.send(Ok(ChatEvent::Finished { reason, usage }));
        if job.outbox.is_clear() {
            self.vacate(at);
        }
    }

    fn fail(&mut self, at: usize, error: EngineError) {
        if let Some(mut slot) = self.slots[at].take() {
            slot.job.outbox.send(Err(error));
            self.memory.discard(slot.sequence);
            self.is_crowded = false;
        }
    }

    /// Empties a slot and keeps what the model has read for it.
    fn vacate(&mut self, at: usize) {
        if let Some(slot) = self.slots[at].take() {
            self.memory.keep(slot.sequence);
            self.is_crowded = false;
        }
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
                self.queue.push_first(slot.job.owner, slot.job);
                self.is_crowded = true;
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
        for slot in &mut self.slots {
            if let Some(mut slot) = slot.take() {
                if !slot.job.output.is_over() {
                    slot.job.outbox.send(Err(error()));
                }
                self.memory.keep(slot.sequence);
            }
        }
        while let Some(mut job) = self.queue.pop() {
            job.outbox.send(Err(error()));
        }
    }
}

fn failure(problem: &SampleError) -> EngineError {
    EngineError::Failed { reason: problem.to_string() }
}
