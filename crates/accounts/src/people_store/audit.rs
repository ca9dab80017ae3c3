use async_trait::async_trait;
use vocab::AuditId;

use crate::{AuditEvent, AuditQuery, PeopleStoreError};

/// The audit log.
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// Adds a line.
    async fn audit_insert(&self, event: &AuditEvent) -> Result<(), PeopleStoreError>;

    /// Lines before `cursor`, the newest first.
    async fn audit_list(
        &self,
        query: &AuditQuery,
        cursor: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditEvent>, PeopleStoreError>;
}
