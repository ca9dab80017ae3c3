use std::fmt::Debug;
use std::time::Duration;

use ledger::{
    Entry, Grant, HoldRequest, LedgerStore, LedgerStoreError, MemoryLedger, Pool, QuotaStore, Refund,
    Settled, Settlement, SliceRequest, TopUp, WindowLimit, WindowSpan,
};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use vocab::{AccountId, GrantId, HoldId, NanoUsd, RequestId, Timestamp};

use super::{Operation, PARTIES, Use};
use crate::contract::ledger::{NOW, cost, credits, hold, top_up};
use crate::contract::quota::{limits, pool, slice, used};

/// Short enough for use to come back within a case.
const ROLLING: Duration = Duration::from_secs(3);

/// One run of operations on new accounts and pools, in both ledgers.
pub(super) struct Case<'a, S> {
    reference: &'a MemoryLedger,
    store: &'a S,
    now: Timestamp,
    accounts: Vec<AccountId>,
    pools: Vec<Pool>,
    top_ups: Vec<TopUp>,
    grants: Vec<Grant>,
    holds: Vec<HoldRequest>,
    settlements: Vec<Settlement>,
    refunds: Vec<Refund>,
    slices: Vec<SliceRequest>,
}

/// Asks both and expects the same answer.
macro_rules! both {
    ($case:ident.$method:ident($($argument:expr),*)) => {
        same(
            $case.reference.$method($($argument),*).await,
            $case.store.$method($($argument),*).await,
        )
    };
}

impl<'a, S: LedgerStore + QuotaStore> Case<'a, S> {
    pub(super) fn new(reference: &'a MemoryLedger, store: &'a S) -> Self {
        Self {
            reference,
            store,
            now: NOW,
            accounts: (0..PARTIES).map(|_| AccountId::generate()).collect(),
            pools: (0..PARTIES).map(|_| pool()).collect(),
            top_ups: Vec::new(),
            grants: Vec::new(),
            holds: Vec::new(),
            settlements: Vec::new(),
            refunds: Vec::new(),
            slices: Vec::new(),
        }
    }

    pub(super) fn later(&mut self, span: Duration) {
        self.now = self.now.plus(span);
    }

    fn in_ms(&self, span_ms: u64) -> Timestamp {
        self.now.plus(Duration::from_millis(span_ms))
    }

    fn ago_ms(&self, span_ms: u64) -> Timestamp {
        Timestamp::from_millis(self.now.as_millis() - span_ms.cast_signed())
    }

    fn limits() -> Vec<WindowLimit> {
        let mut limits = limits(60, 150);
        limits[0].span = WindowSpan::Rolling(ROLLING);
        limits
    }

    /// Does one thing to both.
    pub(super) async fn take(&mut self, operation: &Operation) -> Result<(), TestCaseError> {
        match operation {
            Operation::TopUp { of, amount } => {
                let top_up = TopUp { at: self.now, ..top_up(self.accounts[*of], *amount) };
                both!(self.top_up(&top_up))?;
                self.top_ups.push(top_up);
            }
            Operation::TopUpAgain(which) => {
                if let Some(top_up) = self.top_ups.get(*which) {
                    both!(self.top_up(top_up))?;
                }
            }
            Operation::Grant { of, amount, priority, lasts_ms } => {
                let expires = lasts_ms.map(|ms| self.in_ms(ms));
                let grant =
                    Grant { at: self.now, ..credits(self.accounts[*of], *amount, *priority, expires) };
                both!(self.grant(&grant))?;
                self.grants.push(grant);
            }
            Operation::GrantAgain(which) => {
                if let Some(grant) = self.grants.get(*which) {
                    both!(self.grant(grant))?;
                }
            }
            Operation::Overdraft { of, amount } => {
                both!(self.overdraft_set(self.accounts[*of], NanoUsd(*amount)))?;
            }
            Operation::Open { of, want, least, lasts_ms } => {
                let request = hold(self.accounts[*of], *want, *least);
                let request = HoldRequest { at: self.now, until: self.in_ms(*lasts_ms), ..request };
                both!(self.hold_open(&request))?;
                self.holds.push(request);
            }
            Operation::OpenAgain(which) => {
                if let Some(request) = self.holds.get(*which) {
                    // Asked when it was asked first, or else what was not there then might be there now.
                    both!(self.hold_open(request))?;
                }
            }
            Operation::Renew { holds, lasts_ms } => {
                let holds = self.hold_ids(holds);
                both!(self.hold_renew(&holds, self.in_ms(*lasts_ms)))?;
            }
            Operation::Release(which) => {
                if let Some(id) = self.holds.get(*which).map(|hold| hold.id) {
                    both!(self.hold_release(id, self.now))?;
                }
            }
            Operation::Settle(uses) => self.settle(uses).await?,
            Operation::Expire { limit } => {
                both!(self.expire(self.now, *limit))?;
            }
            Operation::Refund { request, amount } => {
                let unknown = RequestId::generate(self.now);
                let request =
                    self.settlements.get(*request).map_or(unknown, |settlement| settlement.request.clone());
                let refund = Refund {
                    reference: HoldId::generate().to_string(),
                    request,
                    amount: NanoUsd(*amount),
                    credits: GrantId::generate(),
                    at: self.now,
                };
                both!(self.refund(&refund))?;
                self.refunds.push(refund);
            }
            Operation::RefundAgain(which) => {
                if let Some(refund) = self.refunds.get(*which) {
                    both!(self.refund(refund))?;
                }
            }
            _ => self.take_slices(operation).await?,
        }
        Ok(())
    }

