use vocab::{EntryId, NanoUsd};

use super::Wallet;
use crate::movements::Movements;
use crate::{Applied, BookAccount, BookError, Entry, EntryKind, Grant, GrantState, TopUp};

impl Wallet {
    /// Pays money in, or takes it back if the amount is below zero and that much cash is there.
    pub fn top_up(&mut self, top_up: &TopUp, entry: EntryId) -> Result<(Applied, Option<Entry>), BookError> {
        let amount = top_up.amount;
        let Some(cash) = self.balance.cash.checked_add(amount) else { return Ok((Applied::Refused, None)) };
        let is_spent = !amount.is_positive() && cash < NanoUsd::ZERO;
        if amount == NanoUsd::ZERO || is_spent {
            return Ok((Applied::Refused, None));
        }
        self.balance.cash = cash;
        let mut movements = Movements::default();
        movements.transfer(BookAccount::Payments, BookAccount::Cash(self.account), amount)?;
        let reference = top_up.reference.clone();
        let entry = movements.into_entry(entry, EntryKind::TopUp, self.account, reference, top_up.at);
        Ok((Applied::Now, entry))
    }

    /// Gives credits.
    pub fn grant(&mut self, grant: &Grant, entry: EntryId) -> Result<(Applied, Option<Entry>), BookError> {
        if !grant.amount.is_positive() {
            return Ok((Applied::Refused, None));
        }
        let mut movements = Movements::default();
        movements.transfer(BookAccount::Promotions, BookAccount::Credit(grant.id), grant.amount)?;
        self.credit_add(GrantState { grant: grant.clone(), left: grant.amount, ended: NanoUsd::ZERO })?;
        let reference = grant.id.to_string();
        let entry = movements.into_entry(entry, EntryKind::Grant, self.account, reference, grant.at);
        Ok((Applied::Now, entry))
    }

    /// Sets how far below zero cash may be taken; below zero means not at all. What is owed stays owed.
    pub fn overdraft_set(&mut self, overdraft: NanoUsd) {
        let overdraft = overdraft.max(NanoUsd::ZERO);
        self.balance.overdraft = overdraft;
        self.balance.owed_max = overdraft.max(-self.balance.cash);
    }
}

impl Entry {
    /// Whether this is what came of `top_up`.
    pub fn is_of(&self, top_up: &TopUp) -> bool {
        let cash = BookAccount::Cash(top_up.account);
        let moved = self.postings.iter().find(|posting| posting.book == cash);
        self.account == top_up.account && moved.is_some_and(|posting| posting.amount == top_up.amount)
    }
}
