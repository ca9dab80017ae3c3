use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use gateway::{HourTotal, UsageLog, UsageLogError, UsageQuery, UsageRecord, UsageTotal};
use ledger::{LedgerStore, MemoryLedger};
use vocab::{RequestId, Timestamp, Tokens, Usage};

use super::rollup::Sums;

const HOUR_MS: i64 = 3_600_000;

/// Usage records in memory, and what they take of a ledger in memory.
#[derive(Default)]
pub struct MemoryUsage {
    records: Mutex<BTreeMap<RequestId, UsageRecord>>,
    ledger: Arc<MemoryLedger>,
    sums: Mutex<Sums>,
}

impl MemoryUsage {
    /// No records yet; what they take is taken of `ledger`.
    pub fn with_ledger(ledger: Arc<MemoryLedger>) -> Self {
        Self { ledger, ..Self::default() }
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<RequestId, UsageRecord>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ledger(&self) -> &MemoryLedger {
        &self.ledger
    }

    pub(super) fn sums(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl UsageLog for MemoryUsage {
    async fn usage_append(&self, records: &[UsageRecord]) -> Result<(), UsageLogError> {
        let settlements: Vec<_> = records.iter().filter_map(|record| record.settlement.clone()).collect();
        self.ledger.settle(&settlements).await.map_err(|error| UsageLogError(error.into()))?;
        let mut kept = self.records();
        let mut sums = self.sums();
        for record in records {
            kept.entry(record.request.clone()).or_insert_with(|| {
                sums.unsummed.push(record.clone());
                record.clone()
            });
        }
        Ok(())
    }

    async fn usage_list(&self, query: &UsageQuery, limit: u32) -> Result<Vec<UsageRecord>, UsageLogError> {
        let kept = self.records();
        let mut named: Vec<_> = kept.values().filter(|record| is_named(query, record)).collect();
        named.sort_by_key(|record| Reverse((record.started, record.request.clone())));
        Ok(named.into_iter().take(limit as usize).cloned().collect())
    }

    async fn usage_total(&self, query: &UsageQuery, limit: u32) -> Result<Vec<UsageTotal>, UsageLogError> {
        let kept = self.records();
        let mut sums = BTreeMap::new();
        for record in kept.values().filter(|record| is_named(query, record)) {
            let UsageRecord { account, key, model, .. } = record;
            let sum = sums.entry((*account, *key, model.clone())).or_insert_with(|| UsageTotal {
                account: *account,
                key: *key,
                model: model.clone(),
                requests: 0,
                usage: Usage::default(),
            });
            sum.requests += 1;
            sum.usage.fresh_prompt += record.usage.fresh_prompt;
            sum.usage.cached_prompt += record.usage.cached_prompt;
            sum.usage.reasoning += record.usage.reasoning;
            sum.usage.answer += record.usage.answer;
        }
        let mut sums: Vec<_> = sums.into_values().collect();
        sums.sort_by_key(|sum| Reverse((sum.usage.total(), sum.requests)));
        sums.truncate(limit as usize);
        Ok(sums)
    }

    async fn usage_by_hour(&self, query: &UsageQuery, limit: u32) -> Result<Vec<HourTotal>, UsageLogError> {
        let kept = self.records();
        let mut sums = BTreeMap::new();
        for record in kept.values().filter(|record| is_named(query, record)) {
            let starts = hour(record.started);
            let sum = sums.entry((starts, record.model.clone())).or_insert_with(|| HourTotal {
                starts,
                model: record.model.clone(),
                requests: 0,
                tokens: Tokens::ZERO,
            });
            sum.requests += 1;
            sum.tokens += record.usage.total();
        }
        Ok(sums.into_values().take(limit as usize).collect())
    }

    async fn usage_purge(&self, before: Timestamp, limit: u32) -> Result<u64, UsageLogError> {
        let mut kept = self.records();
        let mut old: Vec<_> =
            kept.values().filter(|record| record.started < before).map(UsageRecord::place).collect();
        old.sort();
        old.truncate(limit as usize);
        for place in &old {
            kept.remove(&place.request);
        }
        Ok(old.len() as u64)
    }
}

fn hour(started: Timestamp) -> Timestamp {
    Timestamp::from_millis(started.as_millis() - started.as_millis().rem_euclid(HOUR_MS))
}

fn is_named(query: &UsageQuery, record: &UsageRecord) -> bool {
    query.request.as_ref().is_none_or(|request| *request == record.request)
        && query.account.is_none_or(|account| account == record.account)
        && query.key.is_none_or(|key| key == record.key)
        && query.since.is_none_or(|since| since <= record.started)
        && query.until.is_none_or(|until| record.started < until)
        && query.after.as_ref().is_none_or(|after| record.place() < *after)
}
