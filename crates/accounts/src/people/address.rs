use std::net::IpAddr;

use vocab::{PersonId, Secret};

use super::{PERSON_VERIFY_EMAIL, People, Proof, ProofError, SignUpError, letter_subjects};
use crate::letter::Occasion;
use crate::throttle::{Subject, TooManyTries};
use crate::{
    AddressChange, By, EmailAddress, Letter, PeopleStoreError, PersonState, PostFull, SignedIn, TokenHash,
    TokenPurpose,
};

/// Why an address was not verified or changed.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// The link was used, or is too old, or a newer one was sent.
    #[error("the link is no longer good; ask for a new one")]
    TokenGone,
    /// Someone else took the address meanwhile.
    #[error("this address belongs to another login now")]
    AddressTaken,
    /// They did not prove who they are.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// Too many letters to there, or wishes from there.
    #[error(transparent)]
    TooManyTries(#[from] TooManyTries),
    /// The letter cannot be sent now.
    #[error(transparent)]
    PostFull(#[from] PostFull),
    /// The letter could not be written.
    #[error("the letter could not be written")]
    Letter(#[source] Box<SignUpError>),
    /// The store failed.
    #[error("addresses cannot be changed now")]
    Store(#[from] PeopleStoreError),
}

impl People {
    /// Makes the address that a token was sent to the person's, and says whose.
    pub async fn verify_email(
        &self,
        token: &Secret,
        source: Option<IpAddr>,
    ) -> Result<PersonId, AddressError> {
        let attempt = self.throttle.begin(source.map(Subject::source), self.now())?;
        let hash = TokenHash::of(token);
        let now = self.now();
        let found = self.store.token_find(&hash).await?;
        let kept = found.filter(|token| token.is_good(TokenPurpose::VerifyEmail, now));
        let kept = kept.ok_or(AddressError::TokenGone)?;
        let before = self.store.person_find(kept.person).await?.ok_or(AddressError::TokenGone)?;

        let audit = By::person(kept.person, source).did(now, None, PERSON_VERIFY_EMAIL, kept.person);
        match self.store.person_verify_email(&hash, &audit).await? {
            AddressChange::Done => {}
            AddressChange::TokenGone => return Err(AddressError::TokenGone),
            AddressChange::AddressTaken => return Err(AddressError::AddressTaken),
        }
        attempt.succeeded();
        if before.email != kept.email {
            self.write(&before, &Occasion::EmailChanged { name: &before.name })?;
        }
        Ok(kept.person)
    }

    /// Sends the link for verifying an address again, if it waits for that. Nobody is told whether it does.
    pub async fn resend_verification(
        &self,
        email: &EmailAddress,
        source: Option<IpAddr>,
    ) -> Result<(), AddressError> {
        let _attempt = self.throttle.begin(letter_subjects(source, email), self.now())?;
        let found = self.store.person_find_by_email(email).await?;
        let waits =
            found.filter(|person| person.email_verified.is_none() && person.state == PersonState::Active);
        let Some(person) = waits else { return Ok(()) };
        self.send_verification(&person, &person.email)
            .await
            .map_err(|error| AddressError::Letter(Box::new(error)))
    }

    /// Sends a link to a new address; the person keeps the old one until it is opened (rule DATA-04).
    pub async fn change_email(
        &self,
        signed_in: &SignedIn,
        proof: &Proof<'_>,
        new: &EmailAddress,
        source: Option<IpAddr>,
    ) -> Result<(), AddressError> {
        let _attempt = self.throttle.begin(letter_subjects(source, new), self.now())?;
        self.prove(signed_in, proof, source).await?;
        let person = &signed_in.person;
        match self.store.person_find_by_email(new).await? {
            // Its owner is told; who asks learns nothing about the address.
            Some(other) if other.id != person.id => {
                let occasion = Occasion::AddressKnown { name: &other.name };
                self.post(Letter::write(&self.settings.site, &other.email, other.locale, &occasion))?;
                Ok(())
            }
            _ => self
                .send_verification(person, new)
                .await
                .map_err(|error| AddressError::Letter(Box::new(error))),
        }
    }
}
