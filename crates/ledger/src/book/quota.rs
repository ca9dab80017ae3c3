use vocab::{HoldId, Timestamp};

use super::{Book, Uses};
use crate::quota::{Fit, comes_back, exhausted, fit, window_state};
use crate::{
    BookError, Pool, QuotaUse, Slice, SliceOutcome, SliceRequest, Units, UseSecond, WindowLimit, WindowSpan,
    WindowState,
};

#[expect(missing_docs, reason = "the ports say what each method does")]
impl Book {
    pub fn slice_open(&mut self, request: &SliceRequest) -> Result<SliceOutcome, BookError> {
        if let Some(slice) = self.slices.get(&request.id) {
            return slice.asked_again(request);
        }
        let nothing = Uses::default();
        let uses = self.pools.get(&request.pool).unwrap_or(&nothing);
        let used: Vec<_> = request.limits.iter().map(|limit| uses.used(limit, request.at)).collect();
        let open = self.slices.values().filter(|slice| slice.is_open && slice.pool == request.pool);
        let set_aside = open.fold(Units::ZERO, |sum, slice| sum.plus(slice.left));
        let given = match fit(request, &used, set_aside) {
            Fit::Fits(given) => given,
            Fit::Full(full) => {
                let full = full.into_iter().map(|(limit, short)| {
                    let resets = match limit.span {
                        WindowSpan::Rolling(span) => {
                            comes_back(span, short, uses.within(span, request.at), request.at)
                        }
                        WindowSpan::Anchored { ends, .. } => ends,
                    };
                    (limit.name, resets)
                });
                // A slice that does not fit is full in some window.
                return exhausted(full).ok_or(BookError::NotPositive);
            }
        };
        self.slices.insert(request.id, Slice::new(request, given));
        Ok(SliceOutcome::Opened(given))
    }

    pub fn slice_renew(&mut self, slices: &[HoldId], until: Timestamp) {
        for id in slices {
            if let Some(slice) = self.slices.get_mut(id).filter(|slice| slice.is_open) {
                slice.until = slice.until.max(until);
            }
        }
    }

    pub fn slice_release(&mut self, slice: HoldId) -> Units {
        self.slices.get_mut(&slice).map_or(Units::ZERO, Slice::close)
    }

    pub fn slices_expire(&mut self, at: Timestamp, forget_before: Timestamp, limit: u32) -> u64 {
        let limit = limit as usize;
        let is_old = |slice: &&Slice| !slice.is_open && slice.until < forget_before;
        let old: Vec<_> = self.slices.values().filter(is_old).map(|slice| slice.id).take(limit).collect();
        for id in old {
            self.slices.remove(&id);
        }
        let last = UseSecond::of(forget_before);
        let mut left = limit;
        for uses in self.pools.values_mut() {
            let old: Vec<_> = uses.seconds.range(..last).map(|(second, _)| *second).take(left).collect();
            left -= old.len();
            for second in old {
                uses.seconds.remove(&second);
            }
        }

        let over = self.slices.values().filter(|slice| slice.is_open && slice.until <= at);
        let mut over: Vec<_> = over.map(|slice| (slice.until, slice.id)).collect();
        over.sort_unstable();
        over.truncate(limit);
        for (_, id) in &over {
            self.slice_release(*id);
        }
        over.len() as u64
    }

    pub fn quota_used(&self, pool: Pool, limits: &[WindowLimit], at: Timestamp) -> Vec<WindowState> {
        let nothing = Uses::default();
        let uses = self.pools.get(&pool).unwrap_or(&nothing);
        let state = |limit: &WindowLimit| {
            let oldest = match limit.span {
                WindowSpan::Rolling(span) => uses.within(span, at).next().map(|(second, _)| second),
                WindowSpan::Anchored { .. } => None,
            };
            window_state(*limit, uses.used(limit, at), oldest)
        };
        limits.iter().map(state).collect()
    }

    pub fn quota_reset(&mut self, pool: Pool, limits: &[WindowLimit]) {
        let Some(uses) = self.pools.get_mut(&pool) else { return };
        for limit in limits {
            match limit.span {
                WindowSpan::Rolling(_) => {
                    for counted in uses.seconds.values_mut() {
                        counted.taken_back = counted.settled;
                    }
                }
                WindowSpan::Anchored { starts, .. } => {
                    if let Some(counted) = uses.windows.get_mut(&(limit.name, starts)) {
                        counted.taken_back = counted.settled;
                    }
                }
            }
        }
    }

    /// Counts the use of a request that is settled now.
    pub(super) fn count(&mut self, used: &QuotaUse) {
        let units = used.counted();
        if let Some(slice) = used.slice.and_then(|id| self.slices.get_mut(&id))
            && slice.pool == used.pool
        {
            slice.spend(units);
        }
        if units == Units::ZERO {
            return;
        }
        let uses = self.pools.entry(used.pool).or_default();
        let second = uses.seconds.entry(UseSecond::of(used.used_at)).or_default();
        second.settled = second.settled.plus(units);
        for window in &used.anchored {
            let window = uses.windows.entry(*window).or_default();
            window.settled = window.settled.plus(units);
        }
    }
}

impl Uses {
    fn used(&self, limit: &WindowLimit, at: Timestamp) -> Units {
        match limit.span {
            WindowSpan::Rolling(span) => {
                self.within(span, at).fold(Units::ZERO, |sum, (_, units)| sum.plus(units))
            }
            WindowSpan::Anchored { starts, .. } => {
                self.windows.get(&(limit.name, starts)).map_or(Units::ZERO, |counted| counted.used())
            }
        }
    }

    /// What was used within a rolling window that ends at `at`, oldest first.
    fn within(
        &self,
        span: std::time::Duration,
        at: Timestamp,
    ) -> impl Iterator<Item = (UseSecond, Units)> + use<'_> {
        use std::ops::Bound::{Excluded, Unbounded};
        let reached = (Excluded(UseSecond::out_of_reach(span, at)), Unbounded);
        let used = self.seconds.range(reached).map(|(second, counted)| (*second, counted.used()));
        used.filter(|(_, units)| *units > Units::ZERO)
    }
}
