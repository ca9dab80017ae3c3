use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use accounts::{IdempotencyBegun, IdempotencyRecord, IdempotencyStore, IdempotencyStoreError};
use async_trait::async_trait;
use vocab::Timestamp;

/// Idempotency keys in memory.
#[derive(Default)]
pub struct MemoryIdempotency(Mutex<BTreeMap<(String, String), IdempotencyRecord>>);

impl MemoryIdempotency {
    fn rows<T>(&self, work: impl FnOnce(&mut BTreeMap<(String, String), IdempotencyRecord>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn place(record: &IdempotencyRecord) -> (String, String) {
    (record.scope.clone(), record.key.clone())
}

#[async_trait]
impl IdempotencyStore for MemoryIdempotency {
    async fn idempotency_begin(
        &self,
        record: &IdempotencyRecord,
        now: Timestamp,
        keys_max: u32,
    ) -> Result<IdempotencyBegun, IdempotencyStoreError> {
        Ok(self.rows(|rows| {
            if let Some(known) = rows.get(&place(record)).filter(|known| now < known.expires) {
                return IdempotencyBegun::Known(known.clone());
            }
            let is_live = |other: &&IdempotencyRecord| other.scope == record.scope && now < other.expires;
            if rows.values().filter(is_live).count() >= keys_max as usize {
                return IdempotencyBegun::Full;
            }
            rows.insert(place(record), record.clone());
            IdempotencyBegun::Written
        }))
    }

    async fn idempotency_finish(&self, record: &IdempotencyRecord) -> Result<(), IdempotencyStoreError> {
        self.rows(|rows| {
            rows.entry(place(record)).and_modify(|known| *known = record.clone());
        });
        Ok(())
    }

    async fn idempotency_remove(&self, scope: &str, key: &str) -> Result<(), IdempotencyStoreError> {
        self.rows(|rows| rows.remove(&(scope.to_owned(), key.to_owned())));
        Ok(())
    }

    async fn idempotency_expire(&self, now: Timestamp, limit: u32) -> Result<u64, IdempotencyStoreError> {
        Ok(self.rows(|rows| {
            let over =
                rows.iter().filter(|(_, record)| record.expires <= now).map(|(place, _)| place.clone());
            let over: Vec<_> = over.take(limit as usize).collect();
            for place in &over {
                rows.remove(place);
            }
            over.len() as u64
        }))
    }
}
