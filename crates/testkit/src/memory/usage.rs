use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use gateway::{UsageLog, UsageLogError, UsageQuery, UsageRecord, UsageTotal};
use vocab::{RequestId, Usage};

/// Usage records in memory.
#[derive(Default)]
pub struct MemoryUsage(Mutex<BTreeMap<RequestId, UsageRecord>>);

impl MemoryUsage {
    fn records(&self) -> MutexGuard<'_, BTreeMap<RequestId, UsageRecord>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl UsageLog for MemoryUsage {
    async fn usage_append(&self, records: &[UsageRecord]) -> Result<(), UsageLogError> {
        let mut kept = self.records();
        for record in records {
            kept.entry(record.request.clone()).or_insert_with(|| record.clone());
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
}

fn is_named(query: &UsageQuery, record: &UsageRecord) -> bool {
    query.account.is_none_or(|account| account == record.account)
        && query.key.is_none_or(|key| key == record.key)
        && query.since.is_none_or(|since| since <= record.started)
        && query.until.is_none_or(|until| record.started < until)
}
