//! Money and quota for requests, from memory.
//!
//! A node takes slices of accounts' money and of plans' quota from the store and lets requests reserve from them: most
//! requests wait for nothing. How slices are sized, renewed and given back is decided in [`ledger::LeasePool`]; here
//! are the locks, the calls to the store, and what happens when it does not answer.

mod bank;
mod circuit;
mod desk;
#[cfg(test)]
mod fake_store;
mod held;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use bank::{MoneyBank, QuotaBank};
use desk::{Desk, Refused};
use held::{Held, Mark};
use ledger::{Exhausted, LeaseSettings, LedgerStore, Pool, QuotaStore, Units, WindowLimit};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use vocab::{AccountId, Clock, HoldId, NanoUsd, NodeId};

use crate::key_spending::KeyMark;

/// Limits of the leases.
#[derive(Clone, Debug)]
pub struct LeasesSettings {
    /// How slices are taken and given back.
    pub lease: LeaseSettings,
    /// How long a request waits for the store, at most.
    pub ask_for: Duration,
    /// After the store failed to answer, requests that need it are turned away for so long; then one tries.
    pub retry_after: Duration,
    /// How often slices are looked after.
    pub upkeep_every: Duration,
    /// The most accounts, and the most pools of quota, that this node holds slices of at a time.
    pub pools_max: usize,
    /// The most slices renewed in one call.
    pub renewals_max: usize,
    /// The most slices given back at the same time.
    pub releases_at_once_max: usize,
    /// How long the end of the process waits for requests and their records before it leaves what they use to the
    /// store's sweep.
    pub close_for: Duration,
}

impl Default for LeasesSettings {
    fn default() -> Self {
        Self {
            lease: LeaseSettings::default(),
            ask_for: Duration::from_secs(2),
            retry_after: Duration::from_millis(250),
            upkeep_every: Duration::from_millis(250),
            pools_max: 100_000,
            renewals_max: 500,
            releases_at_once_max: 16,
            close_for: Duration::from_secs(10),
        }
    }
}

/// What a node holds of everyone's money and quota.
#[derive(Clone)]
pub struct Leases {
    shared: Arc<Shared>,
}

struct Shared {
    money: Arc<Desk<MoneyBank>>,
    quota: Arc<Desk<QuotaBank>>,
    _closes_when_dropped: DropGuard,
}

/// Why no money was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyRefused {
    /// Rule BILL-10.
    #[error("the balance does not cover the request")]
    NoMoney {
        /// What could have been set aside.
        available: NanoUsd,
    },
    /// What this node holds is not enough, and the ledger does not answer.
    #[error("the balance cannot be asked for at the moment")]
    Unavailable,
}

/// Why no quota was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuotaRefused {
    /// Rule QUOTA-05.
    #[error("the quota of the window {:?} is used up until {}", .0.window, .0.resets)]
    Exhausted(Exhausted),
    /// What this node holds is not enough, and the store does not answer.
    #[error("the quota cannot be asked for at the moment")]
    Unavailable,
}

impl Leases {
    /// Leases that this node takes from `ledger` and `quota`.
    ///
    /// Looks after them in the background until the last handle is dropped; then everything is given back, when the
    /// requests that use it have ended and their records are written.
    pub fn new(
        ledger: Arc<dyn LedgerStore>,
        quota: Arc<dyn QuotaStore>,
        clock: Arc<dyn Clock>,
        node: NodeId,
        settings: LeasesSettings,
        tracker: &TaskTracker,
    ) -> Self {
        let settings = Arc::new(settings);
        let money =
            Desk::new(MoneyBank { store: ledger, node }, clock.clone(), settings.clone(), tracker.clone());
        let quota = Desk::new(QuotaBank { store: quota, node }, clock, settings.clone(), tracker.clone());
        let closing = CancellationToken::new();
        tracker.spawn(upkeep::run(money.clone(), quota.clone(), settings, closing.clone()));
        Self { shared: Arc::new(Shared { money, quota, _closes_when_dropped: closing.drop_guard() }) }
    }

    /// Sets money of the account aside: `want`, or what there is if that is at least `least`.
    ///
    /// Waits only if this node holds too little of it, and then no longer than
    /// [`ask_for`](LeasesSettings::ask_for).
    pub async fn reserve_money(
        &self,
        account: AccountId,
        want: NanoUsd,
        least: NanoUsd,
    ) -> Result<MoneyReservation, MoneyRefused> {
        match self.shared.money.reserve(account, &(), want, least).await {
            Ok(held) => Ok(MoneyReservation(held)),
            Err(Refused::Lack(available)) => Err(MoneyRefused::NoMoney { available }),
            Err(Refused::Unavailable) => Err(MoneyRefused::Unavailable),
        }
    }

    /// Sets exactly `units` of the pool aside, within every window of `limits`. Waits like
    /// [`reserve_money`](Self::reserve_money).
    pub async fn reserve_quota(
        &self,
        pool: Pool,
        limits: &[WindowLimit],
        units: Units,
    ) -> Result<QuotaReservation, QuotaRefused> {
        match self.shared.quota.reserve(pool, limits, units, units).await {
            Ok(held) => Ok(QuotaReservation(held)),
            Err(Refused::Lack(exhausted)) => Err(QuotaRefused::Exhausted(exhausted)),
            Err(Refused::Unavailable) => Err(QuotaRefused::Unavailable),
        }
    }
}

/// Money set aside for one request; given back when dropped.
#[must_use]
pub struct MoneyReservation(Held<MoneyBank>);

impl MoneyReservation {
    /// How much.
    pub fn amount(&self) -> NanoUsd {
        self.0.amount()
    }

    /// The hold that the request's settlement names.
    pub fn hold(&self) -> HoldId {
        self.0.slice()
    }

    /// The request has ended and costs this much. What it leaves can be reserved again at once.
    pub fn settle(self, cost: NanoUsd) -> Unwritten {
        Unwritten { marked: Marked::Money(self.0.settle(cost)), of_key: None }
    }
}

/// Quota set aside for one request; given back when dropped.
#[must_use]
pub struct QuotaReservation(Held<QuotaBank>);

impl QuotaReservation {
    /// How much.
    pub fn units(&self) -> Units {
        self.0.amount()
    }

    /// The slice that the request's settlement names.
    pub fn slice(&self) -> HoldId {
        self.0.slice()
    }

    /// The request has ended and used this much. What it leaves can be reserved again at once.
    pub fn settle(self, used: Units) -> Unwritten {
        Unwritten { marked: Marked::Quota(self.0.settle(used)), of_key: None }
    }
}

/// Goes along with a settlement until it is durable, and is dropped then: before, the slice that it names must not be
/// given back, or the money would be gone when the settlement comes for it.
#[must_use = "the slice can be given back as soon as this is dropped"]
pub struct Unwritten {
    marked: Marked,
    #[expect(dead_code, reason = "dropping it is its use")]
    of_key: Option<KeyMark>,
}

enum Marked {
    Money(Mark<MoneyBank>),
    Quota(Mark<QuotaBank>),
}

impl Unwritten {
    /// The same settlement, which takes of its key's limit too.
    pub(crate) fn with_key(self, of_key: Option<KeyMark>) -> Self {
        Self { of_key, ..self }
    }

    /// The process ends, and the settlement is handed in by the next: the slice is not given back, and expires if that
    /// takes too long.
    pub(crate) fn leave(self) {
        match self.marked {
            Marked::Money(mark) => mark.leave(),
            Marked::Quota(mark) => mark.leave(),
        }
    }
}

#[cfg(test)]
mod tests;
