use vocab::{HoldId, Timestamp};

use super::slice::{Leaving, Slice};
use super::{LeaseAmount, LeasePool, Refusal};

/// A question to the store: may this node have a slice?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask<A> {
    /// The slice's id; it stays the same however often the question is put.
    pub id: HoldId,
    /// As much as this is welcome.
    pub want: A,
    /// With less than this nothing would be won.
    pub least: A,
    /// When the slice's time is over.
    pub until: Timestamp,
}

/// The one ask of a pool that is not answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asking<A> {
    pub(super) ask: Ask<A>,
    /// Whether an answer is on its way; otherwise the store may or may not have heard of it.
    pub(super) is_out: bool,
}

impl<A: LeaseAmount> LeasePool<A> {
    /// The store gave this much; it is there for whoever reserves next.
    pub fn opened(&mut self, now: Timestamp, ask: HoldId, amount: A) {
        let Some(ask) = self.answered(ask) else { return };
        let amount = amount.count();
        if amount < ask.want.count() {
            self.appetite = self.last_want;
            self.poor_since = Some(now);
        } else {
            self.appetite = amount.saturating_mul(2);
            self.poor_since = None;
        }
        self.unmet = self.unmet.saturating_sub(amount).max(0);
        self.refusal = None;

        let mut slice = Slice::new(ask.id, amount, ask.until, now);
        if slice.has_lapsed(now, self.settings.skew_margin) {
            slice.leaving = Leaving::Wanted;
        }
        self.slices.push(slice);
    }

    /// The store gave nothing.
    ///
    /// Answers with slices that must go back first: crumbs that are of no use here, but may be what the store lacked.
    /// Only if there are none is the refusal remembered.
    pub fn refused(&mut self, now: Timestamp, ask: HoldId, lack: A::Lack) -> Vec<HoldId> {
        let Some(ask) = self.answered(ask) else { return Vec::new() };
        self.unmet = 0;
        self.appetite = self.last_want;

        let mut crumbs = Vec::new();
        for slice in self.slices.iter_mut().filter(|slice| slice.leaving != Leaving::Told) {
            if slice.is_quiet() && 0 < slice.room() && slice.room() < ask.least.count() {
                slice.leaving = Leaving::Told;
                crumbs.push(slice.id);
            }
        }
        if crumbs.is_empty() {
            let remembered_until = now.plus(self.settings.refusal_for);
            let until = A::comes_back(&lack).map_or(remembered_until, |back| back.min(remembered_until));
            let from = A::refused_from(&lack, ask.least).count();
            self.refusal = Some(Refusal { lack, from, at: now, until });
        }
        crumbs
    }

    /// The store did not answer: it may or may not have given a slice. The same ask will be put again.
    pub fn unanswered(&mut self, ask: HoldId) {
        if let Some(asking) = self.asking.as_mut().filter(|asking| asking.ask.id == ask) {
            asking.is_out = false;
        }
        self.unmet = 0;
    }

    /// The question that has to be put to the store now, if any; not while one is out.
    pub(super) fn ask(
        &mut self,
        now: Timestamp,
        want: i64,
        least: i64,
        new_id: impl FnOnce() -> HoldId,
    ) -> Option<Ask<A>> {
        if let Some(again) = self.resend(now) {
            return Some(again);
        }
        if self.asking.is_some() || self.slices.len() >= self.settings.slices_max {
            return None;
        }
        let ahead = self.pace.over(now, self.settings.horizon).min(self.appetite);
        let ask = Ask {
            id: new_id(),
            want: A::from_count(want.max(self.unmet).max(ahead)),
            least: A::from_count(least),
            until: now.plus(self.settings.lease_for),
        };
        self.unmet = 0;
        self.asking = Some(Asking { ask, is_out: true });
        Some(ask)
    }

    /// The ask that was not answered, if there is one, to be put again.
    ///
    /// One whose time is nearly over is dropped: if the store did give it a slice, a sweep takes that back.
    pub(super) fn resend(&mut self, now: Timestamp) -> Option<Ask<A>> {
        let asking = self.asking.as_mut().filter(|asking| !asking.is_out)?;
        if now.plus(self.settings.skew_margin) >= asking.ask.until {
            self.asking = None;
            return None;
        }
        asking.is_out = true;
        Some(asking.ask)
    }

    fn answered(&mut self, ask: HoldId) -> Option<Ask<A>> {
        self.asking.take_if(|asking| asking.ask.id == ask).map(|asking| asking.ask)
    }
}
