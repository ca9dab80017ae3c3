//! What one node holds of one account's money, or of one pool of quota: slices that it took from the store and spends
//! in memory.
//!
//! ```text
//!           opened                 reserve          settled            written
//!  (store) ───────▶ slice ──────▶ reservation ──────▶ unwritten ──────▶ gone from the slice
//!     ▲               │                │ returned
//!     ╰── released ───╯◀───────────────╯
//! ```
//!
//! Pure: the time, new ids and the store's answers come from the caller. What makes it right:
//!
//! - A reservation lives in exactly one slice, and all reservations of a slice together fit in it.
//! - A slice is given back only when nothing is reserved in it and every settlement from it is known to be written.
//! - A slice admits nothing more, ever, once its time was over by any clock that differs from this one by less than the
//!   margin. A renewal helps only if its answer came before that; later it is for those that use the slice already.
//! - An ask that was not answered is repeated with the same id until it is.

mod amount;
mod ask;
mod pace;
mod slice;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use vocab::{HoldId, Timestamp};

pub use amount::{Exhausted, LeaseAmount};
pub use ask::Ask;
use ask::Asking;
use pace::Pace;
use slice::Slice;
pub use upkeep::Upkeep;

/// How slices are taken and given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseSettings {
    /// How long a slice is asked for. After a crash it is out of everyone's reach for so long.
    pub lease_for: Duration,
    /// A slice in use is renewed when it has less than this left.
    pub renew_before: Duration,
    /// By how much the clocks of two nodes may differ, and more.
    pub skew_margin: Duration,
    /// A slice that nobody used for so long is given back.
    pub idle_for: Duration,
    /// A slice is meant to last for so long, at the pace of the last second.
    pub horizon: Duration,
    /// A busy pool is refilled when it has less than it needs for so long.
    pub ahead: Duration,
    /// A refusal is believed for so long, unless something comes back earlier.
    pub refusal_for: Duration,
    /// The most slices of one pool.
    pub slices_max: usize,
}

impl Default for LeaseSettings {
    fn default() -> Self {
        Self {
            lease_for: Duration::from_secs(60),
            renew_before: Duration::from_secs(40),
            skew_margin: Duration::from_secs(5),
            idle_for: Duration::from_secs(2),
            horizon: Duration::from_secs(2),
            ahead: Duration::from_millis(500),
            refusal_for: Duration::from_millis(500),
            slices_max: 256,
        }
    }
}

/// What one node holds of one account's money, or of one pool of quota.
#[derive(Debug)]
pub struct LeasePool<A: LeaseAmount> {
    settings: Arc<LeaseSettings>,
    slices: Vec<Slice>,
    asking: Option<Asking<A>>,
    /// What came short while an ask was out, and will come again when it is back.
    unmet: i64,
    pace: Pace,
    /// The most that is asked for ahead of need: doubled when it was given, one request when it was not.
    appetite: i64,
    /// The size of the last request, and the least it would have taken.
    last_want: i64,
    last_least: i64,
    /// When the store gave less than was wanted: what is here is all there is.
    poor_since: Option<Timestamp>,
    refusal: Option<Refusal<A>>,
}

/// What a request was given. Ends in [`LeasePool::settled`] or [`LeasePool::returned`], once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket<A> {
    /// The slice it is reserved in: the hold or slice that a settlement names.
    pub slice: HoldId,
    /// How much is reserved.
    pub amount: A,
}

/// What became of a wish to reserve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reserve<A: LeaseAmount> {
    /// It is reserved.
    Reserved(Ticket<A>),
    /// No slice has room. The caller puts this to the store, and hands in what came of it.
    Short(Ask<A>),
    /// No slice has room, but an ask is out. Worth trying again when that is answered.
    Awaited,
    /// The store refused as much a moment ago.
    Refused(A::Lack),
    /// No slice has room, and there are as many as there may be.
    Crowded,
}

/// What is known of a refusal.
#[derive(Clone, Copy, Debug)]
struct Refusal<A: LeaseAmount> {
    lack: A::Lack,
    /// Requests that need this much, or more, would be refused too.
    from: i64,
    at: Timestamp,
    until: Timestamp,
}

impl<A: LeaseAmount> LeasePool<A> {
    /// A pool with nothing in it.
    pub fn new(settings: Arc<LeaseSettings>) -> Self {
        Self {
            settings,
            slices: Vec::new(),
            asking: None,
            unmet: 0,
            pace: Pace::default(),
            appetite: 0,
            last_want: 0,
            last_least: 0,
            poor_since: None,
            refusal: None,
        }
    }

