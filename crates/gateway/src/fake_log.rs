//! A usage log in memory that can be told to fail.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use vocab::Timestamp;

use crate::{HourTotal, UsageLog, UsageLogError, UsageQuery, UsageRecord, UsageTotal};

/// Keeps groups as they were written, after being silent for as long, and failing as often, as it was told to.
#[derive(Default)]
pub(crate) struct FakeLog {
    pub(crate) silent_ms: AtomicU64,
    pub(crate) failures_left: AtomicUsize,
    pub(crate) groups: Mutex<Vec<Vec<UsageRecord>>>,
}

impl FakeLog {
    pub(crate) fn records(&self) -> Vec<UsageRecord> {
        self.groups.lock().unwrap().concat()
    }
}

#[async_trait]
impl UsageLog for FakeLog {
    async fn usage_append(&self, records: &[UsageRecord]) -> Result<(), UsageLogError> {
        let silence = Duration::from_millis(self.silent_ms.load(Ordering::SeqCst));
        if !silence.is_zero() {
            tokio::time::sleep(silence).await;
        }
        if self.failures_left.load(Ordering::SeqCst) > 0 {
            self.failures_left.fetch_sub(1, Ordering::SeqCst);
            return Err(UsageLogError("down".into()));
        }
        self.groups.lock().unwrap().push(records.to_vec());
        Ok(())
    }

    async fn usage_list(&self, _: &UsageQuery, _: u32) -> Result<Vec<UsageRecord>, UsageLogError> {
        Ok(self.records())
    }

    async fn usage_total(&self, _: &UsageQuery, _: u32) -> Result<Vec<UsageTotal>, UsageLogError> {
        Ok(Vec::new())
    }

    async fn usage_by_hour(&self, _: &UsageQuery, _: u32) -> Result<Vec<HourTotal>, UsageLogError> {
        Ok(Vec::new())
    }

    async fn usage_purge(&self, _: Timestamp, _: u32) -> Result<u64, UsageLogError> {
        Ok(0)
    }
}
