use vocab::{EntryId, NanoUsd};

use super::{Wallet, add};
use crate::movements::Movements;
use crate::{
    BookAccount, BookError, Entry, EntryKind, Grant, GrantKind, GrantState, Refund, RefundOutcome, Settled,
};

impl Wallet {
    /// Gives back what `settled` says was charged, or a part of it, by a reversing entry: cash for what was paid in cash,
    /// and new credits for what was paid with credits, because credits never turn into cash (rule BILL-15).
    pub fn refund(
        &mut self,
        settled: &mut Settled,
        refund: &Refund,
        entry: EntryId,
    ) -> Result<(RefundOutcome, Option<Entry>), BookError> {
        if !refund.amount.is_positive() {
            return Err(BookError::NotPositive);
        }
        if !settled.charged.is_positive() {
            return Ok((RefundOutcome::NotCharged, None));
        }
        let left = settled.charged.saturating_sub(settled.refunded);
        if refund.amount > left {
            return Ok((RefundOutcome::TooMuch { left }, None));
        }

        // What was taken last goes back first, and cash is taken after credits.
        let paid_in_cash = settled.charged.saturating_sub(settled.from_credits);
        let to_cash = paid_in_cash.saturating_sub(settled.refunded).min(refund.amount);
        let to_credits = refund.amount.saturating_sub(to_cash);

        let mut movements = Movements::default();
        add(&mut self.balance.cash, to_cash)?;
        movements.transfer(BookAccount::Revenue, BookAccount::Cash(self.account), to_cash)?;
        if to_credits.is_positive() {
            let grant = Grant {
                id: refund.credits,
                account: self.account,
                kind: GrantKind::Refund,
                note: refund.request.to_string(),
                amount: to_credits,
                priority: 0,
                expires: None,
                at: refund.at,
            };
            movements.transfer(BookAccount::Revenue, BookAccount::Credit(grant.id), to_credits)?;
            self.credit_add(GrantState { grant, left: to_credits, ended: NanoUsd::ZERO })?;
        }
        add(&mut settled.refunded, refund.amount)?;
        let reference = refund.reference.clone();
        let entry = movements.into_entry(entry, EntryKind::Refund, self.account, reference, refund.at);
        Ok((RefundOutcome::Refunded(refund.amount), entry))
    }
}
