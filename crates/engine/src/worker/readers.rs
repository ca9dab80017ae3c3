//! Answers that wait for their readers. They hold no slot and no sequence, so nobody waits for them.

use std::time::Duration;

use vocab::Timestamp;

use crate::slot::{Job, Outbox};

/// What waits for slow readers.
#[derive(Default)]
pub(crate) struct SlowReaders {
    /// Of answers that have ended: what is left to be read.
    ended: Vec<Outbox>,
    /// Answers that gave their slot to somebody else meanwhile.
    paused: Vec<Job>,
}

impl SlowReaders {
    /// Takes what is left of an answer that has ended.
    pub fn see_out(&mut self, outbox: Outbox) {
        if !outbox.is_clear() {
            self.ended.push(outbox);
        }
    }

    /// Takes an answer that can only go on when its reader does.
    pub fn pause(&mut self, job: Job) {
        self.paused.push(job);
    }

    /// Hands over what readers now have room for, lets go of those who are gone or have taken nothing for
    /// `patience`, and returns the answers that can go on.
    pub fn look_after(&mut self, now: Timestamp, patience: Duration) -> Vec<Job> {
        self.ended.retain_mut(|outbox| !outbox.has_lost_reader(now, patience) && !outbox.is_clear());
        self.paused.retain_mut(|job| !job.outbox.has_lost_reader(now, patience));
        self.paused.extract_if(.., |job| job.outbox.has_much_room()).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.ended.is_empty() && self.paused.is_empty()
    }

    /// The paused answers, to be broken off.
    pub fn take_paused(&mut self) -> Vec<Job> {
        std::mem::take(&mut self.paused)
    }
}
