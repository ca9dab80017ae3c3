use std::net::IpAddr;

use vocab::Secret;

use super::settings::whole_hours;
use super::{PERSON_CHANGE_PASSWORD, PERSON_RESET_PASSWORD, People, letter_subjects};
use crate::letter::Occasion;
use crate::throttle::{Subject, TooManyTries};
use crate::{
    By, EmailAddress, PasswordError, PeopleStoreError, PersonState, PostFull, SignedIn, TokenHash,
    TokenPurpose,
};

/// Why a password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordChangeError {
    /// The old password is wrong, or was changed meanwhile.
    #[error("the present password is wrong")]
    Wrong,
    /// The link was used, or is too old, or a newer one was sent.
    #[error("the link is no longer good; ask for a new one")]
    TokenGone,
    /// The new password cannot be used now, or ever.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Too early after too many tries.
    #[error(transparent)]
    TooManyTries(#[from] TooManyTries),
    /// The letter cannot be sent now.
    #[error(transparent)]
    PostFull(#[from] PostFull),
    /// The store failed.
    #[error("passwords cannot be changed now")]
    Store(#[from] PeopleStoreError),
}

impl People {
    /// Changes the password of someone who knows it, and ends their other sessions.
    pub async fn change_password(
        &self,
        signed_in: &SignedIn,
        old: &Secret,
        new: &Secret,
        source: Option<IpAddr>,
    ) -> Result<(), PasswordChangeError> {
        let person = &signed_in.person;
        let attempt = self.throttle.begin([Subject::Login(person.email.folded())], self.now())?;
        match self.passwords.is_right(old, person.password.as_ref()).await {
            Ok(true) => attempt.succeeded(),
            Ok(false) => return Err(PasswordChangeError::Wrong),
            Err(error) => {
                attempt.undone();
                return Err(error.into());
            }
        }
        let new = self.passwords.hash(new).await?;
        let audit = By::person(person.id, source).did(self.now(), None, PERSON_CHANGE_PASSWORD, person.id);
        let keep = Some(signed_in.session.id);
        let old = person.password.as_ref();
        if !self.store.person_set_password(person.id, old, Some(&new), keep, &audit).await? {
            return Err(PasswordChangeError::Wrong);
        }
        Ok(self.write(person, &Occasion::PasswordChanged { name: &person.name })?)
    }

    /// Sends a link for setting a new password, if the address has a login. Nobody is told whether it has.
    pub async fn forgot_password(
        &self,
        email: &EmailAddress,
        source: Option<IpAddr>,
    ) -> Result<(), PasswordChangeError> {
        // Stays counted whatever comes of it: it is letters that are limited.
        let _attempt = self.throttle.begin(letter_subjects(source, email), self.now())?;
        let person = self.store.person_find_by_email(email).await?;
        let Some(person) = person.filter(|person| person.state == PersonState::Active) else { return Ok(()) };

        let token = self.new_token(&person, &person.email, TokenPurpose::ResetPassword).await?;
        let hours = whole_hours(self.settings.proof_life);
        Ok(self.write(&person, &Occasion::ResetPassword { name: &person.name, token: &token, hours })?)
    }

    /// Sets a new password by the token of a letter, and ends all sessions. The address is verified by it too; a second
    /// factor is still asked for.
    pub async fn reset_password(
        &self,
        token: &Secret,
        new: &Secret,
        source: Option<IpAddr>,
    ) -> Result<(), PasswordChangeError> {
        let attempt = self.throttle.begin(source.map(Subject::source), self.now())?;
        let hash = TokenHash::of(token);
        let now = self.now();
        let found = self.store.token_find(&hash).await?;
        let kept = found.filter(|token| token.is_good(TokenPurpose::ResetPassword, now));
        let kept = kept.ok_or(PasswordChangeError::TokenGone)?;

        let new = self.passwords.hash(new).await?;
        let audit = By::person(kept.person, source).did(now, None, PERSON_RESET_PASSWORD, kept.person);
        if !self.store.person_reset_password(&hash, &new, &audit).await? {
            return Err(PasswordChangeError::TokenGone);
        }
        attempt.succeeded();
        if let Some(person) = self.store.person_find(kept.person).await? {
            self.write(&person, &Occasion::PasswordChanged { name: &person.name })?;
        }
        Ok(())
    }
}
