use accounts::{
    AddressChange, Arrival, Arrived, AuditEvent, EmailAddress, Identity, OneTimeToken, PasswordHash,
    PeopleStoreError, Person, PersonState, PersonStore, Place, Profile, ProviderName, Role, TokenHash,
    TokenPurpose,
};
use async_trait::async_trait;
use vocab::{PersonId, SessionId, Timestamp};

use super::{MemoryPeople, Rows, refused};

impl Rows {
    fn by_email(&self, email: &EmailAddress) -> Option<&Person> {
        self.persons.values().find(|person| person.email == *email)
    }

    fn is_linked(&self, identity: &Identity) -> bool {
        self.identities.iter().any(|other| {
            other.provider == identity.provider
                && (other.subject == identity.subject || other.person == identity.person)
        })
    }

    fn good_token(&self, hash: &TokenHash, purpose: TokenPurpose, at: Timestamp) -> Option<OneTimeToken> {
        self.tokens.get(hash).filter(|token| token.is_good(purpose, at)).cloned()
    }

    fn void(&mut self, person: PersonId, purposes: &[TokenPurpose]) {
        self.tokens.retain(|_, token| token.person != person || !purposes.contains(&token.purpose));
    }
}

#[async_trait]
impl PersonStore for MemoryPeople {
    async fn person_insert(&self, arrival: &Arrival) -> Result<Arrived, PeopleStoreError> {
        let mut rows = self.rows();
        let person = &arrival.person;
        if rows.by_email(&person.email).is_some() {
            return Ok(Arrived::AddressTaken);
        }
        if arrival.identity.as_ref().is_some_and(|identity| rows.is_linked(identity)) {
            return Err(refused("the partner's login is linked"));
        }
        let membership = match &arrival.place {
            Place::Own(account) => {
                self.accounts.insert(account).map_err(|error| PeopleStoreError(error.into()))?;
                accounts::Membership {
                    person: person.id,
                    account: account.id,
                    role: Role::Owner,
                    since: person.created,
                }
            }
            Place::Invited { invitation, membership } => {
                let open = rows.invitations.values_mut().find(|kept| kept.token == *invitation);
                let Some(open) = open.filter(|kept| kept.is_open(membership.since)) else {
                    return Ok(Arrived::InvitationGone);
                };
                open.closed = Some(membership.since);
                *membership
            }
            Place::Placed(membership) if self.is_account(membership.account) => *membership,
            Place::Placed(_) => return Err(refused("there is no such account")),
        };
        rows.memberships.insert((membership.account, membership.person), membership);
        rows.identities.extend(arrival.identity.clone());
        rows.consents.extend(arrival.consents.iter().map(|consent| (consent.id, consent.clone())));
        rows.persons.insert(person.id, person.clone());
        rows.log(&arrival.audit);
        Ok(Arrived::Written)
    }

    async fn person_find(&self, id: PersonId) -> Result<Option<Person>, PeopleStoreError> {
        Ok(self.rows().persons.get(&id).cloned())
    }

    async fn person_find_by_email(&self, email: &EmailAddress) -> Result<Option<Person>, PeopleStoreError> {
        Ok(self.rows().by_email(email).cloned())
    }

    async fn person_list(
        &self,
        cursor: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<Person>, PeopleStoreError> {
        let rows = self.rows();
        let after = rows.persons.values().filter(|person| cursor.is_none_or(|cursor| cursor < person.id));
        Ok(after.take(limit as usize).cloned().collect())
    }

    async fn person_set_profile(
        &self,
        id: PersonId,
        profile: &Profile,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        let Some(person) = rows.persons.get_mut(&id).filter(|person| person.state != PersonState::Erased)
        else {
            return Ok(false);
        };
        person.name.clone_from(&profile.name);
        person.locale = profile.locale;
        person.birth_date = profile.birth_date;
        rows.log(audit);
        Ok(true)
    }

    async fn person_renew(&self, person: &Person) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        let has_partner = rows.identities.iter().any(|identity| identity.person == person.id);
        let waits = |kept: &&mut Person| {
            kept.email_verified.is_none() && kept.state == PersonState::Active && !has_partner
        };
        let Some(kept) = rows.persons.get_mut(&person.id).filter(waits) else { return Ok(false) };
        kept.email = person.email.clone();
        kept.name.clone_from(&person.name);
        kept.password.clone_from(&person.password);
        kept.locale = person.locale;
        kept.birth_date = person.birth_date;
        rows.void(person.id, &TokenPurpose::ALL);
        Ok(true)
    }

    async fn person_set_password(
        &self,
        id: PersonId,
        old: Option<&PasswordHash>,
        new: Option<&PasswordHash>,
        keep: Option<SessionId>,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        let is_same =
            |person: &&mut Person| person.password.as_ref() == old && person.state != PersonState::Erased;
        let Some(person) = rows.persons.get_mut(&id).filter(is_same) else { return Ok(false) };
        person.password = new.cloned();
        rows.end_sessions(id, keep, audit.at);
        rows.void(id, &[TokenPurpose::ResetPassword]);
        rows.log(audit);
        Ok(true)
    }

