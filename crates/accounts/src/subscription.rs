use ledger::{Pool, PoolKind};
use serde::Serialize;
use vocab::{AccountId, SubscriptionId, Timestamp};

use crate::PlanId;

/// A plan that an account has for a time. Kept for good; what changes is only when it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subscription {
    /// Its id, which also names its quota: another subscription begins with all of its own.
    pub id: SubscriptionId,
    /// Whose.
    pub account: AccountId,
    /// Its place among the account's subscriptions, from 1. Two that are made at once cannot have the same one, so that
    /// neither is planned without knowing of the other.
    pub number: u32,
    /// Which plan.
    pub plan: PlanId,
    /// Its first moment.
    pub starts: Timestamp,
    /// The first moment after it; none if it goes on until someone ends it.
    pub ends: Option<Timestamp>,
    /// When someone ended it before its time, if that happened.
    pub ended_early: Option<Timestamp>,
    /// The operator's account, if it was given and not bought.
    pub granted_by: Option<AccountId>,
    /// A line for people.
    pub note: String,
    /// When it was made.
    pub created: Timestamp,
}

/// Where a subscription is in its life.
///
/// ```text
/// Upcoming ──starts──▶ Active ──ends──▶ Over
///     ╰───────────ended early───────────▲
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionState {
    /// It begins later.
    Upcoming,
    /// It counts.
    Active,
    /// It has come to its end or was ended.
    Over,
}

impl Subscription {
    /// Where it is at `at`. Its first moment is included, its end is not.
    pub fn state(&self, at: Timestamp) -> SubscriptionState {
        if self.over_at().is_some_and(|over| over <= at) {
            SubscriptionState::Over
        } else if at < self.starts {
            SubscriptionState::Upcoming
        } else {
            SubscriptionState::Active
        }
    }

    /// Whether it counts at `at`.
    pub fn is_active(&self, at: Timestamp) -> bool {
        self.state(at) == SubscriptionState::Active
    }

    /// From when on it is over, if that is known.
    pub fn over_at(&self) -> Option<Timestamp> {
        match (self.ends, self.ended_early) {
            (Some(ends), Some(early)) => Some(ends.min(early)),
            (ends, early) => ends.or(early),
        }
    }

    /// Whether there is a moment at which it counts. There is none if it was ended before it began.
    pub fn ever_counts(&self) -> bool {
        self.over_at().is_none_or(|over| self.starts < over)
    }

    /// Its quota of one kind.
    pub fn pool(&self, kind: PoolKind) -> Pool {
        Pool { subscription: self.id, kind }
    }
}
