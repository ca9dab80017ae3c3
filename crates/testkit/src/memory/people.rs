mod organisation;
mod person;
mod rights;
mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use accounts::{
    AccountState, AuditEvent, Consent, DeletionRequest, Identity, Invitation, Membership, OneTimeToken,
    PeopleStoreError, Person, Project, Role, SecondFactor, Session, TokenHash,
};
use vocab::{AccountId, AuditId, ConsentId, InvitationId, PersonId, ProjectId, SessionId, Timestamp};

use super::MemoryAccounts;

/// People in memory, beside the accounts that they belong to.
pub struct MemoryPeople {
    accounts: Arc<MemoryAccounts>,
    rows: Mutex<Rows>,
}

#[derive(Default)]
struct Rows {
    persons: BTreeMap<PersonId, Person>,
    identities: Vec<Identity>,
    tokens: BTreeMap<TokenHash, OneTimeToken>,
    sessions: BTreeMap<SessionId, Session>,
    factors: BTreeMap<PersonId, SecondFactor>,
    recovery: BTreeSet<(PersonId, TokenHash)>,
    memberships: BTreeMap<(AccountId, PersonId), Membership>,
    invitations: BTreeMap<InvitationId, Invitation>,
    projects: BTreeMap<ProjectId, Project>,
    audit: BTreeMap<AuditId, AuditEvent>,
    consents: BTreeMap<ConsentId, Consent>,
    deletions: BTreeMap<PersonId, DeletionRequest>,
}

impl MemoryPeople {
    /// People of these accounts, and nobody yet.
    pub fn new(accounts: Arc<MemoryAccounts>) -> Self {
        Self { accounts, rows: Mutex::default() }
    }

    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_account(&self, id: AccountId) -> bool {
        self.accounts.find(id).is_some()
    }

    /// Accounts that wait for the address of this owner.
    fn activate(&self, rows: &Rows, person: PersonId) {
        let owned = rows.memberships.values().filter(|m| m.person == person && m.role == Role::Owner);
        for membership in owned {
            self.accounts.set_state(membership.account, AccountState::Inactive, AccountState::Active);
        }
    }
}

impl Rows {
    fn log(&mut self, event: &AuditEvent) {
        self.audit.insert(event.id, event.clone());
    }

    fn end_sessions(&mut self, person: PersonId, keep: Option<SessionId>, at: Timestamp) -> u64 {
        let mut ended = 0;
        for session in self.sessions.values_mut() {
            if session.person == person && Some(session.id) != keep && session.ended.is_none() {
                session.ended = Some(at);
                ended += 1;
            }
        }
        ended
    }

    fn owners(&self, account: AccountId) -> impl Iterator<Item = PersonId> {
        let owners = self.memberships.values().filter(move |m| m.account == account && m.role == Role::Owner);
        owners.map(|membership| membership.person)
    }

    /// Whether the account is left without an owner if this one is none any more.
    fn is_last_owner(&self, account: AccountId, person: PersonId) -> bool {
        self.owners(account).collect::<Vec<_>>() == [person]
    }
}

fn refused(why: &str) -> PeopleStoreError {
    PeopleStoreError(why.into())
}
