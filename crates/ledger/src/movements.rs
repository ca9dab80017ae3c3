use std::collections::BTreeMap;

use vocab::{AccountId, EntryId, NanoUsd, Timestamp};

use crate::{BookAccount, BookError, Entry, EntryKind, Posting};

/// Postings in the making. Money is only ever moved from one book to another, so they add up to zero.
#[derive(Debug, Default)]
pub(crate) struct Movements(BTreeMap<BookAccount, NanoUsd>);

impl Movements {
    /// Moves `amount`; below zero it goes the other way.
    pub(crate) fn transfer(
        &mut self,
        from: BookAccount,
        to: BookAccount,
        amount: NanoUsd,
    ) -> Result<(), BookError> {
        let source = self.0.entry(from).or_default();
        *source = source.checked_sub(amount).ok_or(BookError::Overflow)?;
        let target = self.0.entry(to).or_default();
        *target = target.checked_add(amount).ok_or(BookError::Overflow)?;
        Ok(())
    }

    /// The entry of these movements, sorted by book; none if nothing moved.
    pub(crate) fn into_entry(
        self,
        id: EntryId,
        kind: EntryKind,
        account: AccountId,
        reference: String,
        at: Timestamp,
    ) -> Option<Entry> {
        let moved = self.0.into_iter().filter(|(_, amount)| *amount != NanoUsd::ZERO);
        let postings: Vec<_> = moved.map(|(book, amount)| Posting { book, amount }).collect();
        (!postings.is_empty()).then_some(Entry { id, kind, account, reference, at, postings })
    }
}
