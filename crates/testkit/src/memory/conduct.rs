use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};
use std::sync::{Mutex, MutexGuard, PoisonError};

use accounts::{
    BanMark, BlockedEndUser, Case, CaseQuery, ConductRecord, ConductStore, ConductStoreError, EndUserId,
    Violation, ViolationQuery,
};
use async_trait::async_trait;
use vocab::{AccountId, CaseId, Timestamp};

/// Violations, cases and blocked end users in memory.
#[derive(Default)]
pub struct MemoryConduct(Mutex<Rows>);

#[derive(Default)]
struct Rows {
    violations: BTreeMap<(AccountId, String, i64), Violation>,
    cases: BTreeMap<CaseId, Case>,
    told: BTreeSet<CaseId>,
    records: BTreeMap<AccountId, ConductRecord>,
    end_users: BTreeMap<(AccountId, EndUserId), BlockedEndUser>,
    ban_marks: BTreeMap<BanMark, CaseId>,
}

impl MemoryConduct {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ConductStore for MemoryConduct {
    async fn violation_insert(&self, violation: &Violation) -> Result<bool, ConductStoreError> {
        let key = (violation.account, violation.client.label().to_owned(), violation.hour);
        match self.rows().violations.entry(key) {
            Entry::Occupied(_) => Ok(false),
            Entry::Vacant(place) => {
                place.insert(violation.clone());
                Ok(true)
            }
        }
    }

    async fn violation_list(
        &self,
        query: &ViolationQuery,
        limit: u32,
    ) -> Result<Vec<Violation>, ConductStoreError> {
        let ViolationQuery { account, since, until } = query;
        let rows = self.rows();
        let mut named: Vec<&Violation> = rows
            .violations
            .values()
            .filter(|violation| {
                account.is_none_or(|account| account == violation.account)
                    && since.is_none_or(|since| since <= violation.at)
                    && until.is_none_or(|until| violation.at < until)
            })
            .collect();
        named.sort_by(|one, other| (other.at, &other.request).cmp(&(one.at, &one.request)));
        Ok(named.into_iter().take(limit as usize).cloned().collect())
    }

    async fn violation_forget(&self, before: Timestamp, limit: u32) -> Result<u64, ConductStoreError> {
        let mut rows = self.rows();
        let old: Vec<_> = rows
            .violations
            .iter()
            .filter(|(_, violation)| violation.at < before)
            .map(|(key, _)| key.clone())
            .take(limit as usize)
            .collect();
        for key in &old {
            rows.violations.remove(key);
        }
        Ok(old.len() as u64)
    }

    async fn case_find(&self, id: CaseId) -> Result<Option<Case>, ConductStoreError> {
        Ok(self.rows().cases.get(&id).cloned())
    }

    async fn case_list(&self, query: &CaseQuery, limit: u32) -> Result<Vec<Case>, ConductStoreError> {
        let CaseQuery { account, states, cursor } = query;
        let rows = self.rows();
        let named = rows.cases.values().filter(|case| {
            account.is_none_or(|account| account == case.account)
                && (states.is_empty() || states.contains(&case.state))
                && cursor.is_none_or(|cursor| cursor < case.id)
        });
        Ok(named.take(limit as usize).cloned().collect())
    }

    async fn case_untold(&self, limit: u32) -> Result<Vec<Case>, ConductStoreError> {
        let rows = self.rows();
        let untold =
            rows.cases.values().filter(|case| case.struck.is_some() && !rows.told.contains(&case.id));
        Ok(untold.take(limit as usize).cloned().collect())
    }

    async fn case_tell(&self, id: CaseId) -> Result<bool, ConductStoreError> {
        let mut rows = self.rows();
        Ok(rows.cases.contains_key(&id) && rows.told.insert(id))
    }

    async fn conduct_find(&self, account: AccountId) -> Result<Option<ConductRecord>, ConductStoreError> {
        Ok(self.rows().records.get(&account).cloned())
    }

    async fn conduct_write(&self, record: &ConductRecord, case: &Case) -> Result<bool, ConductStoreError> {
        let mut rows = self.rows();
        let version = rows.records.get(&record.account).map_or(0, |kept| kept.version);
        if version + 1 != record.version {
            return Ok(false);
        }
        rows.records.insert(record.account, record.clone());
        rows.cases.insert(case.id, case.clone());
        Ok(true)
    }

    async fn end_user_block(&self, blocked: &BlockedEndUser) -> Result<bool, ConductStoreError> {
        match self.rows().end_users.entry((blocked.account, blocked.id.clone())) {
            Entry::Occupied(_) => Ok(false),
            Entry::Vacant(place) => {
                place.insert(blocked.clone());
                Ok(true)
            }
        }
    }

    async fn end_user_unblock(&self, account: AccountId, id: &EndUserId) -> Result<bool, ConductStoreError> {
        Ok(self.rows().end_users.remove(&(account, id.clone())).is_some())
    }

    async fn end_user_list(
        &self,
        account: AccountId,
        cursor: Option<&EndUserId>,
        limit: u32,
    ) -> Result<Vec<BlockedEndUser>, ConductStoreError> {
        let rows = self.rows();
        let named = rows
            .end_users
            .values()
            .filter(|blocked| blocked.account == account && cursor.is_none_or(|cursor| *cursor < blocked.id));
        Ok(named.take(limit as usize).cloned().collect())
    }

    async fn ban_mark_insert(&self, case: CaseId, marks: &[BanMark]) -> Result<(), ConductStoreError> {
        let mut rows = self.rows();
        for mark in marks {
            rows.ban_marks.entry(mark.clone()).or_insert(case);
        }
        Ok(())
    }

    async fn ban_mark_find(&self, marks: &[BanMark]) -> Result<Option<CaseId>, ConductStoreError> {
        let rows = self.rows();
        Ok(marks.iter().find_map(|mark| rows.ban_marks.get(mark).copied()))
    }

    async fn ban_mark_forget(&self, case: CaseId) -> Result<(), ConductStoreError> {
        self.rows().ban_marks.retain(|_, of| *of != case);
        Ok(())
    }
}
