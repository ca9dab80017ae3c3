use std::hash::Hash;
use std::sync::Arc;

use async_trait::async_trait;
use ledger::{
    Ask, Exhausted, HoldOutcome, HoldPurpose, HoldRequest, LeaseAmount, LedgerStore, LedgerStoreError, Pool,
    QuotaStore, SliceOutcome, SliceRequest, Units, WindowLimit,
};
use vocab::{AccountId, HoldId, NanoUsd, NodeId, Timestamp};

/// Where slices of one kind come from: the two stores, seen as one.
#[async_trait]
pub(super) trait Bank: Send + Sync + 'static {
    type Amount: LeaseAmount;
    /// Whose.
    type Key: Copy + Eq + Hash + Send + Sync;
    /// What a slice must keep to beside its size.
    type Terms: ?Sized + PartialEq + Sync + ToOwned<Owned: Clone + Send + Sync>;

    /// For logs.
    const NAME: &'static str;

    async fn open(
        &self,
        key: Self::Key,
        terms: &Self::Terms,
        ask: &Ask<Self::Amount>,
        at: Timestamp,
    ) -> Result<Opened<Self::Amount>, LedgerStoreError>;

    async fn renew(&self, slices: &[HoldId], until: Timestamp) -> Result<(), LedgerStoreError>;

    async fn release(&self, slice: HoldId, at: Timestamp) -> Result<(), LedgerStoreError>;
}

/// What a store answered.
pub(super) enum Opened<A: LeaseAmount> {
    Given(A),
    Refused(A::Lack),
}

pub(super) struct MoneyBank {
    pub(super) store: Arc<dyn LedgerStore>,
    pub(super) node: NodeId,
}

#[async_trait]
impl Bank for MoneyBank {
    type Amount = NanoUsd;
    type Key = AccountId;
    type Terms = ();

    const NAME: &'static str = "balance";

    async fn open(
        &self,
        account: AccountId,
        (): &(),
        ask: &Ask<NanoUsd>,
        at: Timestamp,
    ) -> Result<Opened<NanoUsd>, LedgerStoreError> {
        let request = HoldRequest {
            id: ask.id,
            account,
            purpose: HoldPurpose::Lease(self.node),
            want: ask.want,
            least: ask.least,
            at,
            until: ask.until,
        };
        Ok(match self.store.hold_open(&request).await? {
            HoldOutcome::Opened(amount) => Opened::Given(amount),
            HoldOutcome::Insufficient { available } => Opened::Refused(available),
        })
    }

    async fn renew(&self, slices: &[HoldId], until: Timestamp) -> Result<(), LedgerStoreError> {
        self.store.hold_renew(slices, until).await
    }

    async fn release(&self, slice: HoldId, at: Timestamp) -> Result<(), LedgerStoreError> {
        self.store.hold_release(slice, at).await.map(|_| ())
    }
}

pub(super) struct QuotaBank {
    pub(super) store: Arc<dyn QuotaStore>,
    pub(super) node: NodeId,
}

#[async_trait]
impl Bank for QuotaBank {
    type Amount = Units;
    type Key = Pool;
    type Terms = [WindowLimit];

    const NAME: &'static str = "quota";

    async fn open(
        &self,
        pool: Pool,
        limits: &[WindowLimit],
        ask: &Ask<Units>,
        at: Timestamp,
    ) -> Result<Opened<Units>, LedgerStoreError> {
        let request = SliceRequest {
            id: ask.id,
            pool,
            node: self.node,
            limits: limits.to_vec(),
            want: ask.want,
            least: ask.least,
            at,
            until: ask.until,
        };
        Ok(match self.store.slice_open(&request).await? {
            SliceOutcome::Opened(units) => Opened::Given(units),
            SliceOutcome::Exhausted { window, resets } => Opened::Refused(Exhausted { window, resets }),
        })
    }

    async fn renew(&self, slices: &[HoldId], until: Timestamp) -> Result<(), LedgerStoreError> {
        self.store.slice_renew(slices, until).await
    }

    async fn release(&self, slice: HoldId, _: Timestamp) -> Result<(), LedgerStoreError> {
        self.store.slice_release(slice).await.map(|_| ())
    }
}
