use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gateway::{GiveBack, Limit, Permit};
use tokio::sync::mpsc;
use vocab::Tokens;

use super::scripts::Counter;

/// Every permit that this node holds and that Redis should know, by number.
#[derive(Default)]
pub(super) struct Held(Mutex<HashMap<u64, Arc<Claimed>>>);

impl Held {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Claimed>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn all(&self) -> Vec<(u64, Arc<Claimed>)> {
        self.lock().iter().map(|(number, claimed)| (*number, claimed.clone())).collect()
    }
}

/// The keys in which the end of a permit matters.
pub(super) struct Claimed {
    pub(super) concurrency: Vec<String>,
    pub(super) tokens: Vec<String>,
}

impl Claimed {
    pub(super) fn of(counters: &[Counter]) -> Self {
        let keys = |kind| {
            counters
                .iter()
                .filter(|counter| counter.kind == kind)
                .map(|counter| counter.key.clone())
                .collect()
        };
        Self { concurrency: keys(Limit::Concurrency), tokens: keys(Limit::TokensPerMinute) }
    }
}

/// A permit that has ended, to be told to Redis.
pub(super) struct Release {
    pub(super) number: u64,
    pub(super) claimed: Arc<Claimed>,
    pub(super) used: Tokens,
}

/// A permit that Redis may know about: from before it is asked until it has been told the end.
///
/// That end is told however it comes: the permit is given back, the caller hangs up while Redis is being
/// asked, or Redis answers too late.
pub(super) struct Claim {
    pub(super) number: u64,
    claimed: Arc<Claimed>,
    held: Arc<Held>,
    releases: mpsc::Sender<Release>,
    is_known: bool,
    /// This node's own count of the same permit.
    local: Option<Permit>,
    used: Tokens,
}

impl Claim {
    pub(super) fn new(
        number: u64,
        claimed: Claimed,
        held: Arc<Held>,
        releases: mpsc::Sender<Release>,
    ) -> Self {
        let claimed = Arc::new(claimed);
        Self { number, claimed, held, releases, is_known: false, local: None, used: Tokens::ZERO }
    }

    /// Redis is about to be asked and may know this permit from now on.
    pub(super) fn may_be_known(&mut self) {
        self.is_known = true;
    }

    /// Redis has not entered this permit.
    pub(super) fn is_unknown(&mut self) {
        self.is_known = false;
    }

    /// The permit is given, and its lease is renewed until it ends.
    pub(super) fn granted(mut self, local: Permit) -> Permit {
        self.local = Some(local);
        self.is_known = true;
        if !self.claimed.concurrency.is_empty() {
            self.held.lock().insert(self.number, self.claimed.clone());
        }
        Permit::holding(Box::new(self))
    }
}

impl GiveBack for Claim {
    fn give_back(mut self: Box<Self>, used: Tokens) {
        self.used = used;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(mut local) = self.local.take() {
            local.used(self.used);
        }
        if !self.claimed.concurrency.is_empty() {
            self.held.lock().remove(&self.number);
        }
        if self.is_known {
            let release = Release { number: self.number, claimed: self.claimed.clone(), used: self.used };
            // Without room, while Redis is lost, the lease runs out instead.
            let _ = self.releases.try_send(release);
        }
    }
}
