use vocab::{EntryId, GrantId, HoldId, NanoUsd, Timestamp};

use super::{Wallet, add};
use crate::movements::Movements;
use crate::{BookAccount, BookError, Entry, EntryKind, MoneySource};

impl Wallet {
    /// Ends a hold and gives what it has left back to where it came from, what was taken last first. Credits that
    /// expired meanwhile go back as well, and end with the next sweep. Says how much that was; nothing if the hold has
    /// ended or is not of this wallet.
    pub fn hold_release(
        &mut self,
        hold: HoldId,
        at: Timestamp,
        entry: EntryId,
    ) -> Result<(NanoUsd, Option<Entry>), BookError> {
        let Some(found) = self.holds.get_mut(&hold).filter(|hold| hold.is_open()) else {
            return Ok((NanoUsd::ZERO, None));
        };
        found.closed = Some(at);
        let mut left = Vec::new();
        for part in found.parts.iter_mut().rev() {
            left.push((part.source, std::mem::take(&mut part.left)));
        }

        let mut movements = Movements::default();
        let mut released = NanoUsd::ZERO;
        for (source, amount) in left {
            match source {
                MoneySource::Credit(grant) => add(&mut self.credit_mut(grant)?.left, amount)?,
                MoneySource::Cash => add(&mut self.balance.cash, amount)?,
            }
            movements.transfer(BookAccount::Held(hold), source.book(self.account), amount)?;
            add(&mut released, amount)?;
        }
        let entry = movements.into_entry(entry, EntryKind::Release, self.account, hold.to_string(), at);
        Ok((released, entry))
    }

    /// Ends what is left of a grant whose time is over. Says how much that was.
    ///
    /// This happens to a grant more than once if a hold gives some of it back later, so the reference of later entries
    /// also says how much had ended before.
    pub fn credits_end(
        &mut self,
        grant: GrantId,
        at: Timestamp,
        entry: EntryId,
    ) -> Result<(NanoUsd, Option<Entry>), BookError> {
        let account = self.account;
        let credit = self.credit_mut(grant)?;
        if credit.is_live(at) {
            return Ok((NanoUsd::ZERO, None));
        }
        let reference = match credit.ended {
            NanoUsd::ZERO => grant.to_string(),
            NanoUsd(before) => format!("{grant}+{before}"),
        };
        let ending = std::mem::take(&mut credit.left);
        add(&mut credit.ended, ending)?;
        let mut movements = Movements::default();
        movements.transfer(BookAccount::Credit(grant), BookAccount::Promotions, ending)?;
        Ok((ending, movements.into_entry(entry, EntryKind::Expire, account, reference, at)))
    }
}
