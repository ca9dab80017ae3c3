use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};
use vocab::{AccountId, AuditId, Clock};

use crate::{AuditAction, AuditEvent, AuditQuery, AuditStore, By, PeopleStoreError};

/// Longest page of the log.
const PAGE_MAX: u32 = 1000;

/// The log of privileged acts.
///
/// What people and organisations do is written by their own stores, in one piece with the act. This is for the acts of
/// others, such as keys, prices and engines.
pub struct AuditLog {
    store: Arc<dyn AuditStore>,
    clock: Arc<dyn Clock>,
}

impl AuditLog {
    /// The log kept in `store`.
    pub fn new(store: Arc<dyn AuditStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Writes down that `by` did `action` to `target`. `details` hold no secrets.
    pub async fn record(
        &self,
        by: &By,
        account: Option<AccountId>,
        action: AuditAction,
        target: impl fmt::Display + Send,
        details: Map<String, Value>,
    ) -> Result<(), PeopleStoreError> {
        let event = AuditEvent { details, ..by.did(self.clock.now(), account, action, target) };
        self.store.audit_insert(&event).await
    }

    /// A page of the log, the newest first; the id of its last line is the cursor of the next. Never more than 1000.
    pub async fn list(
        &self,
        query: &AuditQuery,
        cursor: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditEvent>, PeopleStoreError> {
        self.store.audit_list(query, cursor, limit.min(PAGE_MAX)).await
    }
}
