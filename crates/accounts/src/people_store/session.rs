use async_trait::async_trait;
use vocab::{PersonId, SessionId, Timestamp};

use crate::{AuditEvent, PeopleStoreError, SecondFactor, Session, SignedIn, TokenHash};

/// Sessions.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// Writes a session of a person that exists.
    async fn session_insert(&self, session: &Session, audit: &AuditEvent) -> Result<(), PeopleStoreError>;

    /// The session with this token's hash and whose it is; ended and expired ones too.
    async fn session_find(&self, token: &TokenHash) -> Result<Option<SignedIn>, PeopleStoreError>;

    /// Records that a session was used; never moves such a moment back.
    async fn session_touch(&self, id: SessionId, at: Timestamp) -> Result<(), PeopleStoreError>;

    /// A person's sessions after `cursor`, in order of id.
    async fn session_list(
        &self,
        person: PersonId,
        cursor: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<Session>, PeopleStoreError>;

    /// Ends a session of a person. Says whether it was not ended before.
    async fn session_end(
        &self,
        person: PersonId,
        id: SessionId,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;

    /// Ends all sessions of a person but `keep`. Says how many.
    async fn session_end_all(
        &self,
        person: PersonId,
        keep: Option<SessionId>,
        audit: &AuditEvent,
    ) -> Result<u64, PeopleStoreError>;
}

/// Second factors and the codes that stand in for them.
#[async_trait]
pub trait FactorStore: Send + Sync + 'static {
    /// Writes a factor that is not confirmed yet, in place of another such. Says no if one is confirmed.
    async fn factor_begin(&self, factor: &SecondFactor) -> Result<bool, PeopleStoreError>;

    /// A person's factor.
    async fn factor_find(&self, person: PersonId) -> Result<Option<SecondFactor>, PeopleStoreError>;

    /// Confirms the factor that waits, at the moment of the event and with the step of its first code, and writes
    /// recovery codes in place of earlier ones. Does nothing unless it still has the secret of `factor`.
    async fn factor_confirm(
        &self,
        factor: &SecondFactor,
        step: i64,
        recovery: &[TokenHash],
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;

    /// Uses a time step up. Says whether it was later than every one before: of several that try at once, one is told so.
    async fn factor_use_step(&self, person: PersonId, step: i64) -> Result<bool, PeopleStoreError>;

    /// Takes a factor and its recovery codes away. Says whether there was one.
    async fn factor_remove(&self, person: PersonId, audit: &AuditEvent) -> Result<bool, PeopleStoreError>;

    /// Uses a recovery code up. Says whether it was good: of several that try at once, one is told so.
    async fn recovery_use(
        &self,
        person: PersonId,
        code: &TokenHash,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;

    /// How many recovery codes a person has left.
    async fn recovery_count(&self, person: PersonId) -> Result<u32, PeopleStoreError>;

    /// Writes recovery codes in place of earlier ones. Does nothing unless the person's factor is confirmed.
    async fn recovery_replace(
        &self,
        person: PersonId,
        codes: &[TokenHash],
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;
}
