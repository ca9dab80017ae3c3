use serde::{Deserialize, Serialize};
use vocab::{AccountId, EntryId, HoldId, NanoUsd, RequestId, Timestamp};

use crate::{Pool, Units, WindowName};

/// What one ended request takes from its account. Applied once for each request id, however often it is handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// The request.
    pub request: RequestId,
    /// Who pays.
    pub account: AccountId,
    /// When the request ended.
    pub at: Timestamp,
    /// What it takes of the balance, at the general door.
    pub money: Option<MoneyUse>,
    /// What it takes of a plan, at the plan's doors.
    pub quota: Option<QuotaUse>,
}

/// A charge to the balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyUse {
    /// The hold that was opened for it. If that has ended, what is available is taken instead, and never more.
    pub hold: Option<HoldId>,
    /// What the request costs. Zero or above.
    pub cost: NanoUsd,
    /// The price book that says so.
    pub price_version: i64,
}

/// Use of a plan's quota.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaUse {
    /// Of which pool.
    pub pool: Pool,
    /// The slice it was reserved from. The use counts even if the slice has ended.
    pub slice: Option<HoldId>,
    /// How much. Zero or above.
    pub units: Units,
    /// When it counts as used: the beginning of the request (rule QUOTA-08).
    pub used_at: Timestamp,
    /// The anchored windows it counts in, by their beginnings; each name once.
    pub anchored: Vec<(WindowName, Timestamp)>,
}

impl QuotaUse {
    /// More than any request uses; so that nonsense cannot make a sum overflow.
    const UNITS_MAX: i64 = 1 << 40;

    /// What is counted: the units, if they make sense.
    pub fn counted(&self) -> Units {
        Units(self.units.0.clamp(0, Self::UNITS_MAX))
    }
}

/// What a settlement came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// The request.
    pub request: RequestId,
    /// Who paid.
    pub account: AccountId,
    /// What it cost.
    pub cost: NanoUsd,
    /// What was taken. Less than the cost only where the money was no longer there.
    pub charged: NanoUsd,
    /// What of that came from credits.
    pub from_credits: NanoUsd,
    /// The price book.
    pub price_version: i64,
    /// The entry that moved the money; none if none moved.
    pub entry: Option<EntryId>,
    /// When.
    pub at: Timestamp,
    /// What was given back since.
    pub refunded: NanoUsd,
}

impl Settled {
    /// What the request cost and nobody paid.
    pub fn waived(&self) -> NanoUsd {
        self.cost.saturating_sub(self.charged)
    }
}
