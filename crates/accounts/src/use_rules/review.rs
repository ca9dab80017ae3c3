//! What people do about cases: accounts appeal, reviewers decide.

use vocab::{AccountId, CaseId};

use super::{
    Appeal, BanMark, Case, CaseEvent, CaseQuery, CaseState, Conduct, ConductError, Decision, Violation,
    ViolationQuery,
};

/// Longest page of a list.
pub(super) const PAGE_MAX: u32 = 1000;

const APPEAL_CHARS_MAX: usize = 4000;
const DECISION_CHARS_MAX: usize = 2000;
const REVIEWER_CHARS_MAX: usize = 100;

impl Conduct {
    /// Files an account's appeal against one of its strikes, in its own words (USE-08).
    pub async fn appeal(&self, account: AccountId, id: CaseId, words: &str) -> Result<Case, ConductError> {
        let words = needed_words(words, APPEAL_CHARS_MAX)?;
        // Another account's case does not exist for this one.
        if self.store.case_find(id).await?.is_none_or(|case| case.account != account) {
            return Err(ConductError::UnknownCase(id));
        }
        let filed = self.clock.now();
        let edit = |case: &mut Case| case.appeal = Some(Appeal { filed, words: words.clone() });
        self.change(id, CaseEvent::Appeal, edit).await
    }

    /// Makes an open case a strike.
    pub async fn strike(&self, id: CaseId, by: &str, words: &str) -> Result<Case, ConductError> {
        self.decide(id, CaseEvent::Strike, by, words).await
    }

    /// Closes an open case: there is nothing in it.
    pub async fn dismiss(&self, id: CaseId, by: &str, words: &str) -> Result<Case, ConductError> {
        self.decide(id, CaseEvent::Dismiss, by, words).await
    }

    /// Confirms a strike that waits for a person: an appeal is turned down, a proposed ban becomes one (DATA-07).
    pub async fn uphold(&self, id: CaseId, by: &str, words: &str) -> Result<Case, ConductError> {
        self.decide(id, CaseEvent::Uphold, by, words).await
    }

    /// Takes a strike back. What it brought is gone: the account stands as its other strikes leave it (USE-08).
    pub async fn lift(&self, id: CaseId, by: &str, words: &str) -> Result<Case, ConductError> {
        let case = self.decide(id, CaseEvent::Lift, by, words).await?;
        self.store.ban_mark_forget(id).await?;
        Ok(case)
    }

    /// The case called `id`.
    pub async fn find(&self, id: CaseId) -> Result<Case, ConductError> {
        self.store.case_find(id).await?.ok_or(ConductError::UnknownCase(id))
    }

    /// The cases that `query` names, at most a thousand.
    pub async fn cases(&self, query: &CaseQuery, limit: u32) -> Result<Vec<Case>, ConductError> {
        Ok(self.store.case_list(query, limit.min(PAGE_MAX)).await?)
    }

    /// The one queue of everything that waits for a person: open cases, proposed bans and appeals (C-32), those after
    /// `cursor`, at most a thousand.
    pub async fn queue(&self, cursor: Option<CaseId>, limit: u32) -> Result<Vec<Case>, ConductError> {
        let query = CaseQuery { account: None, states: CaseState::WAITING.to_vec(), cursor };
        self.cases(&query, limit).await
    }

    /// The violations that `query` names, the newest first, at most a thousand.
    pub async fn violations(
        &self,
        query: &ViolationQuery,
        limit: u32,
    ) -> Result<Vec<Violation>, ConductError> {
        Ok(self.store.violation_list(query, limit.min(PAGE_MAX)).await?)
    }

    /// Remembers by which marks a banned account would be noticed if it signed up again (LEGAL-05).
    pub async fn remember_ban(&self, id: CaseId, marks: &[BanMark]) -> Result<(), ConductError> {
        if !self.find(id).await?.is_final_ban() {
            return Err(ConductError::NoBan(id));
        }
        Ok(self.store.ban_mark_insert(id, marks).await?)
    }

    /// The ban that somebody who signs up with these marks had, if any: a reason to look, not to refuse (LEGAL-05).
    pub async fn earlier_ban(&self, marks: &[BanMark]) -> Result<Option<CaseId>, ConductError> {
        Ok(self.store.ban_mark_find(marks).await?)
    }

    async fn decide(
        &self,
        id: CaseId,
        event: CaseEvent,
        by: &str,
        words: &str,
    ) -> Result<Case, ConductError> {
        let by = needed_words(by, REVIEWER_CHARS_MAX)?;
        let words = checked_words(words, DECISION_CHARS_MAX)?;
        let at = self.clock.now();
        let edit = |case: &mut Case| {
            case.decision = Some(Decision { at, by: by.clone(), words: words.clone() });
        };
        self.change(id, event, edit).await
    }
}

/// `words` without surrounding space, if there are not too many.
pub(super) fn checked_words(words: &str, chars_max: usize) -> Result<String, ConductError> {
    let words = words.trim();
    let is_long = words.chars().nth(chars_max).is_some();
    // NUL is what PostgreSQL cannot keep in a text.
    if is_long || words.contains('\0') {
        Err(ConductError::InvalidWords { chars_max })
    } else {
        Ok(words.to_owned())
    }
}

fn needed_words(words: &str, chars_max: usize) -> Result<String, ConductError> {
    let words = checked_words(words, chars_max)?;
    if words.is_empty() { Err(ConductError::InvalidWords { chars_max }) } else { Ok(words) }
}
