use std::net::IpAddr;

use vocab::{AccountId, ConsentId, PersonId, Secret, Timestamp};

use super::settings::whole_hours;
use super::{PERSON_SIGN_UP, People, SignUpPolicy, letter_subjects};
use crate::account::{InvalidName, checked_name};
use crate::letter::Occasion;
use crate::throttle::TooManyTries;
use crate::{
    Account, AccountState, Agreement, Arrival, Arrived, BirthDate, By, Consent, EmailAddress, Identity,
    Invitation, Locale, Membership, PasswordError, PasswordHash, PeopleStoreError, Person, PersonState,
    Place, PostFull, RateOverrides, Role, TokenHash, TokenPurpose,
};

/// Agreements that one sign-up can bring.
const AGREEMENTS_MAX: usize = 16;

/// What someone hands in who wants to sign up (rule AUTH-10).
#[derive(Clone, Debug)]
pub struct SignUp {
    /// Where mail reaches them.
    pub email: EmailAddress,
    /// What they want to be called.
    pub name: String,
    /// What they will log in with.
    pub password: Secret,
    /// The language to write to them in.
    pub locale: Locale,
    /// When they were born, if it was asked.
    pub birth_date: Option<BirthDate>,
    /// Whether they say that a guardian permits it.
    pub has_guardian: bool,
    /// What they agreed to.
    pub agreements: Vec<Agreement>,
    /// The token of an invitation, if a letter brought them.
    pub invitation: Option<Secret>,
    /// From where they come.
    pub source: Option<IpAddr>,
}

/// What they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedUp {
    /// They can log in.
    Ready(PersonId),
    /// A letter is on its way to the address. Whether someone had it already is known only to who reads the letter.
    LetterSent,
}

