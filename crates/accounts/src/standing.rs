use serde::{Deserialize, Serialize};
use vocab::Timestamp;

use crate::{AccountState, HeldPlan, Holdings, NoPlan, PlanBook, Restriction};

/// What an account may do, apart from what it has left to spend. Read together with a key, and at most as old as the
/// key's place in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether the account may do anything at all.
    pub state: AccountState,
    /// Its plans.
    pub holdings: Holdings,
    /// What a breach of the usage rules costs it for now.
    pub restriction: Option<Restriction>,
    /// Where the operator gave it other limits than its plan or the platform has.
    pub rates: RateOverrides,
}

/// Limits of one account; where none is given, its plan's or the platform's counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateOverrides {
    /// Requests at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Requests in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// Tokens in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// Requests in a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_day: Option<u32>,
}

impl Standing {
    /// The plan that counts at `now`, by the book in force.
    pub fn plan_at<'a>(&'a self, now: Timestamp, book: &'a PlanBook) -> Result<HeldPlan<'a>, NoPlan> {
        self.holdings.plan_at(now, book)
    }

    /// The restriction that is on at `now`.
    pub fn restriction_at(&self, now: Timestamp) -> Option<&Restriction> {
        self.restriction.as_ref().filter(|restriction| restriction.is_in_force(now))
    }
}
