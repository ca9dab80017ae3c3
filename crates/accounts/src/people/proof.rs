use std::net::IpAddr;

use vocab::Secret;

use super::settings::whole_hours;
use super::{People, letter_subjects};
use crate::letter::Occasion;
use crate::throttle::{Subject, TooManyTries};
use crate::{PasswordError, PeopleStoreError, PostFull, SignedIn, TokenHash, TokenPurpose};

/// What shows that it is the person who asks, and not someone at their desk (rule DATA-06).
#[derive(Clone, Copy, Debug)]
pub enum Proof<'a> {
    /// Their password.
    Password(&'a Secret),
    /// The token of a letter that [`People::send_proof`] wrote. Good once.
    Letter(&'a Secret),
}

/// Why a proof does not hold.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The password is wrong, or the link is not theirs, used or too old.
    #[error("this does not show that it is you; type your password, or ask for a letter")]
    Wrong,
    /// Too early after too many tries.
    #[error(transparent)]
    TooManyTries(#[from] TooManyTries),
    /// Too many passwords are being checked.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The letter cannot be sent now.
    #[error(transparent)]
    PostFull(#[from] PostFull),
    /// The store failed.
    #[error("nobody can be checked now")]
    Store(#[from] PeopleStoreError),
}

impl People {
    /// Passes if `proof` shows that it is the person who is signed in.
    pub async fn prove(
        &self,
        signed_in: &SignedIn,
        proof: &Proof<'_>,
        source: Option<IpAddr>,
    ) -> Result<(), ProofError> {
        let person = &signed_in.person;
        let subjects = source.map(Subject::source).into_iter();
        let subjects = subjects.chain([Subject::Login(person.email.folded())]);
        let attempt = self.throttle.begin(subjects, self.now())?;

        let result = match proof {
            Proof::Password(password) => {
                self.passwords.is_right(password, person.password.as_ref()).await.map_err(ProofError::from)
            }
            Proof::Letter(token) => self.is_letter_of(signed_in, token).await.map_err(ProofError::from),
        };
        match result {
            Ok(true) => {
                attempt.succeeded();
                Ok(())
            }
            Ok(false) => Err(ProofError::Wrong),
            Err(error) => {
                attempt.undone();
                Err(error)
            }
        }
    }

    /// Sends a letter that lets the person prove who they are, for those without a password.
    pub async fn send_proof(&self, signed_in: &SignedIn, source: Option<IpAddr>) -> Result<(), ProofError> {
        let person = &signed_in.person;
        let _attempt = self.throttle.begin(letter_subjects(source, &person.email), self.now())?;
        let token = self.new_token(person, &person.email, TokenPurpose::ConfirmRights).await?;
        let hours = whole_hours(self.settings.proof_life);
        Ok(self.write(person, &Occasion::ConfirmRights { name: &person.name, token: &token, hours })?)
    }

    async fn is_letter_of(&self, signed_in: &SignedIn, token: &Secret) -> Result<bool, PeopleStoreError> {
        let hash = TokenHash::of(token);
        let found = self.store.token_find(&hash).await?;
        let is_theirs = found.is_some_and(|token| token.person == signed_in.person.id);
        Ok(is_theirs && self.store.token_use(&hash, TokenPurpose::ConfirmRights, self.now()).await?)
    }
}
