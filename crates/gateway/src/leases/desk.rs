use std::borrow::Borrow;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use ledger::{Ask, LeaseAmount, LeasePool, LeaseSettings, LedgerStoreError, Reserve, Ticket};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::TaskTracker;
use vocab::{Clock, HoldId, Timestamp};

use super::LeasesSettings;
use super::bank::{Bank, Opened};
use super::circuit::Circuit;
use super::held::Held;

/// So many locks share the work; a lock is held for a fraction of a microsecond.
const SHARDS: usize = 64;

/// Where requests come for money, or for quota.
pub(super) struct Desk<B: Bank> {
    pub(super) bank: B,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) settings: Arc<LeasesSettings>,
    lease: Arc<LeaseSettings>,
    tracker: TaskTracker,
    circuit: Circuit,
    hasher: RandomState,
    shards: Vec<Mutex<Shard<B>>>,
}

pub(super) type Shard<B> = HashMap<<B as Bank>::Key, Entry<B>>;

/// One account, or one pool of quota.
pub(super) struct Entry<B: Bank> {
    pub(super) pool: LeasePool<B::Amount>,
    terms: <B::Terms as ToOwned>::Owned,
    flight: Option<Flight>,
}

/// A call to the store that several requests may wait for; says whether it was answered.
type Flight = watch::Receiver<Option<bool>>;

/// Why nothing was reserved.
pub(super) enum Refused<A: LeaseAmount> {
    Lack(A::Lack),
    Unavailable,
}

#[derive(Debug, thiserror::Error)]
#[error("the store panicked")]
struct Panicked;

enum Step<B: Bank> {
    Done(Result<Ticket<B::Amount>, Refused<B::Amount>>),
    Wait(Flight),
}

impl<B: Bank> Desk<B> {
    pub(super) fn new(
        bank: B,
        clock: Arc<dyn Clock>,
        settings: Arc<LeasesSettings>,
        tracker: TaskTracker,
    ) -> Arc<Self> {
        Arc::new(Self {
            bank,
            clock,
            lease: Arc::new(settings.lease.clone()),
            circuit: Circuit::new(B::NAME, settings.retry_after),
            settings,
            tracker,
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        })
    }

    /// Reserves from what is here; asks the store, together with whoever else has to, if that is too little.
    pub(super) async fn reserve(
        self: &Arc<Self>,
        key: B::Key,
        terms: &B::Terms,
        want: B::Amount,
        least: B::Amount,
    ) -> Result<Held<B>, Refused<B::Amount>> {
        let held = |ticket| Held::new(self.clone(), key, ticket);
        let mut flight = match self.step(key, terms, want, least) {
            Step::Done(done) => return done.map(&held),
            Step::Wait(flight) => flight,
        };
        let deadline = Instant::now() + self.settings.ask_for;
        loop {
            let landed = timeout_at(deadline, flight.wait_for(Option::is_some)).await;
            let is_answered = landed.is_ok_and(|landed| landed.is_ok_and(|answered| *answered == Some(true)));
            if !is_answered {
                return self.at_hand(key, want, least).map(&held);
            }
            flight = match self.step(key, terms, want, least) {
                Step::Done(done) => return done.map(&held),
                Step::Wait(flight) => flight,
            };
        }
    }

    /// One try, without waiting.
    fn step(self: &Arc<Self>, key: B::Key, terms: &B::Terms, want: B::Amount, least: B::Amount) -> Step<B> {
        let now = self.clock.now();
        let mut shard = self.shard(key);
        if !shard.contains_key(&key) && shard.len() >= self.settings.pools_max.div_ceil(SHARDS) {
            tracing::warn!(store.name = B::NAME, "more accounts are active than one node keeps leases for");
            return Step::Done(Err(Refused::Unavailable));
        }
        let entry = shard.entry(key).or_insert_with(|| Entry {
            pool: LeasePool::new(self.lease.clone()),
            terms: terms.to_owned(),
            flight: None,
        });
        entry.keep_terms(terms);

        match entry.pool.reserve(now, want, least, HoldId::generate) {
            Reserve::Reserved(ticket) => {
                if let Some(ask) = entry.pool.ahead(now, HoldId::generate) {
                    self.launch(key, entry, ask);
                }
                return Step::Done(Ok(ticket));
            }
            Reserve::Refused(lack) => return Step::Done(Err(Refused::Lack(lack))),
            Reserve::Short(ask) => self.launch(key, entry, ask),
            // A silent store would keep everyone waiting, again and again: one request finds out for all.
            Reserve::Awaited if self.circuit.is_probing() => {
                return Step::Done(entry.at_hand(now, want, least));
            }
            Reserve::Awaited | Reserve::Crowded => {}
        }
        match &entry.flight {
            Some(flight) => Step::Wait(flight.clone()),
            None => Step::Done(entry.at_hand(now, want, least)),
        }
    }

