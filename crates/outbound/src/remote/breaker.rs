use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::config::BreakerConfig;

/// Remembers whether a host is worth asking.
///
/// ```text
/// Closed ──failures_max failures in a row──▶ Open ──cool_down──▶ one trial
///    ▲                                         ▲                    │
///    ╰──────────────── it answers ─────────────┼────────────────────┤
///                                              ╰──── it fails ──────╯
/// ```
#[derive(Debug)]
pub(super) struct Breaker {
    config: BreakerConfig,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Instant>,
    trial_under_way: bool,
}

impl Breaker {
    pub fn new(config: BreakerConfig) -> Self {
        Self { config, state: Mutex::default() }
    }

    /// Whether a request sent now would be let through.
    pub fn lets_through(&self) -> bool {
        let state = self.lock();
        match state.open_until {
            None => true,
            Some(until) => Instant::now() >= until && !state.trial_under_way,
        }
    }

    /// Lets a request through, or says how long to wait.
    pub fn admit(self: &Arc<Self>) -> Result<Attempt, Duration> {
        let mut state = self.lock();
        let Some(until) = state.open_until else {
            return Ok(Attempt { breaker: Arc::clone(self), is_trial: false });
        };
        let wait = until.saturating_duration_since(Instant::now());
        if !wait.is_zero() || state.trial_under_way {
            return Err(wait.max(Duration::from_secs(1)));
        }
        state.trial_under_way = true;
        Ok(Attempt { breaker: Arc::clone(self), is_trial: true })
    }

    /// The host works.
    pub fn record_success(&self) {
        let mut state = self.lock();
        state.failures = 0;
        state.open_until = None;
    }

    /// The host failed by its own doing.
    pub fn record_failure(&self) {
        let mut state = self.lock();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= self.config.failures_max.max(1) {
            state.open_until = Some(Instant::now() + self.config.cool_down);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is valid after every statement, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request that was let through. Dropping it without a word says nothing about the host: the caller left
/// too early to know.
#[derive(Debug)]
pub(super) struct Attempt {
    breaker: Arc<Breaker>,
    is_trial: bool,
}

impl Attempt {
    /// Output began: after a trial, others may follow, but one more failure closes the door again.
    pub fn began(&mut self) {
        if std::mem::take(&mut self.is_trial) {
            let mut state = self.breaker.lock();
            state.trial_under_way = false;
            state.open_until = None;
            state.failures = self.breaker.config.failures_max.saturating_sub(1);
        }
    }

    /// The host did its work, or refused for a reason that lies with the caller.
    pub fn succeeded(self) {
        self.breaker.record_success();
    }

    /// The host failed by its own doing.
    pub fn failed(self) {
        self.breaker.record_failure();
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.is_trial {
            self.breaker.lock().trial_under_way = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Arc<Breaker> {
        Arc::new(Breaker::new(BreakerConfig { failures_max: 2, cool_down: Duration::from_secs(10) }))
    }

    fn fail(breaker: &Arc<Breaker>) {
        breaker.admit().unwrap().failed();
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_open_it_and_one_trial_closes_it() {
        let breaker = breaker();
        fail(&breaker);
        breaker.admit().unwrap().succeeded();
        fail(&breaker);
        assert!(breaker.lets_through(), "a success between failures starts the count anew");
        fail(&breaker);
        assert!(!breaker.lets_through());
        assert_eq!(breaker.admit().unwrap_err(), Duration::from_secs(10));

        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(breaker.lets_through());
        let mut trial = breaker.admit().unwrap();
        assert!(!breaker.lets_through(), "one trial at a time");
        trial.began();
        assert!(breaker.lets_through());
        fail(&breaker);
        assert!(!breaker.lets_through(), "a host on trial has no second failure");
        trial.succeeded();
        assert!(breaker.lets_through());
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_was_abandoned_leaves_room_for_the_next() {
        let breaker = breaker();
        fail(&breaker);
        fail(&breaker);
        tokio::time::advance(Duration::from_secs(10)).await;
        drop(breaker.admit().unwrap());
        assert!(breaker.lets_through());
        fail(&breaker);
        assert!(!breaker.lets_through());
    }
}
