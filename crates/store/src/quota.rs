//! Plan quota in SQL. What may be given out is decided by [`ledger::quota`]; here it is read, locked and kept.
//!
//! Whoever gives out or counts quota of a pool has locked its row first, in the order of the pools, and after any account.

mod counting;
mod slices;
mod windows;

use async_trait::async_trait;
use ledger::{
    LedgerStoreError, Pool, QuotaStore, SliceOutcome, SliceRequest, Units, WindowLimit, WindowState,
};
use vocab::{HoldId, Timestamp};

use crate::Store;
use crate::ledger::in_turn;

pub(crate) use self::counting::{count, lock};

#[async_trait]
impl QuotaStore for Store {
    async fn slice_open(&self, request: &SliceRequest) -> Result<SliceOutcome, LedgerStoreError> {
        Ok(in_turn!(slices::open(self, request))?)
    }

    async fn slice_renew(&self, slices: &[HoldId], until: Timestamp) -> Result<(), LedgerStoreError> {
        Ok(in_turn!(slices::renew(self, slices, until))?)
    }

    async fn slice_release(&self, slice: HoldId) -> Result<Units, LedgerStoreError> {
        Ok(in_turn!(slices::release(self, slice))?)
    }

    async fn slices_expire(
        &self,
        at: Timestamp,
        forget_before: Timestamp,
        limit: u32,
    ) -> Result<u64, LedgerStoreError> {
        Ok(in_turn!(slices::expire(self, at, forget_before, limit))?)
    }

    async fn quota_used(
        &self,
        pool: Pool,
        limits: &[WindowLimit],
        at: Timestamp,
    ) -> Result<Vec<WindowState>, LedgerStoreError> {
        Ok(windows::states(self, pool, limits, at).await?)
    }

    async fn quota_reset(&self, pool: Pool, limits: &[WindowLimit]) -> Result<(), LedgerStoreError> {
        Ok(in_turn!(windows::reset(self, pool, limits))?)
    }
}
