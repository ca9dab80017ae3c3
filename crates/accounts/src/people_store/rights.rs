use async_trait::async_trait;
use vocab::{ConsentId, PersonId, Timestamp};

use crate::{AuditEvent, Consent, DeletionRequest, DeletionState, EmailAddress, PeopleStoreError};

/// What is left of a person who is forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Who.
    pub person: PersonId,
    /// What stands in place of their address: nobody's, and another one for each.
    pub email: EmailAddress,
    /// What stands in place of their name, and of the name of an account that was theirs alone.
    pub name: String,
    /// What the audit log says about it; its moment is the moment of the erasure.
    pub audit: AuditEvent,
}

/// Kinds of rows that are not kept for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kept {
    /// Sessions, from when they were ended or expired.
    Sessions,
    /// One-time tokens, from when they expired.
    Tokens,
    /// Invitations, from when they expired.
    Invitations,
    /// Lines of the audit log, from when they were written.
    Audit,
    /// People who never verified their address, with the inactive accounts that are theirs alone, from when they
    /// signed up. Not one whose account was used, or has others in it.
    Unverified,
}

/// What people agreed to, what they ask for, and what is deleted.
#[async_trait]
pub trait RightsStore: Send + Sync + 'static {
    /// Adds a line to the log of what people agreed to.
    async fn consent_insert(&self, consent: &Consent) -> Result<(), PeopleStoreError>;

    /// A person's lines before `cursor`, the newest first.
    async fn consent_list(
        &self,
        person: PersonId,
        cursor: Option<ConsentId>,
        limit: u32,
    ) -> Result<Vec<Consent>, PeopleStoreError>;

    /// Writes a request for deletion, in place of one that is over. Says no if there is one that is not.
    async fn deletion_insert(
        &self,
        request: &DeletionRequest,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;

    /// A person's request.
    async fn deletion_find(&self, person: PersonId) -> Result<Option<DeletionRequest>, PeopleStoreError>;

    /// Requests in a state, in order of person.
    async fn deletion_list(
        &self,
        state: DeletionState,
        cursor: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<DeletionRequest>, PeopleStoreError>;

    /// Requests that are approved and due at `at`, in order of person.
    async fn deletion_due(
        &self,
        at: Timestamp,
        cursor: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<DeletionRequest>, PeopleStoreError>;

    /// Moves a request from one state to another. Says whether it was in the first.
    async fn deletion_move(
        &self,
        person: PersonId,
        from: DeletionState,
        to: DeletionState,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;

    /// Forgets a person whose deletion is approved, in one piece: address, name, password, birth date, partners'
    /// logins, second factor, sessions and tokens go; the browser and address of lines in the audit log go; invitations
    /// to and from them go; memberships end. Accounts that were theirs alone are closed, lose their name, and their
    /// keys are revoked. The id stays, and rows of money and use that only name it. Says whether it was approved, and
    /// leaves nobody in an account without an owner.
    async fn person_erase(&self, erasure: &Erasure) -> Result<bool, PeopleStoreError>;

    /// Deletes rows of `kind` from before `before`, at most `limit`. Says how many.
    async fn kept_purge(&self, kind: Kept, before: Timestamp, limit: u32) -> Result<u64, PeopleStoreError>;
}
