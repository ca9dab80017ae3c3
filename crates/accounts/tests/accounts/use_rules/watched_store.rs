use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use accounts::{
    BanMark, BlockedEndUser, Case, CaseQuery, ConductRecord, ConductStore, ConductStoreError, EndUserId,
    Violation, ViolationQuery,
};
use async_trait::async_trait;
use testkit::memory::MemoryConduct;
use vocab::{AccountId, CaseId, Timestamp};

/// A store that counts its writes of violations and fails when told to.
#[derive(Default)]
pub struct WatchedStore {
    inner: MemoryConduct,
    pub writes: AtomicU32,
    pub is_down: AtomicBool,
}

impl WatchedStore {
    async fn check(&self) -> Result<(), ConductStoreError> {
        // Lets others in, as a real store would.
        tokio::task::yield_now().await;
        if self.is_down.load(Ordering::SeqCst) { Err(ConductStoreError("down".into())) } else { Ok(()) }
    }
}

#[async_trait]
impl ConductStore for WatchedStore {
    async fn violation_insert(&self, violation: &Violation) -> Result<bool, ConductStoreError> {
        self.check().await?;
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.inner.violation_insert(violation).await
    }

    async fn violation_list(
        &self,
        query: &ViolationQuery,
        limit: u32,
    ) -> Result<Vec<Violation>, ConductStoreError> {
        self.inner.violation_list(query, limit).await
    }

    async fn violation_forget(&self, before: Timestamp, limit: u32) -> Result<u64, ConductStoreError> {
        self.inner.violation_forget(before, limit).await
    }

    async fn case_find(&self, id: CaseId) -> Result<Option<Case>, ConductStoreError> {
        self.check().await?;
        self.inner.case_find(id).await
    }

    async fn case_list(&self, query: &CaseQuery, limit: u32) -> Result<Vec<Case>, ConductStoreError> {
        self.check().await?;
        self.inner.case_list(query, limit).await
    }

    async fn case_untold(&self, limit: u32) -> Result<Vec<Case>, ConductStoreError> {
        self.inner.case_untold(limit).await
    }

    async fn case_tell(&self, id: CaseId) -> Result<bool, ConductStoreError> {
        self.inner.case_tell(id).await
    }

    async fn conduct_find(&self, account: AccountId) -> Result<Option<ConductRecord>, ConductStoreError> {
        self.check().await?;
        self.inner.conduct_find(account).await
    }

    async fn conduct_write(&self, record: &ConductRecord, case: &Case) -> Result<bool, ConductStoreError> {
        self.check().await?;
        self.inner.conduct_write(record, case).await
    }

    async fn end_user_block(&self, blocked: &BlockedEndUser) -> Result<bool, ConductStoreError> {
        self.check().await?;
        self.inner.end_user_block(blocked).await
    }

    async fn end_user_unblock(&self, account: AccountId, id: &EndUserId) -> Result<bool, ConductStoreError> {
        self.check().await?;
        self.inner.end_user_unblock(account, id).await
    }

    async fn end_user_list(
        &self,
        account: AccountId,
        cursor: Option<&EndUserId>,
        limit: u32,
    ) -> Result<Vec<BlockedEndUser>, ConductStoreError> {
        self.check().await?;
        self.inner.end_user_list(account, cursor, limit).await
    }

    async fn ban_mark_insert(&self, case: CaseId, marks: &[BanMark]) -> Result<(), ConductStoreError> {
        self.inner.ban_mark_insert(case, marks).await
    }

    async fn ban_mark_find(&self, marks: &[BanMark]) -> Result<Option<CaseId>, ConductStoreError> {
        self.inner.ban_mark_find(marks).await
    }

    async fn ban_mark_forget(&self, case: CaseId) -> Result<(), ConductStoreError> {
        self.inner.ban_mark_forget(case).await
    }
}
