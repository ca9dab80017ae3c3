//! One answer under way.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use inference::{ChatEvent, EngineError};
use tokio::sync::mpsc;

use crate::output::Output;
use crate::prefix::{Owner, Token};
use crate::sampler::TokenSampler;
use crate::scheduler::Want;

/// What a caller hands to the thread that runs the model.
pub(crate) struct Job {
    pub owner: Owner,
    /// The prompt, and after it what was generated.
    pub tokens: Vec<Token>,
    pub prompt_tokens: usize,
    /// Where the whole blocks of the prompt end; the rest is read in a step of its own.
    pub blocks_end: usize,
    /// How many prompt tokens came from the cache when the prompt was first read.
    pub cached: Option<usize>,
    pub sampler: TokenSampler,
    pub output: Output,
    pub tokens_max: u64,
    /// How many alternatives to report for each token, if any.
    pub logprobs: Option<usize>,
    pub outbox: Outbox,
    pub has_started: bool,
    /// Its place in line, until it is done.
    pub place: Option<Place>,
}

/// A job with a place in the model's memory.
pub(crate) struct Slot {
    pub job: Job,
    /// Its sequence in the model's memory.
    pub sequence: usize,
    /// How many of its tokens the model has read.
    pub read: usize,
    /// How many of them it only shares with another running answer.
    pub shared: usize,
    /// Counts admissions: the highest is the youngest.
    pub admitted: u64,
}

impl Slot {
    pub fn want(&self) -> Want {
        if !self.job.outbox.is_clear() {
            return Want::Nothing;
        }
        match self.job.tokens.len() - self.read {
            1 if self.job.has_started => Want::Token,
            left => Want::Prompt(match self.job.blocks_end.checked_sub(self.read) {
                Some(of_blocks) if of_blocks > 0 => of_blocks,
                _ => left,
            }),
        }
    }

    /// The cells of the model's memory that only this slot fills.
    pub fn cells(&self) -> usize {
        self.job.tokens.len() - self.shared
    }
}

/// Where events go. Never waits: what the reader has no room for is kept, and the slot pauses meanwhile.
pub(crate) struct Outbox {
    events: mpsc::Sender<Result<ChatEvent, EngineError>>,
    kept: VecDeque<Result<ChatEvent, EngineError>>,
}

impl Outbox {
    pub fn new(events: mpsc::Sender<Result<ChatEvent, EngineError>>) -> Self {
        Self { events, kept: VecDeque::new() }
    }

    pub fn send(&mut self, event: Result<ChatEvent, EngineError>) {
        self.kept.push_back(event);
        self.flush();
    }

    /// Sends what there is room for.
    pub fn flush(&mut self) {
        while let Some(event) = self.kept.pop_front() {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(event)) => {
                    self.kept.push_front(event);
                    return;
                }
                Err(mpsc::error::TrySendError::Closed(_)) => self.kept.clear(),
            }
        }
    }

    /// Whether everything was sent.
    pub fn is_clear(&self) -> bool {
        self.kept.is_empty()
    }

    /// Whether the reader is gone.
    pub fn is_closed(&self) -> bool {
        self.events.is_closed()
    }
}

/// A place among the requests of one model, waiting or running. Dropping it frees the place.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Place {
    /// Takes a place if fewer than `max` are taken.
    pub fn take(taken: &Arc<AtomicUsize>, max: usize) -> Option<Self> {
        let more = |n: usize| (n < max).then_some(n + 1);
        taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        Some(Self(taken.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slow reader loses nothing, and nobody waits for it.
    #[test]
    fn events_are_kept_while_the_reader_has_no_room() {
        let (sender, mut receiver) = mpsc::channel(2);
        let mut outbox = Outbox::new(sender);
        for n in 0..5 {
            outbox.send(Ok(ChatEvent::Content(n.to_string())));
        }
        assert!(!outbox.is_clear());

        let mut read = String::new();
        while let Ok(Ok(ChatEvent::Content(text))) = receiver.try_recv() {
            read.push_str(&text);
            outbox.flush();
        }
        assert_eq!(read, "01234");
        assert!(outbox.is_clear());
        drop(receiver);
        assert!(outbox.is_closed());
    }

    #[test]
    fn places_are_counted_and_given_back() {
        let taken = Arc::new(AtomicUsize::new(0));
        let first = Place::take(&taken, 2).unwrap();
        let _second = Place::take(&taken, 2).unwrap();
        assert!(Place::take(&taken, 2).is_none());
        drop(first);
        assert!(Place::take(&taken, 2).is_some());
    }
}
