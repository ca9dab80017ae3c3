//! The rules by which money moves, on one account at a time.
//!
//! Every adapter does the same: read what a rule needs into a [`Wallet`], let the rule work on it, and keep what it
//! became together with the entry that says why. So no adapter has rules of its own.

mod giving_back;
mod paying_in;
mod refunding;
mod settling;
mod taking;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vocab::{AccountId, GrantId, HoldId, NanoUsd, Timestamp};

use crate::{BookError, Funds, GrantState, Hold};

pub use settling::by_account;

/// One account's money: all that a rule may touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    /// Whose.
    pub account: AccountId,
    /// Cash, and how much may be owed.
    pub balance: Balance,
    /// In the order they are spent: every grant that has something left, and those that parts of `holds` come from.
    credits: Vec<GrantState>,
    /// The holds that the rule is about.
    pub holds: BTreeMap<HoldId, Hold>,
}

/// What an account's row says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Paid in and neither used nor set aside; below zero it is owed.
    pub cash: NanoUsd,
    /// How far below zero cash may be taken.
    pub overdraft: NanoUsd,
    /// How far below zero cash can be: the overdraft, or what was owed when the overdraft was last lowered.
    pub owed_max: NanoUsd,
}

impl Balance {
    /// What can be taken of cash.
    fn spendable(&self) -> NanoUsd {
        NanoUsd(self.cash.0.saturating_add(self.overdraft.0).max(0))
    }
}

impl Wallet {
    /// A wallet of what was read. The order of `credits` does not matter.
    pub fn new(
        account: AccountId,
        balance: Balance,
        mut credits: Vec<GrantState>,
        holds: BTreeMap<HoldId, Hold>,
    ) -> Self {
        credits.sort_by_key(GrantState::turn);
        Self { account, balance, credits, holds }
    }

    /// The wallet of an account that the ledger never heard of.
    pub fn empty(account: AccountId) -> Self {
        Self::new(account, Balance::default(), Vec::new(), BTreeMap::new())
    }

    /// Its credits, in the order they are spent.
    pub fn credits(&self) -> &[GrantState] {
        &self.credits
    }

    /// What can be set aside at `at`.
    pub fn available(&self, at: Timestamp) -> NanoUsd {
        self.funds(NanoUsd::ZERO, at).available()
    }

    /// What the account has, if its open holds have `held` left.
    pub fn funds(&self, held: NanoUsd, at: Timestamp) -> Funds {
        let live = self.credits.iter().filter(|credit| credit.is_live(at));
        Funds {
            cash: self.balance.cash,
            credits: live.map(|credit| credit.left).sum(),
            held,
            overdraft: self.balance.overdraft,
        }
    }

    fn credit_mut(&mut self, grant: GrantId) -> Result<&mut GrantState, BookError> {
        let found = self.credits.iter_mut().find(|credit| credit.grant.id == grant);
        found.ok_or_else(|| BookError::Missing(grant.to_string()))
    }

    /// Puts a new grant in its place.
    fn credit_add(&mut self, credit: GrantState) -> Result<(), BookError> {
        if self.credits.iter().any(|other| other.grant.id == credit.grant.id) {
            return Err(BookError::Reused(credit.grant.id.to_string()));
        }
        let turn = credit.turn();
        let place = self.credits.partition_point(|other| other.turn() < turn);
        self.credits.insert(place, credit);
        Ok(())
    }
}

/// `amount` more or less of `money`.
fn add(money: &mut NanoUsd, amount: NanoUsd) -> Result<(), BookError> {
    *money = money.checked_add(amount).ok_or(BookError::Overflow)?;
    Ok(())
}
