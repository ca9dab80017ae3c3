use std::net::IpAddr;

use vocab::{PersonId, Secret};

use super::journey::{Intent, Journey, Pending};
use super::{IDENTITY_LINK, IDENTITY_REMOVE, OpenIdError, OpenIdLogins, OpenIdOutcome};
use crate::account::checked_name;
use crate::people::Newcomer;
use crate::throttle::Subject;
use crate::{
    Agreement, AuditEvent, By, EmailAddress, Identity, IdentityProvider, NewSession, Person, ProvenIdentity,
    ProviderName, SignedIn,
};

/// Far more than there are partners.
const IDENTITIES_MAX: u32 = 100;

impl OpenIdLogins {
    /// Lets someone in who came by way of a partner and can show their second factor here.
    pub async fn confirm(
        &self,
        pending: &Secret,
        code: &Secret,
        source: Option<IpAddr>,
        agent: &str,
    ) -> Result<NewSession, OpenIdError> {
        let people = &self.people;
        let pending = Pending::open(people.seal(), pending, people.now()).ok_or(OpenIdError::Stray)?;
        let person = people.find(pending.person).await?.ok_or(OpenIdError::Stray)?;
        people.check_may_enter(&person)?;
        people.show_factor(person.id, code, &By::person(person.id, source)).await?;
        Ok(people.open_session(&person, source, agent).await?)
    }

    /// The partners' logins of a person, in order of partner.
    pub async fn list(&self, person: PersonId) -> Result<Vec<Identity>, OpenIdError> {
        Ok(self.people.store().identity_list(person, IDENTITIES_MAX).await?)
    }

    /// Takes a partner's login away from someone, unless it is the only way they have.
    pub async fn unlink(
        &self,
        signed_in: &SignedIn,
        provider: &ProviderName,
        by: &By,
    ) -> Result<(), OpenIdError> {
        let person = &signed_in.person;
        let others =
            self.list(person.id).await?.into_iter().filter(|identity| identity.provider != *provider);
        if person.password.is_none() && others.count() == 0 {
            return Err(OpenIdError::LastWay);
        }
        let audit = by.did(self.people.now(), None, IDENTITY_REMOVE, provider);
        let is_removed = self.people.store().identity_remove(person.id, provider, &audit).await?;
        if is_removed { Ok(()) } else { Err(OpenIdError::UnknownProvider(provider.clone())) }
    }

    /// Decides who someone is here whom a partner knows.
    pub(super) async fn arrive(
        &self,
        provider: &dyn IdentityProvider,
        journey: Journey,
        proven: ProvenIdentity,
        source: Option<IpAddr>,
        agent: &str,
    ) -> Result<OpenIdOutcome, OpenIdError> {
        let store = self.people.store();
        let known = store.identity_find(provider.name(), &proven.subject).await?;
        let person = match (journey.intent, known) {
            (Intent::Link { person }, known) => {
                return self.link(provider, person, known.as_ref(), &proven, source).await;
            }
            (Intent::LogIn | Intent::SignUp { .. }, Some(identity)) => {
                self.people.find(identity.person).await?.ok_or(OpenIdError::NotLinked)?
            }
            (intent, None) => self.meet(provider, intent, proven, source).await?,
        };
        self.people.check_may_enter(&person)?;
        if self.people.has_factor(person.id).await? {
            let pending = Pending::of(person.id, self.people.now()).seal(self.people.seal())?;
            return Ok(OpenIdOutcome::CodeNeeded { pending });
        }
        Ok(OpenIdOutcome::LoggedIn(Box::new(self.people.open_session(&person, source, agent).await?)))
    }

