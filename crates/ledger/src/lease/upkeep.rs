use std::time::Duration;

use vocab::{HoldId, Timestamp};

use super::slice::Leaving;
use super::{Ask, LeaseAmount, LeasePool};

/// What has to be put to the store to keep a pool in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upkeep<A> {
    /// Ask for a slice, ahead of need or because an earlier try was not answered.
    Open(Ask<A>),
    /// Let a slice last until then.
    Renew {
        /// The slice.
        slice: HoldId,
        /// Its new end.
        until: Timestamp,
    },
    /// Give a slice back.
    Release(HoldId),
}

impl<A: LeaseAmount> LeasePool<A> {
    /// What has to be done now. Every `Upkeep` has to be answered: by [`opened`](Self::opened),
    /// [`refused`](Self::refused) or [`unanswered`](Self::unanswered), [`renewed`](Self::renewed) or
    /// [`released`](Self::released).
    ///
    /// Slices that are used up are dropped in silence: the store's sweep ends them, and they hold nothing.
    pub fn upkeep(&mut self, now: Timestamp, new_id: impl FnOnce() -> HoldId) -> Vec<Upkeep<A>> {
        let mut todo = Vec::new();
        self.let_go(now, self.settings.idle_for);
        self.release(&mut todo);
        self.renew(now, &mut todo);
        let ask = self.resend(now).or_else(|| self.ahead(now, new_id));
        todo.extend(ask.map(Upkeep::Open));
        todo
    }

    /// A slice to ask for ahead of need, if this pool is busy and will soon run short.
    pub fn ahead(&mut self, now: Timestamp, new_id: impl FnOnce() -> HoldId) -> Option<Ask<A>> {
        let needed = self.pace.over(now, self.settings.ahead);
        let is_busy = needed >= self.last_want.saturating_mul(2).max(1);
        let is_refused = self.is_poor(now) || self.refusal.is_some_and(|refusal| refusal.is_believed(now));
        if !is_busy || is_refused || self.asking.is_some() || self.at_hand(now).count() >= needed {
            return None;
        }
        self.ask(now, self.last_want, self.last_least, new_id)
    }

    /// What has to be done now because the node shuts down: every slice that is quiet goes back, and the others are
    /// kept for as long as they are needed. Answered like [`upkeep`](Self::upkeep).
    pub fn close(&mut self, now: Timestamp) -> Vec<Upkeep<A>> {
        let mut todo = Vec::new();
        self.let_go(now, Duration::ZERO);
        self.release(&mut todo);
        self.renew(now, &mut todo);
        todo.extend(self.resend(now).map(Upkeep::Open));
        todo
    }

    /// Whether a renewal was answered, at `now`. If the slice's time may have been over by then, the store may have ended
    /// it before it read the renewal: requests that use it are hoped for, and no further one is let in.
    pub fn renewed(&mut self, now: Timestamp, slice: HoldId, answered: Option<Timestamp>) {
        let margin = self.settings.skew_margin;
        let Some(slice) = self.slice(slice) else { return };
        slice.is_renewing = false;
        if let Some(until) = answered {
            slice.shut_if_lapsed(now, margin);
            slice.until = slice.until.max(until);
        }
    }

    /// Whether the store took a slice back; if it did not answer it will be told again.
    pub fn released(&mut self, id: HoldId, answered: bool) {
        if answered {
            self.slices.retain(|slice| slice.id != id);
            // What came back may be what was lacking.
            self.refusal = None;
        } else if let Some(slice) = self.slice(id) {
            slice.leaving = Leaving::Wanted;
        }
    }

    /// Shuts slices that are of no more use to new requests, and drops those that hold nothing the store would not
    /// take back by itself.
    fn let_go(&mut self, now: Timestamp, idle_for: Duration) {
        let (margin, last_least) = (self.settings.skew_margin, self.last_least);
        self.slices.retain_mut(|slice| {
            let is_idle = now.since(slice.used_at) >= idle_for;
            let is_crumb = slice.room() < last_least;
            slice.shut_if_lapsed(now, margin);
            if slice.leaving == Leaving::No && slice.is_quiet() && (is_idle || is_crumb) {
                slice.leaving = Leaving::Wanted;
            }
            let is_swept = now >= slice.until.plus(margin);
            !(slice.is_quiet() && (slice.room() <= 0 || is_swept))
        });
    }

    fn release(&mut self, todo: &mut Vec<Upkeep<A>>) {
        for slice in self.slices.iter_mut() {
            if slice.leaving == Leaving::Wanted && slice.is_quiet() {
                slice.leaving = Leaving::Told;
                todo.push(Upkeep::Release(slice.id));
            }
        }
    }

    fn renew(&mut self, now: Timestamp, todo: &mut Vec<Upkeep<A>>) {
        let renew_before = self.settings.renew_before;
        let until = now.plus(self.settings.lease_for);
        for slice in self.slices.iter_mut() {
            // One that is shut is kept for the requests that still use it.
            let is_needed = slice.leaving == Leaving::No || !slice.is_quiet();
            if is_needed && !slice.is_renewing && now.plus(renew_before) >= slice.until {
                slice.is_renewing = true;
                todo.push(Upkeep::Renew { slice: slice.id, until });
            }
        }
    }
}
