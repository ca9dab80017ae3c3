//! People: how they arrive, log in, prove who they are, and change what belongs to them.

mod address;
mod enrolment;
mod login;
mod password_change;
mod profile;
mod proof;
mod second_factor;
mod sessions;
mod settings;
mod sign_up;

use std::net::IpAddr;
use std::sync::Arc;

use vocab::{Clock, PersonId, Secret, Timestamp};

use crate::letter::Occasion;
use crate::throttle::{Subject, Throttle};
use crate::token::new_token;
use crate::{
    AuditAction, EmailAddress, Letter, OneTimeToken, Passwords, PeopleStore, PeopleStoreError, Person, Post,
    PostFull, Seal, TokenPurpose,
};

pub use address::AddressError;
pub use enrolment::{Enrolment, EnrolmentError};
pub use login::{Login, LoginError, NewSession};
pub use password_change::PasswordChangeError;
pub use profile::ProfileError;
pub use proof::{Proof, ProofError};
pub use second_factor::FactorError;
pub use sessions::SessionError;
pub use settings::{PeopleSettings, SignUpPolicy};
pub(crate) use sign_up::{Newcomer, consent, owner};
pub use sign_up::{SignUp, SignUpError, SignedUp};

/// Lets people in, and lets them change what is theirs.
pub struct People {
    store: Arc<dyn PeopleStore>,
    passwords: Passwords,
    post: Post,
    seal: Seal,
    clock: Arc<dyn Clock>,
    settings: PeopleSettings,
    throttle: Throttle,
}

impl People {
    /// People kept in `store`, their secrets under `seal`, their letters through `post`.
    pub fn new(
        settings: PeopleSettings,
        store: Arc<dyn PeopleStore>,
        passwords: Passwords,
        post: Post,
        seal: Seal,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, passwords, post, seal, clock, settings, throttle: Throttle::new() }
    }

    /// The person called `id`.
    pub async fn find(&self, id: PersonId) -> Result<Option<Person>, PeopleStoreError> {
        self.store.person_find(id).await
    }

    /// The person with this address.
    pub async fn find_by_email(&self, email: &EmailAddress) -> Result<Option<Person>, PeopleStoreError> {
        self.store.person_find_by_email(email).await
    }

    /// A page of persons, oldest first; the id of its last is the cursor of the next. Never more than 1000.
    pub async fn list(&self, cursor: Option<PersonId>, limit: u32) -> Result<Vec<Person>, PeopleStoreError> {
        self.store.person_list(cursor, limit.min(PAGE_MAX)).await
    }

    /// How people are let in.
    pub fn settings(&self) -> &PeopleSettings {
        &self.settings
    }

    pub(crate) fn store(&self) -> &Arc<dyn PeopleStore> {
        &self.store
    }

    pub(crate) fn seal(&self) -> &Seal {
        &self.seal
    }

    pub(crate) fn throttle(&self) -> &Throttle {
        &self.throttle
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Writes to someone, wherever their mail goes now.
    pub(crate) fn write(&self, person: &Person, occasion: &Occasion<'_>) -> Result<(), PostFull> {
        self.post.send(Letter::write(&self.settings.site, &person.email, person.locale, occasion))
    }

    pub(crate) fn post(&self, letter: Letter) -> Result<(), PostFull> {
        self.post.send(letter)
    }

    /// Makes and keeps a token that will be sent to `email`.
    async fn new_token(
        &self,
        person: &Person,
        email: &EmailAddress,
        purpose: TokenPurpose,
    ) -> Result<Secret, PeopleStoreError> {
        let now = self.now();
        let (token, hash) = new_token();
        let kept = OneTimeToken {
            hash,
            purpose,
            person: person.id,
            email: email.clone(),
            created: now,
            expires: now.plus(self.settings.token_life(purpose)),
            used: None,
        };
        self.store.token_insert(&kept).await?;
        Ok(token)
    }
}

const PAGE_MAX: u32 = 1000;

/// Who is counted when a letter is written: where the wish comes from, then to whom it goes.
fn letter_subjects(source: Option<IpAddr>, email: &EmailAddress) -> Vec<Subject> {
    let source = source.map(Subject::writer);
    source.into_iter().chain([Subject::Letter(email.folded())]).collect()
}

pub(crate) const PERSON_SIGN_UP: AuditAction = AuditAction::named("person.sign_up");
const PERSON_ENROL: AuditAction = AuditAction::named("person.enrol");
const PERSON_LOG_IN: AuditAction = AuditAction::named("person.log_in");
const PERSON_VERIFY_EMAIL: AuditAction = AuditAction::named("person.verify_email");
const PERSON_CHANGE_PASSWORD: AuditAction = AuditAction::named("person.change_password");
const PERSON_RESET_PASSWORD: AuditAction = AuditAction::named("person.reset_password");
const PERSON_CHANGE_PROFILE: AuditAction = AuditAction::named("person.change_profile");
const PERSON_LOCK: AuditAction = AuditAction::named("person.lock");
const PERSON_UNLOCK: AuditAction = AuditAction::named("person.unlock");
const SESSION_END: AuditAction = AuditAction::named("session.end");
const SESSION_END_ALL: AuditAction = AuditAction::named("session.end_all");
const FACTOR_ENABLE: AuditAction = AuditAction::named("second_factor.enable");
const FACTOR_DISABLE: AuditAction = AuditAction::named("second_factor.disable");
const RECOVERY_USE: AuditAction = AuditAction::named("recovery_code.use");
const RECOVERY_REPLACE: AuditAction = AuditAction::named("recovery_code.replace");
