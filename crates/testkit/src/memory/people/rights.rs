use accounts::{
    AccountState, Actor, AuditEvent, AuditQuery, AuditStore, Consent, DeletionRequest, DeletionState,
    Erasure, Invitation, Kept, Membership, PeopleStoreError, PersonState, RightsStore,
};
use async_trait::async_trait;
use vocab::{AccountId, AuditId, ConsentId, PersonId, Timestamp};

use super::{MemoryPeople, Rows, refused};

#[async_trait]
impl AuditStore for MemoryPeople {
    async fn audit_insert(&self, event: &AuditEvent) -> Result<(), PeopleStoreError> {
        self.rows().log(event);
        Ok(())
    }

    async fn audit_list(
        &self,
        query: &AuditQuery,
        cursor: Option<AuditId>,
        limit: u32,
    ) -> Result<Vec<AuditEvent>, PeopleStoreError> {
        let rows = self.rows();
        let named = rows.audit.values().rev().filter(|event| {
            query.account.is_none_or(|account| event.account == Some(account))
                && query.actor.is_none_or(|actor| event.actor == actor)
                && query.since.is_none_or(|since| since <= event.at)
                && query.until.is_none_or(|until| event.at < until)
                && cursor.is_none_or(|cursor| event.id < cursor)
        });
        Ok(named.take(limit as usize).cloned().collect())
    }
}

#[async_trait]
impl RightsStore for MemoryPeople {
    async fn consent_insert(&self, consent: &Consent) -> Result<(), PeopleStoreError> {
        let mut rows = self.rows();
        if !rows.persons.contains_key(&consent.person) {
            return Err(refused("there is no such person"));
        }
        rows.consents.insert(consent.id, consent.clone());
        Ok(())
    }

    async fn consent_list(
        &self,
        person: PersonId,
        cursor: Option<ConsentId>,
        limit: u32,
    ) -> Result<Vec<Consent>, PeopleStoreError> {
        let rows = self.rows();
        let before =
            rows.consents.values().rev().filter(|consent| {
                consent.person == person && cursor.is_none_or(|cursor| consent.id < cursor)
            });
        Ok(before.take(limit as usize).cloned().collect())
    }

    async fn deletion_insert(
        &self,
        request: &DeletionRequest,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        if !rows.persons.contains_key(&request.person) {
            return Err(refused("there is no such person"));
        }
        if rows.deletions.get(&request.person).is_some_and(|other| !other.state.is_over()) {
            return Ok(false);
        }
        rows.deletions.insert(request.person, request.clone());
        rows.log(audit);
        Ok(true)
    }

    async fn deletion_find(&self, person: PersonId) -> Result<Option<DeletionRequest>, PeopleStoreError> {
        Ok(self.rows().deletions.get(&person).cloned())
    }

