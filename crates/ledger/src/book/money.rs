use std::collections::BTreeMap;

use vocab::{AccountId, EntryId, HoldId, NanoUsd, RequestId, Timestamp};

use super::{Book, Settlements, entry_id, missing};
use crate::wallet::by_account;
use crate::{
    Applied, BookError, Entry, EntryKind, Expired, Funds, Grant, GrantState, HoldOutcome, HoldRequest,
    Refund, RefundOutcome, Settled, Settlement, TopUp,
};

#[expect(missing_docs, reason = "the ports say what each method does")]
impl Book {
    pub fn top_up(&mut self, top_up: &TopUp) -> Result<Applied, BookError> {
        if let Some(entry) = self.entered(EntryKind::TopUp, &top_up.reference) {
            return Ok(if entry.is_of(top_up) { Applied::Before } else { Applied::Refused });
        }
        let mut wallet = self.wallet(top_up.account, &[]);
        let (applied, entry) = wallet.top_up(top_up, entry_id())?;
        if applied == Applied::Now {
            self.keep(wallet, entry);
        }
        Ok(applied)
    }

    pub fn grant(&mut self, grant: &Grant) -> Result<Applied, BookError> {
        if let Some(known) = self.grants.get(&grant.id) {
            return Ok(if known.is_of(grant) { Applied::Before } else { Applied::Refused });
        }
        let mut wallet = self.wallet(grant.account, &[]);
        let (applied, entry) = wallet.grant(grant, entry_id())?;
        if applied == Applied::Now {
            self.keep(wallet, entry);
        }
        Ok(applied)
    }

    pub fn overdraft_set(&mut self, account: AccountId, overdraft: NanoUsd) {
        let mut wallet = self.wallet(account, &[]);
        wallet.overdraft_set(overdraft);
        self.keep(wallet, None);
    }

    pub fn hold_open(&mut self, request: &HoldRequest) -> Result<HoldOutcome, BookError> {
        if let Some(hold) = self.holds.get(&request.id) {
            return hold.asked_again(request);
        }
        let mut wallet = self.wallet(request.account, &[]);
        let (outcome, entry) = wallet.hold_open(request, entry_id())?;
        if matches!(outcome, HoldOutcome::Opened(_)) {
            self.keep(wallet, entry);
        }
        Ok(outcome)
    }

    pub fn hold_renew(&mut self, holds: &[HoldId], until: Timestamp) {
        for id in holds {
            if let Some(hold) = self.holds.get_mut(id).filter(|hold| hold.is_open()) {
                hold.until = hold.until.max(until);
            }
        }
    }

    pub fn hold_release(&mut self, hold: HoldId, at: Timestamp) -> Result<NanoUsd, BookError> {
        let Some(account) = self.holds.get(&hold).map(|hold| hold.account) else { return Ok(NanoUsd::ZERO) };
        let mut wallet = self.wallet(account, &[hold]);
        let (released, entry) = wallet.hold_release(hold, at, entry_id())?;
        self.keep(wallet, entry);
        Ok(released)
    }

    pub fn settle(&mut self, settlements: &[Settlement]) -> Result<Vec<Settled>, BookError> {
        let new = by_account(settlements, |settlement| self.settled.contains_key(&settlement.request));
        // All or none: nothing is kept before everything is reckoned.
        let mut reckoned = Vec::with_capacity(new.len());
        for (account, settlements) in new {
            let money = settlements.iter().filter_map(|settlement| settlement.money.as_ref());
            let holds: Vec<_> = money.filter_map(|money| money.hold).collect();
            let mut wallet = self.wallet(account, &holds);
            let (settled, entry) = wallet.settle(&settlements, entry_id())?;
            reckoned.push((wallet, entry, settlements, settled));
        }
        for (wallet, entry, settlements, settled) in reckoned {
            self.keep(wallet, entry);
            for (settlement, settled) in settlements.into_iter().zip(settled) {
                let quota = settlement.quota.clone();
                if let Some(used) = &quota {
                    self.count(used);
                }
                self.settled.insert(settlement.request.clone(), Settlements { settled, quota });
            }
        }
        let answers = settlements.iter().map(|settlement| &settlement.request);
        answers.map(|request| self.settled(request).ok_or_else(|| missing(request))).collect()
    }

    pub fn expire(&mut self, at: Timestamp, limit: u32) -> Result<Expired, BookError> {
        let mut expired = Expired::default();
        let open = self.holds_open.iter().filter_map(|id| self.holds.get(id));
        let mut over: Vec<_> =
            open.filter(|hold| hold.until <= at).map(|hold| (hold.until, hold.id)).collect();
        over.sort_unstable();
        for (_, hold) in over.into_iter().take(limit as usize) {
            expired.holds.push((hold, self.hold_release(hold, at)?));
        }

        let ended = self.grants.values().filter(|credit| credit.left.is_positive() && !credit.is_live(at));
        let mut ended: Vec<_> =
            ended.map(|credit| (credit.grant.expires, credit.grant.id, credit.grant.account)).collect();
        ended.sort_unstable();
        for (_, grant, account) in ended.into_iter().take(limit as usize) {
            let mut wallet = self.wallet(account, &[]);
            let (amount, entry) = wallet.credits_end(grant, at, entry_id())?;
            self.keep(wallet, entry);
            expired.grants.push((grant, amount));
        }
        Ok(expired)
    }

    pub fn refund(&mut self, refund: &Refund) -> Result<RefundOutcome, BookError> {
        if let Some(earlier) = self.refunds.get(&refund.reference) {
            return earlier.asked_again(refund);
        }
        let Some(mut settled) = self.settled(&refund.request) else { return Ok(RefundOutcome::NotCharged) };
        if self.grants.contains_key(&refund.credits) {
            return Err(BookError::Reused(refund.credits.to_string()));
        }
        let mut wallet = self.wallet(settled.account, &[]);
        let (outcome, entry) = wallet.refund(&mut settled, refund, entry_id())?;
        if matches!(outcome, RefundOutcome::Refunded(_)) {
            self.keep(wallet, entry);
            self.refunds.insert(refund.reference.clone(), refund.clone());
            if let Some(kept) = self.settled.get_mut(&refund.request) {
                kept.settled = settled;
            }
        }
        Ok(outcome)
    }

    pub fn funds(&self, account: AccountId, at: Timestamp) -> Funds {
        let open = self.holds_open.iter().filter_map(|id| self.holds.get(id));
        let held = open.filter(|hold| hold.account == account).map(super::Hold::left).sum();
        self.wallet(account, &[]).funds(held, at)
    }

    pub fn grants(&self, account: AccountId, limit: u32) -> Vec<GrantState> {
        let wallet = self.wallet(account, &[]);
        let left = wallet.credits().iter().filter(|credit| credit.left.is_positive());
        left.take(limit as usize).cloned().collect()
    }

    pub fn entries(&self, account: AccountId, cursor: Option<EntryId>, limit: u32) -> Vec<Entry> {
        let of_account = self.entries.iter().rev().filter(|entry| entry.account == account);
        let before = of_account.filter(|entry| cursor.is_none_or(|cursor| entry.id < cursor));
        before.take(limit as usize).cloned().collect()
    }

    pub fn settled(&self, request: &RequestId) -> Option<Settled> {
        self.settled.get(request).map(|kept| kept.settled.clone())
    }

    /// Every account that ever had anything, with what it has at `at`.
    pub fn accounts(&self, at: Timestamp) -> BTreeMap<AccountId, Funds> {
        self.balances.keys().map(|account| (*account, self.funds(*account, at))).collect()
    }
}