    async fn person_reset_password(
        &self,
        token: &TokenHash,
        new: &PasswordHash,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        let Some(token) = rows.good_token(token, TokenPurpose::ResetPassword, audit.at) else {
            return Ok(false);
        };
        let Some(person) = rows.persons.get_mut(&token.person) else { return Ok(false) };
        if person.state != PersonState::Active {
            return Ok(false);
        }
        person.password = Some(new.clone());
        let is_first = person.email == token.email && person.email_verified.is_none();
        if is_first {
            person.email_verified = Some(audit.at);
        }
        rows.end_sessions(token.person, None, audit.at);
        rows.void(token.person, &[TokenPurpose::ResetPassword]);
        if is_first {
            self.activate(&rows, token.person);
        }
        rows.log(audit);
        Ok(true)
    }

    async fn person_verify_email(
        &self,
        token: &TokenHash,
        audit: &AuditEvent,
    ) -> Result<AddressChange, PeopleStoreError> {
        let mut rows = self.rows();
        let Some(token) = rows.good_token(token, TokenPurpose::VerifyEmail, audit.at) else {
            return Ok(AddressChange::TokenGone);
        };
        if rows.by_email(&token.email).is_some_and(|other| other.id != token.person) {
            return Ok(AddressChange::AddressTaken);
        }
        let active = rows.persons.get_mut(&token.person).filter(|person| person.state == PersonState::Active);
        let Some(person) = active else { return Ok(AddressChange::TokenGone) };
        let is_first = person.email_verified.is_none();
        person.email = token.email;
        person.email_verified = Some(audit.at);
        rows.void(token.person, &TokenPurpose::ALL);
        if is_first {
            self.activate(&rows, token.person);
        }
        rows.log(audit);
        Ok(AddressChange::Done)
    }

    async fn person_set_state(
        &self,
        id: PersonId,
        from: PersonState,
        to: PersonState,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        let Some(person) = rows.persons.get_mut(&id).filter(|person| person.state == from) else {
            return Ok(false);
        };
        person.state = to;
        if to != PersonState::Active {
            rows.end_sessions(id, None, audit.at);
        }
        rows.log(audit);
        Ok(true)
    }

    async fn identity_insert(
        &self,
        identity: &Identity,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        if rows.is_linked(identity) {
            return Ok(false);
        }
        if !rows.persons.contains_key(&identity.person) {
            return Err(refused("there is no such person"));
        }
        rows.identities.push(identity.clone());
        rows.log(audit);
        Ok(true)
    }

    async fn identity_insert_verified(
        &self,
        identity: &Identity,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        if rows.is_linked(identity) {
            return Ok(false);
        }
        let id = identity.person;
        let Some(person) = rows.persons.get_mut(&id) else { return Err(refused("there is no such person")) };
        if person.email_verified.is_none() {
            person.email_verified = Some(audit.at);
            person.password = None;
            rows.end_sessions(id, None, audit.at);
            rows.void(id, &TokenPurpose::ALL);
            self.activate(&rows, id);
        }
        rows.identities.push(identity.clone());
        rows.log(audit);
        Ok(true)
    }

    async fn identity_find(
        &self,
        provider: &ProviderName,
        subject: &str,
    ) -> Result<Option<Identity>, PeopleStoreError> {
        let rows = self.rows();
        let named = |identity: &&Identity| identity.provider == *provider && identity.subject == subject;
        Ok(rows.identities.iter().find(named).cloned())
    }

    async fn identity_list(&self, person: PersonId, limit: u32) -> Result<Vec<Identity>, PeopleStoreError> {
        let rows = self.rows();
        let mut theirs: Vec<_> =
            rows.identities.iter().filter(|identity| identity.person == person).cloned().collect();
        theirs.sort_by(|one, other| one.provider.cmp(&other.provider));
        theirs.truncate(limit as usize);
        Ok(theirs)
    }

    async fn identity_remove(
        &self,
        person: PersonId,
        provider: &ProviderName,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        let before = rows.identities.len();
        rows.identities.retain(|identity| identity.person != person || identity.provider != *provider);
        let is_removed = rows.identities.len() < before;
        if is_removed {
            rows.log(audit);
        }
        Ok(is_removed)
    }

    async fn token_insert(&self, token: &OneTimeToken) -> Result<(), PeopleStoreError> {
        let mut rows = self.rows();
        if !rows.persons.contains_key(&token.person) {
            return Err(refused("there is no such person"));
        }
        rows.void(token.person, &[token.purpose]);
        rows.tokens.insert(token.hash, token.clone());
        Ok(())
    }

    async fn token_find(&self, hash: &TokenHash) -> Result<Option<OneTimeToken>, PeopleStoreError> {
        Ok(self.rows().tokens.get(hash).cloned())
    }

    async fn token_use(
        &self,
        hash: &TokenHash,
        purpose: TokenPurpose,
        at: Timestamp,
    ) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        let Some(token) = rows.tokens.get_mut(hash).filter(|token| token.is_good(purpose, at)) else {
            return Ok(false);
        };
        token.used = Some(at);
        Ok(true)
    }
}