    async fn deletion_list(
        &self,
        state: DeletionState,
        cursor: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<DeletionRequest>, PeopleStoreError> {
        let rows = self.rows();
        let named = rows
            .deletions
            .values()
            .filter(|request| request.state == state && cursor.is_none_or(|cursor| cursor < request.person));
        Ok(named.take(limit as usize).cloned().collect())
    }

    async fn deletion_due(
        &self,
        at: Timestamp,
        cursor: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<DeletionRequest>, PeopleStoreError> {
        let rows = self.rows();
        let due = rows.deletions.values().filter(|request| {
            request.state == DeletionState::Approved
                && request.due <= at
                && cursor.is_none_or(|cursor| cursor < request.person)
        });
        Ok(due.take(limit as usize).cloned().collect())
    }

    async fn deletion_move(
        &self,
        person: PersonId,
        from: DeletionState,
        to: DeletionState,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        let Some(request) = rows.deletions.get_mut(&person).filter(|request| request.state == from) else {
            return Ok(false);
        };
        request.state = to;
        request.updated = audit.at;
        rows.log(audit);
        Ok(true)
    }

    async fn person_erase(&self, erasure: &Erasure) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        let (id, at) = (erasure.person, erasure.audit.at);
        let leaves_others = |account: &AccountId| {
            let is_open = self.accounts.find(*account).is_some_and(|a| a.state != AccountState::Closed);
            is_open && rows.is_last_owner(*account, id) && !rows.alone_in(id).contains(account)
        };
        if rows.accounts_of(id).any(|account| leaves_others(&account)) {
            return Ok(false);
        }
        let Some(request) = rows.deletions.get_mut(&id) else { return Ok(false) };
        if request.state != DeletionState::Approved {
            return Ok(false);
        }
        request.state = DeletionState::CarriedOut;
        request.updated = at;
        let Some(person) = rows.persons.get_mut(&id) else { return Ok(false) };
        let address = std::mem::replace(&mut person.email, erasure.email.clone());
        person.email_verified = None;
        person.name.clone_from(&erasure.name);
        person.password = None;
        person.birth_date = None;
        person.state = PersonState::Erased;

        self.close_own(&rows, id, &erasure.name, at);
        rows.forget(id);
        rows.memberships.retain(|_, membership| membership.person != id);
        rows.invitations.retain(|_, kept| kept.email != address && kept.invited_by != Some(id));
        for event in rows.audit.values_mut().filter(|event| event.actor == Actor::Person(id)) {
            event.source = None;
        }
        rows.log(&erasure.audit);
        Ok(true)
    }

    async fn kept_purge(&self, kind: Kept, before: Timestamp, limit: u32) -> Result<u64, PeopleStoreError> {
        let mut rows = self.rows();
        let limit = limit as usize;
        Ok(match kind {
            Kept::Sessions => {
                remove(&mut rows.sessions, limit, |session| session.ended.unwrap_or(session.expires) < before)
            }
            Kept::Tokens => remove(&mut rows.tokens, limit, |token| token.expires < before),
            Kept::Invitations => {
                remove(&mut rows.invitations, limit, |kept: &Invitation| kept.expires < before)
            }
            Kept::Audit => remove(&mut rows.audit, limit, |event| event.at < before),
            Kept::Unverified => self.purge_unverified(&mut rows, before, limit),
        })
    }
}

impl MemoryPeople {
    /// The accounts that are this person's alone are over.
    fn close_own(&self, rows: &Rows, id: PersonId, name: &str, at: Timestamp) {
        for account in rows.alone_in(id) {
            self.accounts.change(account, |account| {
                account.state = AccountState::Closed;
                name.clone_into(&mut account.name);
                true
            });
            self.accounts.revoke_all(account, None, at);
        }
    }

    fn purge_unverified(&self, rows: &mut Rows, before: Timestamp, limit: usize) -> u64 {
        let is_unused = |account: &AccountId| {
            let is_inactive =
                self.accounts.find(*account).is_some_and(|account| account.state == AccountState::Inactive);
            is_inactive && !self.accounts.has_keys(*account)
        };
        let gone: Vec<_> = rows
            .persons
            .values()
            .filter(|person| {
                let accounts: Vec<_> = rows.accounts_of(person.id).collect();
                let alone = rows.alone_in(person.id);
                person.email_verified.is_none()
                    && person.state == PersonState::Active
                    && person.created < before
                    && !accounts.is_empty()
                    && accounts.iter().all(|account| alone.contains(account) && is_unused(account))
            })
            .map(|person| person.id)
            .take(limit)
            .collect();
        for id in &gone {
            for account in rows.alone_in(*id) {
                rows.memberships.remove(&(account, *id));
                rows.projects.retain(|_, project| project.account != account);
                rows.invitations.retain(|_, invitation| invitation.account != account);
                self.accounts.remove(account);
            }
            rows.forget(*id);
            rows.consents.retain(|_, consent| consent.person != *id);
            rows.deletions.remove(id);
            rows.persons.remove(id);
        }
        gone.len() as u64
    }
}

impl Rows {
    fn accounts_of(&self, id: PersonId) -> impl Iterator<Item = AccountId> {
        let theirs = self.memberships.values().filter(move |membership| membership.person == id);
        theirs.map(|membership| membership.account)
    }

    /// Accounts with no other member.
    fn alone_in(&self, id: PersonId) -> Vec<AccountId> {
        let is_other = |account: AccountId| {
            move |membership: &&Membership| membership.account == account && membership.person != id
        };
        self.accounts_of(id)
            .filter(|account| !self.memberships.values().any(|m| is_other(*account)(&m)))
            .collect()
    }

    /// Everything by which they could log in.
    fn forget(&mut self, id: PersonId) {
        self.identities.retain(|identity| identity.person != id);
        self.tokens.retain(|_, token| token.person != id);
        self.sessions.retain(|_, session| session.person != id);
        self.factors.remove(&id);
        self.recovery.retain(|(person, _)| *person != id);
    }
}

fn remove<K: Ord + Clone, V>(
    rows: &mut std::collections::BTreeMap<K, V>,
    limit: usize,
    is_over: impl Fn(&V) -> bool,
) -> u64 {
    let over: Vec<_> =
        rows.iter().filter(|(_, row)| is_over(row)).map(|(key, _)| key.clone()).take(limit).collect();
    for key in &over {
        rows.remove(key);
    }
    over.len() as u64
}