    async fn take_slices(&mut self, operation: &Operation) -> Result<(), TestCaseError> {
        match operation {
            Operation::Slice { of, want, least, lasts_ms } => {
                let request = slice(self.pools[*of], Self::limits(), *want, *least, self.now);
                let request = SliceRequest { until: self.in_ms(*lasts_ms), ..request };
                both!(self.slice_open(&request))?;
                self.slices.push(request);
            }
            Operation::SliceAgain(which) => {
                if let Some(request) = self.slices.get(*which) {
                    both!(self.slice_open(request))?;
                }
            }
            Operation::SliceRenew { slices, lasts_ms } => {
                let ids: Vec<_> =
                    slices.iter().filter_map(|which| self.slices.get(*which)).map(|slice| slice.id).collect();
                both!(self.slice_renew(&ids, self.in_ms(*lasts_ms)))?;
            }
            Operation::SliceRelease(which) => {
                if let Some(id) = self.slices.get(*which).map(|slice| slice.id) {
                    both!(self.slice_release(id))?;
                }
            }
            Operation::SlicesExpire => {
                // Old enough for no window to reach it, and few enough for one round.
                both!(self.slices_expire(self.now, self.ago_ms(60_000), 10_000))?;
            }
            Operation::QuotaReset { of, window } => {
                let limits = Self::limits();
                both!(self.quota_reset(self.pools[*of], &limits[*window..=*window]))?;
            }
            _ => unreachable!("the others are about money"),
        }
        Ok(())
    }

    async fn settle(&mut self, uses: &[Use]) -> Result<(), TestCaseError> {
        let mut group = Vec::new();
        for one in uses {
            group.extend(match one {
                Use::Money { of, hold, cost: amount, late_ms } => {
                    let hold =
                        hold.map(|which| self.holds.get(which).map_or_else(HoldId::generate, |hold| hold.id));
                    let at = self.ago_ms(*late_ms);
                    Some(Settlement { at, ..cost(self.accounts[*of], hold, *amount) })
                }
                Use::Quota { of, slice, units, late_ms } => {
                    let slice = slice.and_then(|which| self.slices.get(which)).map(|slice| slice.id);
                    Some(used(self.pools[*of], slice, *units, self.ago_ms(*late_ms)))
                }
                Use::Again(which) => self.settlements.get(*which).cloned(),
            });
        }
        let (reference, store) = (self.reference.settle(&group).await, self.store.settle(&group).await);
        same(reference.map(without_ids), store.map(without_ids))?;
        self.settlements.extend(group);
        Ok(())
    }

    fn hold_ids(&self, holds: &[usize]) -> Vec<HoldId> {
        holds.iter().filter_map(|which| self.holds.get(*which)).map(|hold| hold.id).collect()
    }

    /// Ends everything that is still open, and expects both to say the same of everything this case was about.
    pub(super) async fn compare(&self) -> Result<(), TestCaseError> {
        let (end, many) = (self.in_ms(60_000), 10_000);
        both!(self.expire(end, many))?;
        both!(self.slices_expire(end, self.ago_ms(60_000), many))?;
        for account in &self.accounts {
            both!(self.funds(*account, self.now))?;
            both!(self.grants(*account, 1_000))?;
            let reference = self.reference.entries(*account, None, 1_000).await;
            let store = self.store.entries(*account, None, 1_000).await;
            same(reference.map(unnamed), store.map(unnamed))?;
        }
        for settlement in &self.settlements {
            let reference = self.reference.settled(&settlement.request).await;
            let store = self.store.settled(&settlement.request).await;
            same(reference.map(|row| row.map(without_id)), store.map(|row| row.map(without_id)))?;
        }
        for pool in &self.pools {
            both!(self.quota_used(*pool, &Self::limits(), self.now))?;
        }
        Ok(())
    }
}

/// Expects the same answer, or no answer from either.
fn same<T: Debug + PartialEq>(
    reference: Result<T, LedgerStoreError>,
    store: Result<T, LedgerStoreError>,
) -> Result<(), TestCaseError> {
    match (reference, store) {
        (Ok(reference), Ok(store)) => prop_assert_eq!(reference, store),
        (Err(_), Err(_)) => {}
        (reference, store) => {
            return Err(TestCaseError::fail(format!("the reference: {reference:?}, the store: {store:?}")));
        }
    }
    Ok(())
}

/// Entries are named by each ledger as it likes; what they are is the same.
fn unnamed(entries: Vec<Entry>) -> Vec<impl Debug + PartialEq> {
    entries.into_iter().map(|entry| (entry.kind, entry.reference, entry.at, entry.postings)).collect()
}

fn without_ids(rows: Vec<Settled>) -> Vec<impl Debug + PartialEq> {
    rows.into_iter().map(without_id).collect()
}

fn without_id(mut row: Settled) -> impl Debug + PartialEq {
    let has_entry = row.entry.take().is_some();
    (row, has_entry)
}
