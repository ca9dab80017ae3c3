use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use vocab::{AccountId, EntryId, HoldId, NanoUsd, RequestId, Timestamp};

use crate::{
    Applied, Book, Entry, Expired, Funds, Grant, GrantState, HoldOutcome, HoldRequest, LedgerStore,
    LedgerStoreError, Pool, QuotaStore, Refund, RefundOutcome, Settled, Settlement, SliceOutcome,
    SliceRequest, TopUp, Units, Verified, WindowLimit, WindowState,
};

/// A [`Book`] behind both ports: the reference model, gone when the process is.
#[derive(Debug, Default)]
pub struct MemoryLedger(Mutex<Book>);

impl MemoryLedger {
    /// The book itself, for callers that cannot wait; a clone of it is a snapshot.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Book> for MemoryLedger {
    fn from(book: Book) -> Self {
        Self(Mutex::new(book))
    }
}

#[async_trait]
impl LedgerStore for MemoryLedger {
    async fn top_up(&self, top_up: &TopUp) -> Result<Applied, LedgerStoreError> {
        Ok(self.book().top_up(top_up)?)
    }

    async fn grant(&self, grant: &Grant) -> Result<Applied, LedgerStoreError> {
        Ok(self.book().grant(grant)?)
    }

    async fn overdraft_set(&self, account: AccountId, overdraft: NanoUsd) -> Result<(), LedgerStoreError> {
        self.book().overdraft_set(account, overdraft);
        Ok(())
    }

    async fn hold_open(&self, request: &HoldRequest) -> Result<HoldOutcome, LedgerStoreError> {
        Ok(self.book().hold_open(request)?)
    }

    async fn hold_renew(&self, holds: &[HoldId], until: Timestamp) -> Result<(), LedgerStoreError> {
        self.book().hold_renew(holds, until);
        Ok(())
    }

    async fn hold_release(&self, hold: HoldId, at: Timestamp) -> Result<NanoUsd, LedgerStoreError> {
        Ok(self.book().hold_release(hold, at)?)
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>, LedgerStoreError> {
        Ok(self.book().settle(settlements)?)
    }

    async fn expire(&self, at: Timestamp, limit: u32) -> Result<Expired, LedgerStoreError> {
        Ok(self.book().expire(at, limit)?)
    }

    async fn refund(&self, refund: &Refund) -> Result<RefundOutcome, LedgerStoreError> {
        Ok(self.book().refund(refund)?)
    }

    async fn funds(&self, account: AccountId, at: Timestamp) -> Result<Funds, LedgerStoreError> {
        Ok(self.book().funds(account, at))
    }

    async fn grants(&self, account: AccountId, limit: u32) -> Result<Vec<GrantState>, LedgerStoreError> {
        Ok(self.book().grants(account, limit))
    }

    async fn entries(
        &self,
        account: AccountId,
        cursor: Option<EntryId>,
        limit: u32,
    ) -> Result<Vec<Entry>, LedgerStoreError> {
        Ok(self.book().entries(account, cursor, limit))
    }

    async fn settled(&self, request: &RequestId) -> Result<Option<Settled>, LedgerStoreError> {
        Ok(self.book().settled(request))
    }

    async fn verify(&self) -> Result<Verified, LedgerStoreError> {
        Ok(self.book().verify())
    }
}

#[async_trait]
impl QuotaStore for MemoryLedger {
    async fn slice_open(&self, request: &SliceRequest) -> Result<SliceOutcome, LedgerStoreError> {
        Ok(self.book().slice_open(request)?)
    }

    async fn slice_renew(&self, slices: &[HoldId], until: Timestamp) -> Result<(), LedgerStoreError> {
        self.book().slice_renew(slices, until);
        Ok(())
    }

    async fn slice_release(&self, slice: HoldId) -> Result<Units, LedgerStoreError> {
        Ok(self.book().slice_release(slice))
    }

    async fn slices_expire(
        &self,
        at: Timestamp,
        forget_before: Timestamp,
        limit: u32,
    ) -> Result<u64, LedgerStoreError> {
        Ok(self.book().slices_expire(at, forget_before, limit))
    }

    async fn quota_used(
        &self,
        pool: Pool,
        limits: &[WindowLimit],
        at: Timestamp,
    ) -> Result<Vec<WindowState>, LedgerStoreError> {
        Ok(self.book().quota_used(pool, limits, at))
    }

    async fn quota_reset(&self, pool: Pool, limits: &[WindowLimit]) -> Result<(), LedgerStoreError> {
        self.book().quota_reset(pool, limits);
        Ok(())
    }
}
