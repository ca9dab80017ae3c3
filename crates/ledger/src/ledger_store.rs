use async_trait::async_trait;
use serde::Serialize;
use vocab::{AccountId, EntryId, GrantId, HoldId, NanoUsd, RequestId, Timestamp};

use crate::{
    BookError, Entry, Funds, Grant, GrantState, HoldOutcome, HoldRequest, Settled, Settlement, TopUp,
};

/// Where money is kept for good: a double-entry ledger.
///
/// Every call is one transaction and harmless to repeat. Ids and times come from the caller, except those of entries,
/// which are made here. An account that the ledger never heard of has nothing.
#[async_trait]
pub trait LedgerStore: Send + Sync + 'static {
    /// Pays money in; or, below zero, takes back what was paid in by mistake, if that much cash is neither spent nor set
    /// aside. A reference that was used for another account or amount is refused.
    async fn top_up(&self, top_up: &TopUp) -> Result<Applied, LedgerStoreError>;

    /// Gives credits. An id that was used for another account or amount is refused.
    async fn grant(&self, grant: &Grant) -> Result<Applied, LedgerStoreError>;

    /// Sets how far below zero the account's cash may go. What is owed already stays owed.
    async fn overdraft_set(&self, account: AccountId, overdraft: NanoUsd) -> Result<(), LedgerStoreError>;

    /// Sets money aside.
    async fn hold_open(&self, request: &HoldRequest) -> Result<HoldOutcome, LedgerStoreError>;

    /// Moves the end of those of `holds` that are still open. Never to an earlier time: a renewal may be read long after a
    /// later one.
    async fn hold_renew(&self, holds: &[HoldId], until: Timestamp) -> Result<(), LedgerStoreError>;

    /// Gives back what the hold has left, and ends it. Says how much that was; nothing the second time.
    async fn hold_release(&self, hold: HoldId, at: Timestamp) -> Result<NanoUsd, LedgerStoreError>;

    /// Charges ended requests, all or none. Answers in the same order; a request that was charged before is answered
    /// as it was then.
    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>, LedgerStoreError>;

    /// Ends holds and credits whose time is over at `at`, at most `limit` of each, those that were over first first.
    async fn expire(&self, at: Timestamp, limit: u32) -> Result<Expired, LedgerStoreError>;

    /// Gives a charge back, or a part of it, by a reversing entry.
    async fn refund(&self, refund: &Refund) -> Result<RefundOutcome, LedgerStoreError>;

    /// What the account has at `at`.
    async fn funds(&self, account: AccountId, at: Timestamp) -> Result<Funds, LedgerStoreError>;

    /// The account's credits that are not used up, in the order they will be spent, at most `limit`.
    async fn grants(&self, account: AccountId, limit: u32) -> Result<Vec<GrantState>, LedgerStoreError>;

    /// The account's entries before `cursor`, newest first, at most `limit`.
    async fn entries(
        &self,
        account: AccountId,
        cursor: Option<EntryId>,
        limit: u32,
    ) -> Result<Vec<Entry>, LedgerStoreError>;

    /// What a request came to.
    async fn settled(&self, request: &RequestId) -> Result<Option<Settled>, LedgerStoreError>;

    /// What each of these requests came to, in any order; nothing of those that were not settled. For pages of a list:
    /// a store may answer in one go.
    async fn settled_of(&self, requests: &[RequestId]) -> Result<Vec<Settled>, LedgerStoreError> {
        let mut found = Vec::new();
        for request in requests {
            found.extend(self.settled(request).await?);
        }
        Ok(found)
    }

    /// Checks everything that must hold, on what is stored, and says what was checked.
    async fn verify(&self) -> Result<Verified, LedgerStoreError>;
}

/// Whether a call changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It did.
    Now,
    /// It had been done before.
    Before,
    /// It may not be done, and was not.
    Refused,
}

/// What a sweep ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Holds, with what they gave back.
    pub holds: Vec<(HoldId, NanoUsd)>,
    /// Credits, with what of them was not used.
    pub grants: Vec<(GrantId, NanoUsd)>,
}

/// Asks for a charge to be given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// Makes asking again harmless.
    pub reference: String,
    /// The charged request.
    pub request: RequestId,
    /// How much, above zero; all refunds of a request together never exceed its charge.
    pub amount: NanoUsd,
    /// The id of the credits that are given for what was paid with credits. Not used if all was paid in cash.
    pub credits: GrantId,
    /// When.
    pub at: Timestamp,
}

impl Refund {
    /// The answer to `again`, which has the reference of this refund.
    pub fn asked_again(&self, again: &Self) -> Result<RefundOutcome, BookError> {
        if (&self.request, self.amount) != (&again.request, again.amount) {
            return Err(BookError::Reused(self.reference.clone()));
        }
        Ok(RefundOutcome::Refunded(self.amount))
    }
}

/// What became of a [`Refund`]. Cash goes back to cash, and credits to new credits (rule BILL-15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundOutcome {
    /// Given back now, or by an earlier call of the same reference.
    Refunded(NanoUsd),
    /// The request was not charged.
    NotCharged,
    /// More than is left of the charge; nothing was given back.
    TooMuch {
        /// What could still be given back.
        left: NanoUsd,
    },
}

/// What a check of the whole ledger found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// How much there was to look at: entries, postings, accounts, grants, holds, settlements.
    pub counted: Vec<(&'static str, u64)>,
    /// What was checked, in words, and what breaks it.
    pub findings: Vec<Finding>,
}

/// One invariant and what breaks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What must hold.
    pub invariant: &'static str,
    /// Examples of what breaks it, a few at most; empty if it holds.
    pub broken_by: Vec<String>,
}

impl Verified {
    /// Whether everything holds.
    pub fn is_clean(&self) -> bool {
        self.findings.iter().all(|finding| finding.broken_by.is_empty())
    }
}

/// The store behind the ledger did not do its work; nothing of the call was done, or all of it.
#[derive(Debug, thiserror::Error)]
#[error("the ledger did not answer")]
pub struct LedgerStoreError(#[from] pub Box<dyn std::error::Error + Send + Sync>);
