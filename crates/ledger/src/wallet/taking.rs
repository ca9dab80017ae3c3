use vocab::{AccountId, EntryId, NanoUsd, Timestamp};

use super::{Wallet, add};
use crate::movements::Movements;
use crate::{
    BookAccount, BookError, Entry, EntryKind, Hold, HoldOutcome, HoldPart, HoldRequest, MoneySource,
};

impl Wallet {
    /// Sets money aside (rules BILL-11, BILL-12). The hold is new; see [`Hold::asked_again`] for one that is not.
    pub fn hold_open(
        &mut self,
        request: &HoldRequest,
        entry: EntryId,
    ) -> Result<(HoldOutcome, Option<Entry>), BookError> {
        let least = request.least.max(NanoUsd(1));
        let want = request.want.max(least);
        let available = self.available(request.at);
        if available < least {
            return Ok((HoldOutcome::Insufficient { available }, None));
        }

        let parts = self.take(want, request.at)?;
        let mut movements = Movements::default();
        for part in &parts {
            movements.transfer(part.source.book(self.account), BookAccount::Held(request.id), part.taken)?;
        }
        let opened = NanoUsd::checked_sum(parts.iter().map(|part| part.taken)).ok_or(BookError::Overflow)?;
        let hold = Hold {
            id: request.id,
            account: self.account,
            purpose: request.purpose,
            opened,
            until: request.until,
            parts,
            closed: None,
        };
        self.holds.insert(hold.id, hold);
        let reference = request.id.to_string();
        let entry = movements.into_entry(entry, EntryKind::Hold, self.account, reference, request.at);
        Ok((HoldOutcome::Opened(opened), entry))
    }

    /// Takes `amount`, or what there is of it: of credits by priority, then by expiry, then by id; of cash after that,
    /// down to minus the overdraft. Expired credits are never taken.
    pub(super) fn take(&mut self, amount: NanoUsd, at: Timestamp) -> Result<Vec<HoldPart>, BookError> {
        let mut parts = Vec::new();
        let mut wanted = amount;
        for credit in self.credits.iter_mut().filter(|credit| credit.is_live(at)) {
            let taken = credit.left.min(wanted);
            if taken.is_positive() {
                add(&mut credit.left, -taken)?;
                add(&mut wanted, -taken)?;
                parts.push(HoldPart::new(MoneySource::Credit(credit.grant.id), taken));
            }
        }
        let taken = self.balance.spendable().min(wanted);
        if taken.is_positive() {
            add(&mut self.balance.cash, -taken)?;
            parts.push(HoldPart::new(MoneySource::Cash, taken));
        }
        Ok(parts)
    }
}

impl MoneySource {
    /// Where its money is booked, if it is `account`'s.
    pub(crate) fn book(self, account: AccountId) -> BookAccount {
        match self {
            Self::Credit(grant) => BookAccount::Credit(grant),
            Self::Cash => BookAccount::Cash(account),
        }
    }
}
