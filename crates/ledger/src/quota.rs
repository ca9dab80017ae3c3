//! The rules by which quota is given out. Adapters read how much is used and set aside, and ask here.

use serde::{Deserialize, Serialize};
use vocab::{HoldId, NodeId, Timestamp};

use crate::{
    BookError, Pool, SliceOutcome, SliceRequest, Units, WindowLimit, WindowName, WindowSpan, WindowState,
};

/// A second, to which use is counted in rolling windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UseSecond(pub i64);

impl UseSecond {
    /// The second of a use: the first that begins when it happened or later, so that no use comes back early.
    pub fn of(used_at: Timestamp) -> Self {
        let begun = i64::from(used_at.as_millis().rem_euclid(1000) != 0);
        Self(used_at.as_secs().saturating_add(begun))
    }

    /// The last second whose uses a window that ends at `at` and is this long does not reach.
    pub fn out_of_reach(span: std::time::Duration, at: Timestamp) -> Self {
        let span_ms = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Self(at.as_millis().saturating_sub(span_ms).div_euclid(1000))
    }

    /// When a window of this length has moved past this second.
    pub fn comes_back(self, span: std::time::Duration) -> Timestamp {
        Timestamp::from_millis(self.0.saturating_mul(1000)).plus(span)
    }
}

/// A part of a pool that is, or was, given to a node to spend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Its id.
    pub id: HoldId,
    /// Of what.
    pub pool: Pool,
    /// Who spends it.
    pub node: NodeId,
    /// How much was given.
    pub given: Units,
    /// How much of that is neither used nor taken back.
    pub left: Units,
    /// From when on a sweep may take it back.
    pub until: Timestamp,
    /// Whether it still counts.
    pub is_open: bool,
}

impl Slice {
    /// A new slice of `given`.
    pub fn new(request: &SliceRequest, given: Units) -> Self {
        let SliceRequest { id, pool, node, until, .. } = *request;
        Self { id, pool, node, given, left: given, until, is_open: true }
    }

    /// The answer to a request for this slice, which is there already.
    pub fn asked_again(&self, request: &SliceRequest) -> Result<SliceOutcome, BookError> {
        if self.pool != request.pool {
            return Err(BookError::Reused(self.id.to_string()));
        }
        Ok(SliceOutcome::Opened(self.given))
    }

    /// Counts a settled use against this slice. More than is left uses it up.
    pub fn spend(&mut self, units: Units) {
        self.left = self.left.minus(units);
    }

    /// Ends the slice. Says how much it had left; nothing if it has ended.
    pub fn close(&mut self) -> Units {
        self.is_open = false;
        std::mem::take(&mut self.left)
    }
}

/// Whether a slice fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It does, and is this large.
    Fits(Units),
    /// It does not, in these windows, each by so much.
    Full(Vec<(WindowLimit, Units)>),
}

/// How much of `request` fits, if so much is `used` in each of its windows, in the order of its limits, and so much is set
/// aside in open slices.
pub fn fit(request: &SliceRequest, used: &[Units], set_aside: Units) -> Fit {
    let least = request.least.max(Units(1));
    let mut fits = request.want.max(least);
    let mut full = Vec::new();
    for (limit, used) in request.limits.iter().zip(used) {
        let free = limit.limit.minus(used.plus(set_aside));
        if free < least {
            // Also counts by how much the window is overfull already.
            let short = used.plus(set_aside).plus(least).minus(limit.limit);
            full.push((*limit, short));
        }
        fits = fits.min(free);
    }
    if full.is_empty() { Fit::Fits(fits) } else { Fit::Full(full) }
}

/// When so much of a rolling window as `short` has come back, if `uses` are what was used in it, oldest first.
///
/// What is set aside may be used any moment, so it is taken for used at `at`.
pub fn comes_back(
    span: std::time::Duration,
    short: Units,
    uses: impl IntoIterator<Item = (UseSecond, Units)>,
    at: Timestamp,
) -> Timestamp {
    let mut back = Units::ZERO;
    for (second, units) in uses {
        back = back.plus(units);
        if back >= short {
            return second.comes_back(span);
        }
    }
    UseSecond::of(at).comes_back(span)
}

/// The answer when windows are full: the one that ends later is named (rule QUOTA-05); of two that end together, the
/// longer.
pub fn exhausted(full: impl IntoIterator<Item = (WindowName, Timestamp)>) -> Option<SliceOutcome> {
    let last = full.into_iter().max_by_key(|(window, resets)| (*resets, *window));
    last.map(|(window, resets)| SliceOutcome::Exhausted { window, resets })
}

/// How full a window is, if so much is `used` in it and `oldest` is when the oldest of that was used.
pub fn window_state(limit: WindowLimit, used: Units, oldest: Option<UseSecond>) -> WindowState {
    let resets = match limit.span {
        WindowSpan::Rolling(span) => oldest.map(|second| second.comes_back(span)),
        WindowSpan::Anchored { ends, .. } => Some(ends),
    };
    WindowState { limit, used, resets }
}
