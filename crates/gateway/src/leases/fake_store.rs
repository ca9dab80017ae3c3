//! A ledger in memory that can be told to fail, or never to answer.

use std::future::pending;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use ledger::{
    Applied, Entry, Expired, Funds, Grant, GrantState, HoldOutcome, HoldRequest, LedgerStore,
    LedgerStoreError, MemoryLedger, Pool, QuotaStore, Refund, RefundOutcome, Settled, Settlement,
    SliceOutcome, SliceRequest, TopUp, Units, Verified, WindowLimit, WindowState,
};
use tokio::time::{Duration, sleep};
use vocab::{AccountId, EntryId, HoldId, NanoUsd, RequestId, Timestamp};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mood {
    #[default]
    Answers,
    Fails,
    Hangs,
    Panics,
    /// Does what it is told, and the answer is lost.
    LosesAnswers,
}

#[derive(Default)]
pub(super) struct FakeStore {
    pub(super) ledger: MemoryLedger,
    pub(super) mood: Mutex<Mood>,
    pub(super) opens: AtomicUsize,
    pub(super) renewals: AtomicUsize,
}

impl FakeStore {
    pub(super) fn is_in(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub(super) fn opens(&self) -> usize {
        self.opens.load(Ordering::SeqCst)
    }

    async fn answer<T>(
        &self,
        call: impl Future<Output = Result<T, LedgerStoreError>>,
    ) -> Result<T, LedgerStoreError> {
        sleep(Duration::from_millis(1)).await;
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Answers => call.await,
            Mood::Fails => Err(LedgerStoreError("down".into())),
            Mood::Hangs => pending().await,
            Mood::Panics => panic!("as it was told"),
            Mood::LosesAnswers => {
                call.await?;
                Err(LedgerStoreError("the answer was lost".into()))
            }
        }
    }
}

#[async_trait]
impl LedgerStore for FakeStore {
    async fn top_up(&self, top_up: &TopUp) -> Result<Applied, LedgerStoreError> {
        self.ledger.top_up(top_up).await
    }

    async fn grant(&self, grant: &Grant) -> Result<Applied, LedgerStoreError> {
        self.ledger.grant(grant).await
    }

    async fn overdraft_set(&self, account: AccountId, overdraft: NanoUsd) -> Result<(), LedgerStoreError> {
        self.ledger.overdraft_set(account, overdraft).await
    }

    async fn hold_open(&self, request: &HoldRequest) -> Result<HoldOutcome, LedgerStoreError> {
        self.opens.fetch_add(1, Ordering::SeqCst);
        self.answer(self.ledger.hold_open(request)).await
    }

    async fn hold_renew(&self, holds: &[HoldId], until: Timestamp) -> Result<(), LedgerStoreError> {
        self.renewals.fetch_add(holds.len(), Ordering::SeqCst);
        self.answer(self.ledger.hold_renew(holds, until)).await
    }

    async fn hold_release(&self, hold: HoldId, at: Timestamp) -> Result<NanoUsd, LedgerStoreError> {
        self.answer(self.ledger.hold_release(hold, at)).await
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>, LedgerStoreError> {
        self.ledger.settle(settlements).await
    }

    async fn expire(&self, at: Timestamp, limit: u32) -> Result<Expired, LedgerStoreError> {
        self.ledger.expire(at, limit).await
    }

    async fn refund(&self, refund: &Refund) -> Result<RefundOutcome, LedgerStoreError> {
        self.ledger.refund(refund).await
    }

    async fn funds(&self, account: AccountId, at: Timestamp) -> Result<Funds, LedgerStoreError> {
        self.ledger.funds(account, at).await
    }

    async fn grants(&self, account: AccountId, limit: u32) -> Result<Vec<GrantState>, LedgerStoreError> {
        self.ledger.grants(account, limit).await
    }

    async fn entries(
        &self,
        account: AccountId,
        cursor: Option<EntryId>,
        limit: u32,
    ) -> Result<Vec<Entry>, LedgerStoreError> {
        self.ledger.entries(account, cursor, limit).await
    }

    async fn settled(&self, request: &RequestId) -> Result<Option<Settled>, LedgerStoreError> {
        self.ledger.settled(request).await
    }

    async fn verify(&self) -> Result<Verified, LedgerStoreError> {
        self.ledger.verify().await
    }
}

#[async_trait]
impl QuotaStore for FakeStore {
    async fn slice_open(&self, request: &SliceRequest) -> Result<SliceOutcome, LedgerStoreError> {
        self.opens.fetch_add(1, Ordering::SeqCst);
        self.answer(self.ledger.slice_open(request)).await
    }

    async fn slice_renew(&self, slices: &[HoldId], until: Timestamp) -> Result<(), LedgerStoreError> {
        self.renewals.fetch_add(slices.len(), Ordering::SeqCst);
        self.answer(self.ledger.slice_renew(slices, until)).await
    }

    async fn slice_release(&self, slice: HoldId) -> Result<Units, LedgerStoreError> {
        self.answer(self.ledger.slice_release(slice)).await
    }

    async fn slices_expire(
        &self,
        at: Timestamp,
        forget_before: Timestamp,
        limit: u32,
    ) -> Result<u64, LedgerStoreError> {
        self.ledger.slices_expire(at, forget_before, limit).await
    }

    async fn quota_used(
        &self,
        pool: Pool,
        limits: &[WindowLimit],
        at: Timestamp,
    ) -> Result<Vec<WindowState>, LedgerStoreError> {
        self.ledger.quota_used(pool, limits, at).await
    }

    async fn quota_reset(&self, pool: Pool, limits: &[WindowLimit]) -> Result<(), LedgerStoreError> {
        self.ledger.quota_reset(pool, limits).await
    }
}
