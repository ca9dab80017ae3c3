use vocab::{AccountId, PersonId, Secret};

use super::settings::whole_hours;
use super::{PERSON_ENROL, People};
use crate::account::{InvalidName, checked_name};
use crate::letter::Occasion;
use crate::{
    Arrival, Arrived, By, EmailAddress, Locale, Membership, PasswordError, PeopleStoreError, Person,
    PersonState, Place, PostFull, Role, TokenPurpose,
};

/// Someone whom the operator gives a login, whoever may sign up.
#[derive(Clone, Debug)]
pub struct Enrolment {
    /// Where mail reaches them; counts as verified.
    pub email: EmailAddress,
    /// What they are called.
    pub name: String,
    /// Their password; without one they are sent a letter to set it.
    pub password: Option<Secret>,
    /// The language to write to them in.
    pub locale: Locale,
    /// The account that they belong to, which exists.
    pub account: AccountId,
    /// As what.
    pub role: Role,
}

/// Why someone was not given a login.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// Someone has the address.
    #[error("the address `{0}` has a login already")]
    AddressTaken(EmailAddress),
    /// The name cannot be shown.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// The password cannot be used now, or ever.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The letter cannot be sent now.
    #[error(transparent)]
    PostFull(#[from] PostFull),
    /// The store failed, or there is no such account.
    #[error("nobody can be given a login now")]
    Store(#[from] PeopleStoreError),
}

impl People {
    /// Gives someone a login and a place in an account; for the operator.
    pub async fn enrol(&self, enrolment: Enrolment, by: &By) -> Result<Person, EnrolmentError> {
        let now = self.now();
        let id = PersonId::generate();
        let password = match &enrolment.password {
            Some(password) => Some(self.passwords.hash(password).await?),
            None => None,
        };
        let person = Person {
            id,
            email: enrolment.email,
            email_verified: Some(now),
            name: checked_name(&enrolment.name)?,
            password,
            locale: enrolment.locale,
            birth_date: None,
            state: PersonState::Active,
            created: now,
        };
        let membership =
            Membership { person: id, account: enrolment.account, role: enrolment.role, since: now };
        let arrival = Arrival {
            person,
            place: Place::Placed(membership),
            identity: None,
            consents: Vec::new(),
            audit: by.did(now, enrolment.account, PERSON_ENROL, id).with("role", enrolment.role.name()),
        };
        match self.store.person_insert(&arrival).await? {
            Arrived::Written => {}
            Arrived::AddressTaken | Arrived::InvitationGone => {
                return Err(EnrolmentError::AddressTaken(arrival.person.email));
            }
        }

        let person = arrival.person;
        if person.password.is_none() {
            let token = self.new_token(&person, &person.email, TokenPurpose::ResetPassword).await?;
            let hours = whole_hours(self.settings.proof_life);
            self.write(&person, &Occasion::ResetPassword { name: &person.name, token: &token, hours })?;
        }
        Ok(person)
    }
}
