use serde::{Deserialize, Serialize};
use vocab::{AccountId, HoldId, NanoUsd, NodeId, Timestamp};

/// Asks for money to be set aside.
///
/// It is taken from credits first, by priority and then by expiry, and from cash after that, down to minus the
/// account's overdraft (rules BILL-11, BILL-12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRequest {
    /// Makes asking again harmless.
    pub id: HoldId,
    /// Whose money.
    pub account: AccountId,
    /// What for.
    pub purpose: HoldPurpose,
    /// As much as this is set aside if it is there, and what is there if that is at least `least`.
    pub want: NanoUsd,
    /// With less than this nothing is set aside. Above zero.
    pub least: NanoUsd,
    /// Now.
    pub at: Timestamp,
    /// From when on a sweep may give the money back.
    pub until: Timestamp,
}

/// What money is set aside for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "node")]
pub enum HoldPurpose {
    /// A node spends it on many requests.
    Lease(NodeId),
    /// One piece of work that outlives its request.
    Task,
}

/// What became of a [`HoldRequest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldOutcome {
    /// This much is set aside. Asking again with the same id answers the same.
    Opened(NanoUsd),
    /// Less than `least` is there; nothing was set aside.
    Insufficient {
        /// What could have been.
        available: NanoUsd,
    },
}

/// What an account has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funds {
    /// Paid in and neither used nor set aside; below zero it is owed.
    pub cash: NanoUsd,
    /// Given, not expired, and neither used nor set aside.
    pub credits: NanoUsd,
    /// Set aside by open holds.
    pub held: NanoUsd,
    /// How far below zero cash may go.
    pub overdraft: NanoUsd,
}

impl Funds {
    /// What can be set aside now.
    pub fn available(&self) -> NanoUsd {
        [self.cash, self.credits, self.overdraft].into_iter().sum()
    }
}
