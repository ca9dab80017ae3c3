use std::collections::BTreeMap;

use accounts::UtcOffset;
use async_trait::async_trait;
use gateway::{DailyPlace, DailyQuery, DailyUsage, Day, UsageLogError, UsageRecord, UsageRollup, UsageSum};
use ledger::LedgerStore;
use vocab::{AccountId, KeyId, NanoUsd};

use super::MemoryUsage;

/// Daily sums in memory, and the records that are in none yet.
#[derive(Default)]
pub(super) struct Sums {
    pub(super) unsummed: Vec<UsageRecord>,
    daily: BTreeMap<DailyPlace, UsageSum>,
}

#[async_trait]
impl UsageRollup for MemoryUsage {
    async fn rollup_step(&self, zone: UtcOffset, notes_max: u32) -> Result<u32, UsageLogError> {
        let notes: Vec<UsageRecord> = {
            let mut sums = self.sums();
            let count = sums.unsummed.len().min(notes_max as usize);
            sums.unsummed.drain(..count).collect()
        };
        for record in &notes {
            let settled =
                self.ledger().settled(&record.request).await.map_err(|error| UsageLogError(error.into()))?;
            let day = Day::of(record.ended(), zone);
            let place =
                DailyPlace { day, account: record.account, key: record.key, model: record.model.clone() };
            let mut sums = self.sums();
            sums.daily.entry(place).or_default().add(&UsageSum::of(record, settled.as_ref()));
        }
        Ok(u32::try_from(notes.len()).unwrap_or(u32::MAX))
    }

    async fn rollup_list(
        &self,
        query: &DailyQuery,
        cursor: Option<&DailyPlace>,
        limit: u32,
    ) -> Result<Vec<DailyUsage>, UsageLogError> {
        let sums = self.sums();
        let is_named = |place: &DailyPlace| {
            query.account.is_none_or(|account| account == place.account)
                && query.key.is_none_or(|key| key == place.key)
                && query.since.is_none_or(|since| since <= place.day)
                && query.until.is_none_or(|until| place.day <= until)
                && cursor.is_none_or(|cursor| place < cursor)
        };
        let named = sums.daily.iter().rev().filter(|(place, _)| is_named(place));
        let listed = named.map(|(place, sum)| DailyUsage { place: place.clone(), sum: *sum });
        Ok(listed.take(limit as usize).collect())
    }

    async fn rollup_charged(
        &self,
        account: AccountId,
        key: KeyId,
        since: Day,
        zone: UtcOffset,
    ) -> Result<NanoUsd, UsageLogError> {
        let (mut spent, unsummed) = {
            let sums = self.sums();
            let is_named =
                |place: &DailyPlace| place.account == account && place.key == key && since <= place.day;
            let summed: Vec<NanoUsd> =
                sums.daily.iter().filter(|(place, _)| is_named(place)).map(|(_, sum)| sum.charged).collect();
            (summed, sums.unsummed.clone())
        };
        let is_named = |record: &&UsageRecord| {
            record.account == account && record.key == key && since <= Day::of(record.ended(), zone)
        };
        for record in unsummed.iter().filter(is_named) {
            let settled = self.ledger().settled(&record.request).await;
            let settled = settled.map_err(|error| UsageLogError(error.into()))?;
            spent.extend(settled.map(|settled| settled.charged));
        }
        Ok(spent.into_iter().sum())
    }
}
