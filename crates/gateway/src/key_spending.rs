use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use accounts::{Caller, PlanBook, UtcOffset};
use moka::sync::Cache;
use vocab::{Clock, InForce, KeyId, NanoUsd, Timestamp};

use crate::{Day, Refusal, UsageRollup};

/// How long it is believed what other nodes let a key spend.
const BELIEVED_FOR: Duration = Duration::from_secs(2);

/// How long a key that is not used is remembered: longer than any request takes.
const REMEMBERED_FOR: Duration = Duration::from_secs(2 * 3600);

const KEYS_MAX: u64 = 65_536;

/// Holds keys to what they may spend in a calendar month.
///
/// What a request may cost is set aside from its key's limit as it is from its account's balance, and its answer is
/// bounded by what is left; so on one node a key never goes over its limit, whatever runs at once. Of other nodes it is
/// known what they have written, two seconds late: by what the key's requests cost there in that time, and by what runs
/// there just then, it can go over.
pub struct KeySpending {
    rollup: Arc<dyn UsageRollup>,
    plans: Arc<InForce<PlanBook>>,
    clock: Arc<dyn Clock>,
    purses: Cache<KeyId, Arc<Purse>>,
}

/// What one key has spent.
#[derive(Default)]
struct Purse {
    figures: Mutex<Figures>,
    /// One at a time asks the store.
    asking: tokio::sync::Mutex<()>,
}

/// The key has spent what is known, what was written here since that was read, and what is not written yet.
#[derive(Default)]
struct Figures {
    known: Option<Known>,
    /// By this node, ever.
    written: NanoUsd,
    /// Set aside for requests that run, or spent by those that ended.
    unwritten: NanoUsd,
}

/// What the store said.
#[derive(Clone, Copy)]
struct Known {
    /// The first day of the month it is about.
    month: Day,
    spent: NanoUsd,
    read: Timestamp,
    /// What this node had written when it was asked. More may be in the sum, and counts twice until it is asked again.
    written: NanoUsd,
}

/// Part of a key's limit that is set aside for one request; given back when dropped.
#[must_use]
pub(crate) struct KeyReservation {
    purse: Arc<Purse>,
    amount: NanoUsd,
}

/// Goes along with a settlement until it is durable, and is dropped then.
pub(crate) struct KeyMark {
    purse: Arc<Purse>,
    cost: NanoUsd,
}

impl KeySpending {
    /// Sums are read from `rollup`; months are those of the zone of the plans.
    pub fn new(rollup: Arc<dyn UsageRollup>, plans: Arc<InForce<PlanBook>>, clock: Arc<dyn Clock>) -> Self {
        let purses = Cache::builder().max_capacity(KEYS_MAX).time_to_idle(REMEMBERED_FOR).build();
        Self { rollup, plans, clock, purses }
    }

    /// Sets part of the caller's key's limit aside: `want`, or what is left if that is at least `least`. Nothing is set
    /// aside, and nobody asked, where nothing limits the key.
    pub(crate) async fn reserve(
        &self,
        caller: &Caller,
        want: NanoUsd,
        least: NanoUsd,
    ) -> Result<Option<KeyReservation>, Refusal> {
        let Some(limit) = caller.monthly_spend_max else { return Ok(None) };
        let purse = self.purses.get_with(caller.key, Arc::default);
        let now = self.clock.now();
        let month = first_of_month(Day::of(now, self.zone()));
        let is_recent =
            |known: &Known, _: &Figures| known.month == month && now.since(known.read) < BELIEVED_FOR;
        let is_complete =
            |known: &Known, figures: &Figures| is_recent(known, figures) && known.written == figures.written;

        self.learn(&purse, caller, month, is_recent).await?;
        if let Some(reserved) = KeyReservation::take(&purse, limit, want, want) {
            return Ok(Some(reserved));
        }
        // Who gets less than they want, or nothing, gets it by figures in which nothing counts twice.
        self.learn(&purse, caller, month, is_complete).await?;
        let reserved = KeyReservation::take(&purse, limit, want, least);
        reserved.map(Some).ok_or(Refusal::KeySpent { limit })
    }