    async fn link(
        &self,
        provider: &dyn IdentityProvider,
        person: PersonId,
        known: Option<&Identity>,
        proven: &ProvenIdentity,
        source: Option<IpAddr>,
    ) -> Result<OpenIdOutcome, OpenIdError> {
        if known.is_some_and(|identity| identity.person == person) {
            return Ok(OpenIdOutcome::Linked);
        }
        let identity = self.identity(provider, person, proven);
        let audit = self.linked(&identity, source);
        let is_linked = self.people.store().identity_insert(&identity, &audit).await?;
        if is_linked { Ok(OpenIdOutcome::Linked) } else { Err(OpenIdError::NotLinked) }
    }

    /// Someone whom the partner knows and we do not: known here by their address, or new.
    async fn meet(
        &self,
        provider: &dyn IdentityProvider,
        intent: Intent,
        proven: ProvenIdentity,
        source: Option<IpAddr>,
    ) -> Result<Person, OpenIdError> {
        let email = proven.email.clone().ok_or(OpenIdError::AddressMissing)?;
        let store = self.people.store();
        if let Some(person) = store.person_find_by_email(&email).await? {
            return self.recognise(provider, person, &proven, source).await;
        }
        let Intent::SignUp { locale, birth_date, has_guardian, agreements, invitation } = intent else {
            return Err(OpenIdError::Unknown);
        };

        let subjects = source.map(Subject::writer).into_iter();
        let _attempt = self
            .people
            .throttle()
            .begin(subjects.chain([Subject::Letter(email.folded())]), self.people.now())?;
        let is_verified = provider.is_trusted_with_addresses();
        let agreements = agreements.into_iter();
        let newcomer = Newcomer {
            is_verified,
            name: name_of(&proven, &email),
            password: None,
            locale,
            birth_date,
            has_guardian,
            agreements: agreements
                .map(|(subject, version, is_given)| Agreement { subject, version, is_given })
                .collect(),
            invitation: invitation.map(Secret::new),
            identity: Some(self.identity(provider, PersonId::generate(), &proven)),
            source,
            email: email.clone(),
        };
        let person = self.people.admit(newcomer).await?;
        if !is_verified && self.people.settings().verifies_email {
            self.people.send_verification(&person, &email).await?;
        }
        Ok(person)
    }

    /// Someone with the same address as a partner says. That it is the same person is believed of partners whom the
    /// operator trusts with it; a password that someone set before the address was verified is taken away, because it may
    /// be a stranger's who waited for this.
    async fn recognise(
        &self,
        provider: &dyn IdentityProvider,
        person: Person,
        proven: &ProvenIdentity,
        source: Option<IpAddr>,
    ) -> Result<Person, OpenIdError> {
        if !provider.is_trusted_with_addresses() {
            return Err(OpenIdError::NotLinked);
        }
        self.people.check_may_be_recognised(&person)?;
        let identity = self.identity(provider, person.id, proven);
        let audit = self.linked(&identity, source);
        let store = self.people.store();
        let is_linked = match person.email_verified {
            Some(_) => store.identity_insert(&identity, &audit).await?,
            None => store.identity_insert_verified(&identity, &audit).await?,
        };
        if !is_linked {
            return Err(OpenIdError::NotLinked);
        }
        self.people.find(person.id).await?.ok_or(OpenIdError::NotLinked)
    }

    fn identity(
        &self,
        provider: &dyn IdentityProvider,
        person: PersonId,
        proven: &ProvenIdentity,
    ) -> Identity {
        Identity {
            provider: provider.name().clone(),
            subject: proven.subject.clone(),
            person,
            linked: self.people.now(),
        }
    }

    fn linked(&self, identity: &Identity, source: Option<IpAddr>) -> AuditEvent {
        By::person(identity.person, source).did(identity.linked, None, IDENTITY_LINK, &identity.provider)
    }
}

/// What the partner calls them, if it can be shown, or the part of their address before the `@`.
fn name_of(proven: &ProvenIdentity, email: &EmailAddress) -> String {
    let told = proven.name.as_deref().and_then(|name| checked_name(name).ok());
    told.unwrap_or_else(|| email.as_str().split('@').next().unwrap_or_default().to_owned())
}
