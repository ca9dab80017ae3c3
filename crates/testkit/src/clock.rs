//! Time as the test wants it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use vocab::{Clock, Timestamp};

/// A clock whose hands the test turns.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now` until it is turned.
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.as_millis()))
    }

    /// Turns the hands forward.
    pub fn advance(&self, span: Duration) {
        self.set(self.now().plus(span));
    }

    /// Turns the hands to `now`, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    /// 2026-02-09T09:59:06Z, the moment of the examples in the API's documentation.
    fn default() -> Self {
        Self::at(Timestamp::from_millis(1_770_631_146_000))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}
