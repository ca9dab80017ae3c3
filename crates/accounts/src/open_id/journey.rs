use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use vocab::{PersonId, Secret, Timestamp};

use super::OpenIdSignUp;
use crate::token::{TOKEN_CHARS, random_text};
use crate::{
    Agreement, AuthorizationRequest, BirthDate, ConsentSubject, ConsentVersion, Locale, ProviderName, Seal,
    SealError, SealedSecret,
};

const JOURNEY_LIFE: Duration = Duration::from_secs(600);
const PENDING_LIFE: Duration = Duration::from_secs(300);

/// Longest cookie that is looked at; browsers keep 4096 bytes.
const SEALED_BYTES_MAX: usize = 8192;

/// What travels with a browser to a partner and back. Never printed.
#[derive(Serialize, Deserialize)]
pub(super) struct Journey {
    pub(super) provider: ProviderName,
    pub(super) intent: Intent,
    state: String,
    nonce: String,
    verifier: String,
    expires: Timestamp,
}

/// What someone wants from the journey.
#[derive(Serialize, Deserialize)]
pub(super) enum Intent {
    LogIn,
    SignUp {
        locale: Locale,
        birth_date: Option<BirthDate>,
        has_guardian: bool,
        agreements: Vec<(ConsentSubject, ConsentVersion, bool)>,
        invitation: Option<String>,
    },
    Link {
        person: PersonId,
    },
}

/// Someone whom a partner knows, and who still has to show their second factor.
#[derive(Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) person: PersonId,
    expires: Timestamp,
}

impl Intent {
    pub(super) fn log_in(sign_up: Option<OpenIdSignUp>) -> Self {
        let Some(wish) = sign_up else { return Self::LogIn };
        let told = |agreement: Agreement| (agreement.subject, agreement.version, agreement.is_given);
        Self::SignUp {
            locale: wish.locale,
            birth_date: wish.birth_date,
            has_guardian: wish.has_guardian,
            agreements: wish.agreements.into_iter().map(told).collect(),
            invitation: wish.invitation.map(|token| token.expose().to_owned()),
        }
    }
}

impl Journey {
    pub(super) fn begin(provider: ProviderName, intent: Intent, now: Timestamp) -> Self {
        let random = || random_text(TOKEN_CHARS).expose().to_owned();
        let expires = now.plus(JOURNEY_LIFE);
        Self { provider, intent, state: random(), nonce: random(), verifier: random(), expires }
    }

    pub(super) fn seal(&self, seal: &Seal) -> Result<Secret, SealError> {
        sealed(seal, "journey", self)
    }

    pub(super) fn open(seal: &Seal, cookie: &Secret, now: Timestamp) -> Option<Self> {
        opened::<Self>(seal, "journey", cookie).filter(|journey| now < journey.expires)
    }

    pub(super) fn is_named_by(&self, state: &Secret) -> bool {
        bool::from(self.state.as_bytes().ct_eq(state.expose().as_bytes()))
    }

    pub(super) fn request(&self) -> AuthorizationRequest {
        AuthorizationRequest {
            state: Secret::new(&*self.state),
            nonce: Secret::new(&*self.nonce),
            verifier: Secret::new(&*self.verifier),
        }
    }
}

impl Pending {
    pub(super) fn of(person: PersonId, now: Timestamp) -> Self {
        Self { person, expires: now.plus(PENDING_LIFE) }
    }

    pub(super) fn seal(&self, seal: &Seal) -> Result<Secret, SealError> {
        sealed(seal, "pending", self)
    }

    pub(super) fn open(seal: &Seal, text: &Secret, now: Timestamp) -> Option<Self> {
        opened::<Self>(seal, "pending", text).filter(|pending| now < pending.expires)
    }
}

fn sealed<T: Serialize>(seal: &Seal, what: &str, value: &T) -> Result<Secret, SealError> {
    let text = serde_json::to_string(value).map_err(|_| SealError::NotSealed)?;
    let sealed = seal.seal_for(&purpose(what), &Secret::new(text))?;
    Ok(Secret::new(sealed.as_str()))
}

fn opened<T: DeserializeOwned>(seal: &Seal, what: &str, text: &Secret) -> Option<T> {
    if text.expose().len() > SEALED_BYTES_MAX {
        return None;
    }
    let sealed = SealedSecret::from_text(text.expose().to_owned());
    let opened = seal.open_for(&purpose(what), &sealed).ok()?;
    serde_json::from_str(opened.expose()).ok()
}

fn purpose(what: &str) -> String {
    format!("{what} of a login by way of a partner")
}
