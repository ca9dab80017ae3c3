//! One answer under way.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use inference::{ChatEvent, EngineError};
use tokio::sync::mpsc;
use vocab::Timestamp;

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
    /// How many events were handed over.
    sent: usize,
    /// How many of them the reader had taken when it was last looked at, and since when it was so many.
    taken: Option<(usize, Timestamp)>,
    /// Its place in line. Given back before the last event, so that whoever reads it may count on the place.
    place: Option<Place>,
    is_closing: bool,
}

impl Outbox {
    pub fn new(events: mpsc::Sender<Result<ChatEvent, EngineError>>, place: Place) -> Self {
        Self { events, kept: VecDeque::new(), sent: 0, taken: None, place: Some(place), is_closing: false }
    }

    pub fn send(&mut self, event: Result<ChatEvent, EngineError>) {
        self.kept.push_back(event);
        self.flush();
    }

    /// Sends the last event.
    pub fn close(&mut self, event: Result<ChatEvent, EngineError>) {
        self.is_closing = true;
        self.send(event);
    }

    /// Sends what there is room for.
    fn flush(&mut self) {
        while !self.kept.is_empty() {
            match self.events.try_reserve() {
                Ok(room) => {
                    let Some(event) = self.kept.pop_front() else { return };
                    if self.is_closing && self.kept.is_empty() {
                        self.place = None;
                    }
                    room.send(event);
                    self.sent += 1;
                }
                Err(mpsc::error::TrySendError::Full(())) => return,
                Err(mpsc::error::TrySendError::Closed(())) => self.kept.clear(),
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

    /// Whether everything was sent and much more can be.
    pub fn has_much_room(&self) -> bool {
        self.is_clear() && self.events.capacity() * 2 >= self.events.max_capacity()
    }

    /// Sends what there is room for. Returns whether the reader is gone, or has taken nothing for `patience`
    /// though something was there for it.
    pub fn has_lost_reader(&mut self, now: Timestamp, patience: Duration) -> bool {
        if self.is_closed() {
            return true;
        }
        self.flush();
        let unread = self.events.max_capacity() - self.events.capacity();
        let taken = self.sent.saturating_sub(unread);
        if unread == 0 || self.taken.is_none_or(|(before, _)| before != taken) {
            self.taken = Some((taken, now));
        }
        self.taken.is_some_and(|(_, since)| now.since(since) > patience)
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

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    const PATIENCE: Duration = Duration::from_secs(60);

    fn outbox(room: usize) -> (Outbox, mpsc::Receiver<Result<ChatEvent, EngineError>>, Arc<AtomicUsize>) {
        let places = Arc::default();
        let place = Place::take(&places, 1).unwrap();
        let (sender, receiver) = mpsc::channel(room);
        (Outbox::new(sender, place), receiver, places)
    }

    /// A slow reader loses nothing, and nobody waits for it.
    #[test]
    fn events_are_kept_while_the_reader_has_no_room() {
        let (mut outbox, mut receiver, places) = outbox(2);
        for n in 0..4 {
            outbox.send(Ok(ChatEvent::Content(n.to_string())));
        }
        outbox.close(Ok(ChatEvent::Content("4".into())));
        assert!(!outbox.is_clear());

        let mut read = String::new();
        while let Ok(Ok(ChatEvent::Content(text))) = receiver.try_recv() {
            read.push_str(&text);
            // The place is free before the last event can be read, and no sooner.
            let is_last_there = read.len() + 2 >= 5;
            assert!(!outbox.has_lost_reader(at(1), PATIENCE));
            assert_eq!(places.load(Ordering::Relaxed), usize::from(!is_last_there), "{read}");
        }
        assert_eq!(read, "01234");
        assert!(outbox.is_clear());
        drop(receiver);
        assert!(outbox.is_closed());
    }

    /// A connection that nobody reads from is given up; one that is read now and then is not.
    #[test]
    fn a_reader_who_takes_nothing_is_lost_in_the_end() {
        let (mut outbox, mut receiver, _places) = outbox(4);
        assert!(!outbox.has_lost_reader(at(10), PATIENCE));
        assert!(!outbox.has_lost_reader(at(1_000), PATIENCE), "nothing was there for it");
        outbox.send(Ok(ChatEvent::Content("a".into())));
        outbox.send(Ok(ChatEvent::Content("b".into())));
        assert!(!outbox.has_lost_reader(at(1_060), PATIENCE));
        receiver.try_recv().unwrap().unwrap();
        assert!(!outbox.has_lost_reader(at(1_061), PATIENCE));
        assert!(!outbox.has_lost_reader(at(1_121), PATIENCE));
        assert!(outbox.has_lost_reader(at(1_122), PATIENCE));
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