    /// Asks the store, unless what is known is good enough, also if somebody else has just asked.
    async fn learn(
        &self,
        purse: &Purse,
        caller: &Caller,
        month: Day,
        is_enough: impl Fn(&Known, &Figures) -> bool,
    ) -> Result<(), Refusal> {
        let is_known =
            || purse.with(|figures| figures.known.as_ref().is_some_and(|known| is_enough(known, figures)));
        if is_known() {
            return Ok(());
        }
        let _turn = purse.asking.lock().await;
        if is_known() {
            return Ok(());
        }
        let (read, written) = (self.clock.now(), purse.with(|figures| figures.written));
        let spent = self.rollup.rollup_charged(caller.account, caller.key, month, self.zone()).await;
        let spent = spent.map_err(Refusal::unavailable)?;
        purse.with(|figures| figures.known = Some(Known { month, spent, read, written }));
        Ok(())
    }

    fn zone(&self) -> UtcOffset {
        self.plans.current().quota().time_zone
    }
}

impl Purse {
    fn with<T>(&self, use_them: impl FnOnce(&mut Figures) -> T) -> T {
        use_them(&mut self.figures.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Figures {
    fn spent(&self) -> NanoUsd {
        let known = self.known.map_or(NanoUsd::ZERO, |known| known.spent);
        let since = self.known.map_or(NanoUsd::ZERO, |known| self.written.saturating_sub(known.written));
        [known, since, self.unwritten].into_iter().sum()
    }
}

impl KeyReservation {
    fn take(purse: &Arc<Purse>, limit: NanoUsd, want: NanoUsd, least: NanoUsd) -> Option<Self> {
        let amount = purse.with(|figures| {
            let amount = want.min(limit.saturating_sub(figures.spent()));
            let is_enough = amount >= least;
            is_enough.then(|| {
                figures.unwritten = plus(figures.unwritten, amount);
                amount
            })
        })?;
        Some(Self { purse: purse.clone(), amount })
    }

    /// How much.
    pub(crate) fn amount(&self) -> NanoUsd {
        self.amount
    }

    /// Gives back what is above `amount`.
    pub(crate) fn shrink_to(&mut self, amount: NanoUsd) {
        let amount = amount.min(self.amount);
        self.change_to(amount);
    }

    /// The request has ended and costs this much. What it leaves can be spent again at once.
    pub(crate) fn settle(mut self, cost: NanoUsd) -> KeyMark {
        self.change_to(cost);
        // What is set aside is the mark's from now on, and nothing is given back here.
        self.amount = NanoUsd::ZERO;
        KeyMark { purse: self.purse.clone(), cost }
    }

    fn change_to(&mut self, amount: NanoUsd) {
        let before = std::mem::replace(&mut self.amount, amount);
        self.purse.with(|figures| {
            figures.unwritten = plus(figures.unwritten.saturating_sub(before), amount);
        });
    }
}

impl Drop for KeyReservation {
    fn drop(&mut self) {
        self.change_to(NanoUsd::ZERO);
    }
}

impl Drop for KeyMark {
    fn drop(&mut self) {
        self.purse.with(|figures| {
            figures.unwritten = figures.unwritten.saturating_sub(self.cost);
            figures.written = plus(figures.written, self.cost);
        });
    }
}

fn plus(one: NanoUsd, other: NanoUsd) -> NanoUsd {
    [one, other].into_iter().sum()
}

fn first_of_month(today: Day) -> Day {
    // The last two digits of a date are the day of its month.
    let date = today.to_string();
    let of_month = date.get(8..10).and_then(|digits| digits.parse::<u32>().ok()).unwrap_or(1);
    today.minus(of_month.saturating_sub(1))
}

#[cfg(test)]
mod tests;
