use serde::{Deserialize, Serialize};
use vocab::{AccountId, GrantId, HoldId, NanoUsd, NodeId, Timestamp};

use crate::BookError;

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

/// Money that is, or was, set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// Whose money.
    pub account: AccountId,
    /// What for.
    pub purpose: HoldPurpose,
    /// How much was set aside.
    pub opened: NanoUsd,
    /// From when on a sweep may give the money back.
    pub until: Timestamp,
    /// Where it came from, in the order it was taken, which is the order it is spent.
    pub parts: Vec<HoldPart>,
    /// When it ended.
    pub closed: Option<Timestamp>,
}

/// What of a hold came from one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldPart {
    /// Where from.
    pub source: MoneySource,
    /// How much was taken.
    pub taken: NanoUsd,
    /// How much of that is neither spent nor given back.
    pub left: NanoUsd,
}

/// Where an account's money is taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MoneySource {
    /// A grant.
    Credit(GrantId),
    /// What was paid in.
    Cash,
}

impl HoldPart {
    /// A part of which nothing is spent.
    pub(crate) fn new(source: MoneySource, taken: NanoUsd) -> Self {
        Self { source, taken, left: taken }
    }
}

impl Hold {
    /// Whether its money is still set aside.
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// What is neither spent nor given back.
    pub fn left(&self) -> NanoUsd {
        self.parts.iter().map(|part| part.left).sum()
    }

    /// The answer to a request for this hold, which is there already.
    pub fn asked_again(&self, request: &HoldRequest) -> Result<HoldOutcome, BookError> {
        if self.account != request.account {
            return Err(BookError::Reused(self.id.to_string()));
        }
        Ok(HoldOutcome::Opened(self.opened))
    }
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
    /// What can be set aside now: the credits, and the cash down to minus the overdraft. An account that owes more than
    /// that can still spend its credits.
    pub fn available(&self) -> NanoUsd {
        let spendable = [self.cash, self.overdraft].into_iter().sum::<NanoUsd>().max(NanoUsd::ZERO);
        [self.credits, spendable].into_iter().sum()
    }
}