/// Why someone did not sign up.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// Nobody may.
    #[error("sign-up is closed here; ask the operator for a login")]
    Closed,
    /// Only who is invited may.
    #[error("sign-up needs an invitation; ask a member of an account for one")]
    InvitationNeeded,
    /// The invitation is used, withdrawn or too old.
    #[error("the invitation is no longer good; ask for a new one")]
    InvitationGone,
    /// The day of birth is asked, and missing or not yet come.
    #[error("say when you were born")]
    BirthDateNeeded,
    /// They are too young (rule DATA-12).
    #[error("you have to be at least {age_min} years old")]
    TooYoung {
        /// How old they have to be.
        age_min: u16,
    },
    /// They need a guardian's permission (rule DATA-12).
    #[error("you are under {age}; a parent or guardian has to permit it")]
    GuardianNeeded {
        /// From what age on they would not.
        age: u16,
    },
    /// The name cannot be shown.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// More agreements than there are texts.
    #[error("too many agreements at once")]
    TooManyAgreements,
    /// Someone has the address. Told only where it is no secret.
    #[error("this address has a login already; log in, or set a new password")]
    AddressTaken,
    /// The password cannot be used now, or ever.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Too many from there, or letters to there.
    #[error(transparent)]
    TooManyTries(#[from] TooManyTries),
    /// The letter cannot be sent now.
    #[error(transparent)]
    PostFull(#[from] PostFull),
    /// The store failed.
    #[error("people cannot sign up now")]
    Store(#[from] PeopleStoreError),
}

/// Who arrives, however they do.
pub(crate) struct Newcomer {
    pub(crate) email: EmailAddress,
    pub(crate) is_verified: bool,
    pub(crate) name: String,
    pub(crate) password: Option<PasswordHash>,
    pub(crate) locale: Locale,
    pub(crate) birth_date: Option<BirthDate>,
    pub(crate) has_guardian: bool,
    pub(crate) agreements: Vec<Agreement>,
    pub(crate) invitation: Option<Secret>,
    pub(crate) identity: Option<Identity>,
    pub(crate) source: Option<IpAddr>,
}

impl People {
    /// Signs someone up with an account of their own, or into the account that invited them.
    ///
    /// An address that has a login gets a letter that says so, and who asks is told the same as everyone.
    pub async fn sign_up(&self, wish: SignUp) -> Result<SignedUp, SignUpError> {
        // Stays counted whatever comes of it: it is letters that are limited.
        let _attempt = self.throttle.begin(letter_subjects(wish.source, &wish.email), self.now())?;
        if self.settings.sign_up == SignUpPolicy::Closed {
            return Err(SignUpError::Closed);
        }
        let mut newcomer = Newcomer {
            email: wish.email,
            is_verified: false,
            name: wish.name,
            password: None,
            locale: wish.locale,
            birth_date: wish.birth_date,
            has_guardian: wish.has_guardian,
            agreements: wish.agreements,
            invitation: wish.invitation,
            identity: None,
            source: wish.source,
        };
        self.check_newcomer(&mut newcomer)?;
        newcomer.password = Some(self.passwords.hash(&wish.password).await?);
        let invitation = self.invitation_of(&newcomer).await?;
        newcomer.is_verified = invitation.as_ref().is_some_and(|open| open.email == newcomer.email);

        let arrival = self.arrival(&newcomer, PersonId::generate(), invitation);
        let is_open = newcomer.is_verified || !self.settings.verifies_email;
        match (self.store.person_insert(&arrival).await?, is_open) {
            (Arrived::InvitationGone, _) => return Err(SignUpError::InvitationGone),
            (Arrived::AddressTaken, true) => return Err(SignUpError::AddressTaken),
            (Arrived::Written, true) => return Ok(SignedUp::Ready(arrival.person.id)),
            (Arrived::AddressTaken, false) => self.meet_again(arrival).await?,
            (Arrived::Written, false) => {
                self.send_verification(&arrival.person, &arrival.person.email).await?;
            }
        }
        Ok(SignedUp::LetterSent)
    }

    /// Writes someone whom a partner sent, with what the partner knows about them. The policy holds for them too.
    pub(crate) async fn admit(&self, mut newcomer: Newcomer) -> Result<Person, SignUpError> {
        match self.settings.sign_up {
            SignUpPolicy::Closed => return Err(SignUpError::Closed),
            SignUpPolicy::Open | SignUpPolicy::InviteOnly => self.check_newcomer(&mut newcomer)?,
        }
        let invitation = self.invitation_of(&newcomer).await?;
        let id = newcomer.identity.as_ref().map_or_else(PersonId::generate, |identity| identity.person);
        let arrival = self.arrival(&newcomer, id, invitation);
        match self.store.person_insert(&arrival).await? {
            Arrived::Written => Ok(arrival.person),
            Arrived::AddressTaken => Err(SignUpError::AddressTaken),
            Arrived::InvitationGone => Err(SignUpError::InvitationGone),
        }
    }

    pub(crate) async fn send_verification(
        &self,
        person: &Person,
        email: &EmailAddress,
    ) -> Result<(), SignUpError> {
        let token = self.new_token(person, email, TokenPurpose::VerifyEmail).await?;
        let hours = whole_hours(self.settings.verify_life);
        let to = Person { email: email.clone(), ..person.clone() };
        Ok(self.write(&to, &Occasion::VerifyEmail { token: &token, hours })?)
    }

    /// Someone signs up whose address is known. If nobody has proved that it is theirs, the newest wish counts: its
    /// password replaces the one of whoever came first. Else its owner is told.
    async fn meet_again(&self, arrival: Arrival) -> Result<(), SignUpError> {
        let Some(known) = self.store.person_find_by_email(&arrival.person.email).await? else {
            return Ok(());
        };
        let again = Person { id: known.id, created: known.created, ..arrival.person };
        if known.state == PersonState::Active && self.store.person_renew(&again).await? {
            for consent in arrival.consents {
                self.store.consent_insert(&Consent { person: known.id, ..consent }).await?;
            }
            return self.send_verification(&again, &again.email).await;
        }
        Ok(self.write(&known, &Occasion::AddressKnown { name: &known.name })?)
    }

    fn check_newcomer(&self, newcomer: &mut Newcomer) -> Result<(), SignUpError> {
        newcomer.name = checked_name(&newcomer.name)?;
        if newcomer.agreements.len() > AGREEMENTS_MAX {
            return Err(SignUpError::TooManyAgreements);
        }
        if !self.settings.asks_birth_date && newcomer.birth_date.is_none() {
            return Ok(());
        }
        let age = newcomer.birth_date.and_then(|date| date.age_at(self.now()));
        let age = age.ok_or(SignUpError::BirthDateNeeded)?;
        let (age_min, guardian_age) = (self.settings.age_min, self.settings.guardian_age);
        if age < age_min {
            return Err(SignUpError::TooYoung { age_min });
        }
        if age < guardian_age && !newcomer.has_guardian {
            return Err(SignUpError::GuardianNeeded { age: guardian_age });
        }
        Ok(())
    }

    async fn invitation_of(&self, newcomer: &Newcomer) -> Result<Option<Invitation>, SignUpError> {
        let Some(token) = &newcomer.invitation else {
            let is_needed = self.settings.sign_up == SignUpPolicy::InviteOnly;
            return if is_needed { Err(SignUpError::InvitationNeeded) } else { Ok(None) };
        };
        let found = self.store.invitation_find(&TokenHash::of(token)).await?;
        let open = found.filter(|invitation| invitation.is_open(self.now()));
        open.map(Some).ok_or(SignUpError::InvitationGone)
    }

    fn arrival(&self, newcomer: &Newcomer, id: PersonId, invitation: Option<Invitation>) -> Arrival {
        let now = self.now();
        let person = Person {
            id,
            email: newcomer.email.clone(),
            email_verified: newcomer.is_verified.then_some(now),
            name: newcomer.name.clone(),
            password: newcomer.password.clone(),
            locale: newcomer.locale,
            birth_date: newcomer.birth_date,
            state: PersonState::Active,
            created: now,
        };
        let (account, place) = match invitation {
            Some(invitation) => {
                let membership =
                    Membership { person: id, account: invitation.account, role: invitation.role, since: now };
                (invitation.account, Place::Invited { invitation: invitation.token, membership })
            }
            None => self.own_place(&person),
        };
        let by = By::person(id, newcomer.source);
        Arrival {
            place,
            identity: newcomer.identity.clone(),
            consents: newcomer.agreements.iter().map(|agreement| consent(id, agreement, now)).collect(),
            audit: by.did(now, account, PERSON_SIGN_UP, id),
            person,
        }
    }

    /// An account of their own, which waits until their address is verified.
    fn own_place(&self, person: &Person) -> (AccountId, Place) {
        let is_ready = person.email_verified.is_some() || !self.settings.verifies_email;
        let account = Account {
            id: AccountId::generate(),
            name: person.name.clone(),
            is_operator: false,
            state: if is_ready { AccountState::Active } else { AccountState::Inactive },
            rates: RateOverrides::default(),
            created: person.created,
        };
        (account.id, Place::Own(account))
    }
}

pub(crate) fn consent(person: PersonId, agreement: &Agreement, at: Timestamp) -> Consent {
    Consent {
        id: ConsentId::generate(),
        person,
        subject: agreement.subject,
        version: agreement.version.clone(),
        is_given: agreement.is_given,
        at,
    }
}

/// In an account's membership, who owns it.
pub(crate) fn owner(person: PersonId, account: AccountId, since: Timestamp) -> Membership {
    Membership { person, account, role: Role::Owner, since }
}
