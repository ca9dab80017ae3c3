use std::sync::Arc;

use accounts::{Purge, PurgeError};
use async_trait::async_trait;
use vocab::Timestamp;

use crate::UsageLog;

/// Deletes usage records that were kept long enough (rule DATA-14).
///
/// What was paid is in the ledger, and how much was used in the daily sums; both stay. What a request was charged for
/// cannot be shown line by line any more, and whoever asks is told why.
pub struct UsageRetention(pub Arc<dyn UsageLog>);

#[async_trait]
impl Purge for UsageRetention {
    fn kind(&self) -> &'static str {
        "usage"
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64, PurgeError> {
        let purged = self.0.usage_purge(before, limit).await;
        purged.map_err(|error| PurgeError { kind: self.kind(), source: error.into() })
    }
}