    /// Sets `want` aside, or what there is if that is at least `least`.
    ///
    /// As long as the store may have more, less than `want` is not settled for. `new_id` is called if the store has to
    /// be asked something new.
    pub fn reserve(
        &mut self,
        now: Timestamp,
        want: A,
        least: A,
        new_id: impl FnOnce() -> HoldId,
    ) -> Reserve<A> {
        let least = least.count().max(1);
        let want = want.count().max(least);
        (self.last_want, self.last_least) = (want, least);

        if let Some(ticket) = self.take(now, want, want) {
            return Reserve::Reserved(ticket);
        }
        let refusal = self.refusal.filter(|refusal| refusal.is_believed(now));
        if (refusal.is_some() || self.is_poor(now))
            && let Some(ticket) = self.take(now, want, least)
        {
            return Reserve::Reserved(ticket);
        }
        if let Some(refusal) = refusal.filter(|refusal| least >= refusal.from) {
            return Reserve::Refused(refusal.lack);
        }
        match self.ask(now, want, least, new_id) {
            Some(ask) => Reserve::Short(ask),
            None if self.asking.is_some() => {
                self.unmet = self.unmet.saturating_add(want);
                Reserve::Awaited
            }
            None => Reserve::Crowded,
        }
    }

    /// Sets aside as much of `want` as is here, if that is at least `least`: for when the store cannot be asked.
    pub fn reserve_at_hand(&mut self, now: Timestamp, want: A, least: A) -> Option<Ticket<A>> {
        let least = least.count().max(1);
        self.take(now, want.count().max(least), least)
    }

    /// Ends a reservation that used `spent`, of which the store will learn by a settlement. What it left can be
    /// reserved again at once. The slice stays open until [`written`](Self::written) is called for it.
    pub fn settled(&mut self, now: Timestamp, ticket: Ticket<A>, spent: A) {
        if let Some(slice) = self.slice(ticket.slice) {
            slice.settle(now, ticket.amount.count(), spent.count());
        }
    }

    /// Ends a reservation that used nothing, and of which the store will not hear.
    pub fn returned(&mut self, ticket: Ticket<A>) {
        if let Some(slice) = self.slice(ticket.slice) {
            slice.give_back(ticket.amount.count());
        }
    }

    /// A settlement from this slice is durable.
    pub fn written(&mut self, slice: HoldId) {
        if let Some(slice) = self.slice(slice) {
            slice.unwritten = slice.unwritten.saturating_sub(1);
        }
    }

    /// What could be reserved now without asking.
    pub fn at_hand(&self, now: Timestamp) -> A {
        let rooms = self.slices.iter().filter(|slice| slice.admits(now, self.settings.skew_margin));
        A::from_count(rooms.fold(0, |sum, slice| sum.saturating_add(slice.room().max(0))))
    }

    /// Whether nothing would be lost by forgetting this pool.
    pub fn is_forgettable(&self, now: Timestamp) -> bool {
        let remembers = self.refusal.is_some_and(|refusal| refusal.is_believed(now));
        self.slices.is_empty() && self.asking.is_none() && !remembers
    }

    /// Takes `want` from the first slice that has room for it, so that the later ones go idle when less is needed; or
    /// what the roomiest has, if that is at least `least`.
    fn take(&mut self, now: Timestamp, want: i64, least: i64) -> Option<Ticket<A>> {
        let margin = self.settings.skew_margin;
        let mut roomiest: Option<&mut Slice> = None;
        for slice in self.slices.iter_mut().filter(|slice| slice.admits(now, margin)) {
            let room = slice.room();
            if room >= want {
                roomiest = Some(slice);
                break;
            }
            if room >= least && roomiest.as_ref().is_none_or(|other| other.room() < room) {
                roomiest = Some(slice);
            }
        }
        let slice = roomiest?;
        let amount = slice.room().min(want);
        slice.reserve(now, amount);
        self.pace.add(now, amount);
        Some(Ticket { slice: slice.id, amount: A::from_count(amount) })
    }

    fn slice(&mut self, id: HoldId) -> Option<&mut Slice> {
        self.slices.iter_mut().find(|slice| slice.id == id)
    }

    fn is_poor(&self, now: Timestamp) -> bool {
        self.poor_since.is_some_and(|since| since <= now && now < since.plus(self.settings.refusal_for))
    }
}

impl<A: LeaseAmount> Refusal<A> {
    /// A clock that was turned back makes nobody believe it for longer.
    fn is_believed(&self, now: Timestamp) -> bool {
        self.at <= now && now < self.until
    }
}

#[cfg(test)]
mod tests;