    /// For when the store does not answer.
    fn at_hand(
        &self,
        key: B::Key,
        want: B::Amount,
        least: B::Amount,
    ) -> Result<Ticket<B::Amount>, Refused<B::Amount>> {
        let now = self.clock.now();
        let mut shard = self.shard(key);
        shard.get_mut(&key).ok_or(Refused::Unavailable)?.at_hand(now, want, least)
    }

    /// Puts `ask` to the store, on a task of its own: whoever waits for it may leave.
    pub(super) fn launch(self: &Arc<Self>, key: B::Key, entry: &mut Entry<B>, ask: Ask<B::Amount>) {
        if !self.circuit.lets_pass() {
            entry.pool.unanswered(ask.id);
            return;
        }
        let (landed, flight) = watch::channel(None);
        entry.flight = Some(flight);
        let (desk, terms) = (self.clone(), entry.terms.clone());
        self.tracker.spawn(async move {
            let is_answered = desk.fly(key, terms, ask).await;
            // Perhaps nobody waits: it was asked ahead of need.
            let _ = landed.send(Some(is_answered));
        });
    }

    async fn fly(
        self: &Arc<Self>,
        key: B::Key,
        terms: <B::Terms as ToOwned>::Owned,
        ask: Ask<B::Amount>,
    ) -> bool {
        let answer = self.passed(self.bank.open(key, terms.borrow(), &ask, self.clock.now())).await;
        let is_answered = answer.is_some();
        let mut crumbs = Vec::new();
        self.with_pool(key, |entry| {
            let now = self.clock.now();
            entry.flight = None;
            match answer {
                Some(Opened::Given(amount)) => entry.pool.opened(now, ask.id, amount),
                Some(Opened::Refused(lack)) => crumbs = entry.pool.refused(now, ask.id, lack),
                None => entry.pool.unanswered(ask.id),
            }
        });
        for crumb in crumbs {
            self.release(key, crumb).await;
        }
        is_answered
    }

    /// Gives a slice back, or lets its pool know that this has to be tried again.
    pub(super) async fn release(&self, key: B::Key, slice: HoldId) {
        let answer = self.call(|| self.bank.release(slice, self.clock.now())).await;
        self.with_pool(key, |entry| entry.pool.released(slice, answer.is_some()));
    }

    /// A call to the store, if that may be tried: nothing if it failed or took too long.
    pub(super) async fn call<T, F>(&self, call: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, LedgerStoreError>>,
    {
        if self.circuit.lets_pass() { self.passed(call()).await } else { None }
    }

    /// A call that the circuit let pass. A panic is a failure like others: whoever waits must hear of it.
    async fn passed<T>(&self, call: impl Future<Output = Result<T, LedgerStoreError>>) -> Option<T> {
        match timeout(self.settings.ask_for, AssertUnwindSafe(call).catch_unwind()).await {
            Ok(Ok(Ok(answer))) => {
                self.circuit.succeeded();
                return Some(answer);
            }
            Ok(Ok(Err(error))) => self.circuit.failed(&error),
            Ok(Err(_)) => self.circuit.failed(&Panicked),
            Err(elapsed) => self.circuit.failed(&elapsed),
        }
        None
    }

    pub(super) fn with_pool(&self, key: B::Key, change: impl FnOnce(&mut Entry<B>)) {
        if let Some(entry) = self.shard(key).get_mut(&key) {
            change(entry);
        }
    }

    pub(super) fn shards(&self) -> impl Iterator<Item = MutexGuard<'_, Shard<B>>> {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn shard(&self, key: B::Key) -> MutexGuard<'_, Shard<B>> {
        let hash = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or_default();
        self.shards[hash].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Bank> Entry<B> {
    fn at_hand(
        &mut self,
        now: Timestamp,
        want: B::Amount,
        least: B::Amount,
    ) -> Result<Ticket<B::Amount>, Refused<B::Amount>> {
        self.pool.reserve_at_hand(now, want, least).ok_or(Refused::Unavailable)
    }

    /// Limits follow the plan and the calendar: asks made without a request keep to those of the last one.
    fn keep_terms(&mut self, terms: &B::Terms) {
        if self.terms.borrow() != terms {
            self.terms = terms.to_owned();
        }
    }
}
