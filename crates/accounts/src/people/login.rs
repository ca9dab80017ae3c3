use std::net::IpAddr;

use vocab::{Secret, SessionId};

use super::{PERSON_LOG_IN, People};
use crate::session::AGENT_CHARS_MAX;
use crate::throttle::{Subject, TooManyTries};
use crate::token::new_token;
use crate::{By, EmailAddress, FactorError, PasswordError, PeopleStoreError, Person, PersonState, Session};

/// What someone hands in who wants to log in.
#[derive(Clone, Debug)]
pub struct Login {
    /// The address, as they typed it.
    pub email: String,
    /// The password.
    pub password: Secret,
    /// A code of the second factor, or a recovery code, if they were asked for one.
    pub code: Option<Secret>,
    /// From where they come.
    pub source: Option<IpAddr>,
    /// What their browser says it is.
    pub agent: String,
}

/// A session that has just begun. Its token goes into a cookie that scripts cannot read, and is nowhere else.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The session.
    pub session: Session,
    /// Whose it is.
    pub person: Person,
    /// What it is found by.
    pub token: Secret,
}

/// Why someone is not let in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Nobody has this address, or another password.
    #[error("the address or the password is wrong")]
    Wrong,
    /// The password is right, and a code is needed too.
    #[error("a code of your second factor is needed")]
    CodeNeeded,
    /// The code is not one of now, or was used.
    #[error("the code is wrong or was used; wait for the next one")]
    WrongCode,
    /// The password is right, but the address is not verified.
    #[error("the address is not confirmed yet; open the link in the letter, or ask for another")]
    Unverified,
    /// The operator does not let them in.
    #[error("this login is locked; write to the operator")]
    Locked,
    /// Too early after too many tries.
    #[error(transparent)]
    TooManyTries(#[from] TooManyTries),
    /// Too many log in at once, or hashing failed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The second factor's secret cannot be read.
    #[error("the second factor cannot be checked")]
    Factor(#[source] Box<FactorError>),
    /// The store failed.
    #[error("nobody can log in now")]
    Store(#[from] PeopleStoreError),
}

/// Longest address that is looked at.
const EMAIL_CHARS_MAX: usize = 254;

impl People {
    /// Lets someone in by their password, and by a code where they have a second factor.
    ///
    /// Who has no login here is refused in the same words and the same time. After five tries at one address or thirty
    /// from one source each further one has to wait longer.
    pub async fn login(&self, login: &Login) -> Result<NewSession, LoginError> {
        let address: String = login.email.trim().chars().take(EMAIL_CHARS_MAX).collect();
        let subjects = login.source.map(Subject::source);
        let subjects = subjects.into_iter().chain([Subject::Login(address.to_lowercase())]);
        let attempt = self.throttle.begin(subjects, self.now())?;

        let result = self.check_login(&address, login).await;
        match &result {
            Ok(_) => attempt.succeeded(),
            Err(LoginError::Wrong | LoginError::WrongCode) => drop(attempt),
            Err(_) => attempt.undone(),
        }
        self.open_session(&result?, login.source, &login.agent).await.map_err(LoginError::Store)
    }

    async fn check_login(&self, address: &str, login: &Login) -> Result<Person, LoginError> {
        let person = match address.parse::<EmailAddress>() {
            Ok(email) => self.store.person_find_by_email(&email).await?,
            Err(_) => None,
        };
        let hash = person.as_ref().and_then(|person| person.password.as_ref());
        let is_right = self.passwords.is_right(&login.password, hash).await?;
        let person = person.filter(|_| is_right).ok_or(LoginError::Wrong)?;
        self.check_may_enter(&person)?;

        let code = login.code.as_ref();
        match (self.has_factor(person.id).await?, code) {
            (false, _) => Ok(person),
            (true, None) => Err(LoginError::CodeNeeded),
            (true, Some(code)) => {
                let by = By::person(person.id, login.source);
                let is_shown = self.is_factor_shown(person.id, code, &by).await;
                let is_shown = is_shown.map_err(|error| LoginError::Factor(Box::new(error)))?;
                if is_shown { Ok(person) } else { Err(LoginError::WrongCode) }
            }
        }
    }

    /// Whether someone who proved who they are may come in at all.
    pub(crate) fn check_may_enter(&self, person: &Person) -> Result<(), LoginError> {
        match person.state {
            PersonState::Active if person.email_verified.is_none() && self.settings.verifies_email => {
                Err(LoginError::Unverified)
            }
            PersonState::Active => Ok(()),
            PersonState::Locked => Err(LoginError::Locked),
            PersonState::Erased => Err(LoginError::Wrong),
        }
    }

    /// Whether someone may be recognised by their address alone.
    pub(crate) fn check_may_be_recognised(&self, person: &Person) -> Result<(), LoginError> {
        match person.state {
            PersonState::Active => Ok(()),
            PersonState::Locked => Err(LoginError::Locked),
            PersonState::Erased => Err(LoginError::Wrong),
        }
    }

    pub(crate) async fn open_session(
        &self,
        person: &Person,
        source: Option<IpAddr>,
        agent: &str,
    ) -> Result<NewSession, PeopleStoreError> {
        let now = self.now();
        let (token, hash) = new_token();
        let session = Session {
            id: SessionId::generate(),
            person: person.id,
            token: hash,
            created: now,
            last_seen: now,
            expires: now.plus(self.settings.session_life),
            ended: None,
            source,
            agent: agent.chars().filter(|c| !c.is_control()).take(AGENT_CHARS_MAX).collect(),
        };
        let audit = By::person(person.id, source).did(now, None, PERSON_LOG_IN, session.id);
        self.store.session_insert(&session, &audit).await?;
        Ok(NewSession { session, person: person.clone(), token })
    }
}
