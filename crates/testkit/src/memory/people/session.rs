use accounts::{
    AuditEvent, FactorStore, PeopleStoreError, SecondFactor, Session, SessionStore, SignedIn, TokenHash,
};
use async_trait::async_trait;
use vocab::{PersonId, SessionId, Timestamp};

use super::{MemoryPeople, Rows, refused};

#[async_trait]
impl SessionStore for MemoryPeople {
    async fn session_insert(&self, session: &Session, audit: &AuditEvent) -> Result<(), PeopleStoreError> {
        let mut rows = self.rows();
        let exists = |other: &Session| other.id == session.id || other.token == session.token;
        if !rows.persons.contains_key(&session.person) || rows.sessions.values().any(exists) {
            return Err(refused("there is no such person, or there is such a session"));
        }
        rows.sessions.insert(session.id, session.clone());
        rows.log(audit);
        Ok(())
    }

    async fn session_find(&self, token: &TokenHash) -> Result<Option<SignedIn>, PeopleStoreError> {
        let rows = self.rows();
        let session = rows.sessions.values().find(|session| session.token == *token);
        Ok(session.and_then(|session| {
            let person = rows.persons.get(&session.person)?;
            Some(SignedIn { session: session.clone(), person: person.clone() })
        }))
    }

    async fn session_touch(&self, id: SessionId, at: Timestamp) -> Result<(), PeopleStoreError> {
        if let Some(session) = self.rows().sessions.get_mut(&id) {
            session.last_seen = session.last_seen.max(at);
        }
        Ok(())
    }

    async fn session_list(
        &self,
        person: PersonId,
        cursor: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<Session>, PeopleStoreError> {
        let rows = self.rows();
        let after = rows
            .sessions
            .values()
            .filter(|session| session.person == person && cursor.is_none_or(|cursor| cursor < session.id));
        Ok(after.take(limit as usize).cloned().collect())
    }

    async fn session_end(
        &self,
        person: PersonId,
        id: SessionId,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        let is_open = |session: &&mut Session| session.person == person && session.ended.is_none();
        let Some(session) = rows.sessions.get_mut(&id).filter(is_open) else { return Ok(false) };
        session.ended = Some(audit.at);
        rows.log(audit);
        Ok(true)
    }

    async fn session_end_all(
        &self,
        person: PersonId,
        keep: Option<SessionId>,
        audit: &AuditEvent,
    ) -> Result<u64, PeopleStoreError> {
        let mut rows = self.rows();
        let ended = rows.end_sessions(person, keep, audit.at);
        if ended > 0 {
            rows.log(audit);
        }
        Ok(ended)
    }
}

impl Rows {
    fn replace_recovery(&mut self, person: PersonId, codes: &[TokenHash]) {
        self.recovery.retain(|(other, _)| *other != person);
        self.recovery.extend(codes.iter().map(|code| (person, *code)));
    }

    fn is_confirmed(&self, person: PersonId) -> bool {
        self.factors.get(&person).is_some_and(|factor| factor.confirmed.is_some())
    }
}

#[async_trait]
impl FactorStore for MemoryPeople {
    async fn factor_begin(&self, factor: &SecondFactor) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        if rows.is_confirmed(factor.person) {
            return Ok(false);
        }
        if !rows.persons.contains_key(&factor.person) {
            return Err(refused("there is no such person"));
        }
        rows.factors.insert(factor.person, factor.clone());
        Ok(true)
    }

    async fn factor_find(&self, person: PersonId) -> Result<Option<SecondFactor>, PeopleStoreError> {
        Ok(self.rows().factors.get(&person).cloned())
    }

    async fn factor_confirm(
        &self,
        factor: &SecondFactor,
        step: i64,
        recovery: &[TokenHash],
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        let waits =
            |kept: &&mut SecondFactor| kept.confirmed.is_none() && kept.sealed_secret == factor.sealed_secret;
        let Some(kept) = rows.factors.get_mut(&factor.person).filter(waits) else { return Ok(false) };
        kept.confirmed = Some(audit.at);
        kept.last_step = step;
        rows.replace_recovery(factor.person, recovery);
        rows.log(audit);
        Ok(true)
    }

    async fn factor_use_step(&self, person: PersonId, step: i64) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        let Some(factor) = rows.factors.get_mut(&person).filter(|factor| factor.last_step < step) else {
            return Ok(false);
        };
        factor.last_step = step;
        Ok(true)
    }

    async fn factor_remove(&self, person: PersonId, audit: &AuditEvent) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        if rows.factors.remove(&person).is_none() {
            return Ok(false);
        }
        rows.replace_recovery(person, &[]);
        rows.log(audit);
        Ok(true)
    }

    async fn recovery_use(
        &self,
        person: PersonId,
        code: &TokenHash,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        let is_good = rows.recovery.remove(&(person, *code));
        if is_good {
            rows.log(audit);
        }
        Ok(is_good)
    }

    async fn recovery_count(&self, person: PersonId) -> Result<u32, PeopleStoreError> {
        let count = self.rows().recovery.iter().filter(|(other, _)| *other == person).count();
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    async fn recovery_replace(
        &self,
        person: PersonId,
        codes: &[TokenHash],
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        if !rows.is_confirmed(person) {
            return Ok(false);
        }
        rows.replace_recovery(person, codes);
        rows.log(audit);
        Ok(true)
    }
}
