use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Keeps requests from queueing up before a store that does not answer.
///
/// ```text
/// Closed ──failed──▶ Open ──a while later, one call──▶ Probing ──succeeded──▶ Closed
///                     ▲                                   │
///                     ╰───────────── failed ──────────────╯
/// ```
#[derive(Debug)]
pub(super) struct Circuit {
    guards: &'static str,
    retry_after: Duration,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed,
    Open { failed: Instant },
    Probing,
}

impl Circuit {
    pub(super) fn new(guards: &'static str, retry_after: Duration) -> Self {
        Self { guards, retry_after, state: Mutex::new(State::Closed) }
    }

    /// Whether a call may be made. If so its end must be told.
    pub(super) fn lets_pass(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match *state {
            State::Closed => true,
            State::Open { failed } if failed.elapsed() >= self.retry_after => {
                *state = State::Probing;
                true
            }
            State::Open { .. } | State::Probing => false,
        }
    }

    /// Whether the store did not answer and a call is finding out if it does by now: nobody else should wait for that.
    pub(super) fn is_probing(&self) -> bool {
        matches!(*self.state.lock().unwrap_or_else(PoisonError::into_inner), State::Probing)
    }

    pub(super) fn succeeded(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*state, State::Closed) {
            tracing::info!(store.name = self.guards, "the store of the {} answers again", self.guards);
        }
        *state = State::Closed;
    }

    pub(super) fn failed(&self, error: &(dyn Error + 'static)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Closed) {
            tracing::warn!(
                store.name = self.guards,
                error,
                "the store of the {} does not answer; requests within leases go on",
                self.guards
            );
        }
        *state = State::Open { failed: Instant::now() };
    }
}
