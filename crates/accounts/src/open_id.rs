//! Logging in by way of a partner (rule AUTH-10).

mod journey;
mod sign_in;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use vocab::Secret;

use crate::{
    Agreement, AuditAction, BirthDate, FactorError, IdentityError, IdentityProvider, Locale, LoginError,
    NewSession, People, PeopleStoreError, ProviderName, SignUpError, SignedIn, TooManyTries,
};

use journey::{Intent, Journey};

/// Logs people in by way of the partners that the operator named.
///
/// What has to be known when a browser comes back travels with it, sealed, in a cookie: nothing is kept here.
pub struct OpenIdLogins {
    people: Arc<People>,
    providers: BTreeMap<ProviderName, Arc<dyn IdentityProvider>>,
}

/// What someone hands in who may have no login yet, and wants one.
#[derive(Clone, Debug, Default)]
pub struct OpenIdSignUp {
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
}

/// Where to send a browser, and what to give it.
#[derive(Clone, Debug)]
pub struct OpenIdStart {
    /// Where it is to go.
    pub url: String,
    /// For a cookie of ten minutes that only we get back (`HttpOnly`, `Secure`, `SameSite=Lax`).
    pub cookie: Secret,
}

/// What a browser that came back gets.
#[derive(Clone, Debug)]
pub enum OpenIdOutcome {
    /// They are in.
    LoggedIn(Box<NewSession>),
    /// They have a second factor here; its code, with this, goes to [`OpenIdLogins::confirm`] within five minutes.
    CodeNeeded {
        /// Shows that the partner knows them.
        pending: Secret,
    },
    /// The partner's login is now one of theirs.
    Linked,
}

/// Why someone was not let in by way of a partner.
#[derive(Debug, thiserror::Error)]
pub enum OpenIdError {
    /// The operator named no such partner.
    #[error("there is no login provider `{0}` here")]
    UnknownProvider(ProviderName),
    /// The browser came back without its cookie, too late, or with another's address.
    #[error("this login did not begin here or took too long; begin again")]
    Stray,
    /// The partner did not say who they are.
    #[error(transparent)]
    Provider(#[from] IdentityError),
    /// The partner did not say their address, and nobody can log in here without one.
    #[error("the login provider does not say your address; sign up with a password, then link the two")]
    AddressMissing,
    /// The address has a login that the partner does not belong to, or the partner's login belongs to another.
    #[error("there is a login already; log in with it, then link the two")]
    NotLinked,
    /// They have no login here, and did not ask for one.
    #[error("you have no login here yet; sign up first")]
    Unknown,
    /// They have no login here, and cannot get one.
    #[error(transparent)]
    SignUp(#[from] SignUpError),
    /// They have a login, and are not let in.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The code of the second factor is wrong.
    #[error(transparent)]
    Factor(#[from] FactorError),
    /// Too many from there.
    #[error(transparent)]
    TooManyTries(#[from] TooManyTries),
    /// They would have no way left to log in.
    #[error("this is the only way you can log in; set a password first")]
    LastWay,
    /// What travels with the browser cannot be sealed.
    #[error("the journey could not be sealed")]
    Seal(#[from] crate::SealError),
    /// The store failed.
    #[error("nobody can log in now")]
    Store(#[from] PeopleStoreError),
}

impl OpenIdLogins {
    /// Logins by way of `providers`.
    pub fn new(people: Arc<People>, providers: Vec<Arc<dyn IdentityProvider>>) -> Self {
        let providers = providers.into_iter().map(|provider| (provider.name().clone(), provider)).collect();
        Self { people, providers }
    }

    /// The partners, in order of name.
    pub fn providers(&self) -> impl Iterator<Item = &ProviderName> {
        self.providers.keys()
    }

    /// Begins a login, which signs someone up who has no login yet, if `sign_up` is given and the policy allows it.
    pub async fn begin(
        &self,
        provider: &ProviderName,
        sign_up: Option<OpenIdSignUp>,
    ) -> Result<OpenIdStart, OpenIdError> {
        self.send_off(provider, Intent::log_in(sign_up)).await
    }

    /// Begins to link a partner's login to someone who is signed in.
    pub async fn begin_link(
        &self,
        provider: &ProviderName,
        signed_in: &SignedIn,
    ) -> Result<OpenIdStart, OpenIdError> {
        self.send_off(provider, Intent::Link { person: signed_in.person.id }).await
    }

    /// Takes a browser back with what the partner gave it: the values `code` and `state` of the address, and the cookie.
    pub async fn finish(
        &self,
        cookie: &Secret,
        state: &Secret,
        code: &Secret,
        source: Option<IpAddr>,
        agent: &str,
    ) -> Result<OpenIdOutcome, OpenIdError> {
        let journey =
            Journey::open(self.people.seal(), cookie, self.people.now()).ok_or(OpenIdError::Stray)?;
        if !journey.is_named_by(state) {
            return Err(OpenIdError::Stray);
        }
        let provider = self.provider(&journey.provider)?;
        let proven = provider.redeem(code, &journey.request()).await?;
        if !proven.is_keepable() {
            return Err(OpenIdError::Provider(IdentityError::Untrusted("it names nobody".into())));
        }
        self.arrive(provider.as_ref(), journey, proven, source, agent).await
    }

    async fn send_off(&self, provider: &ProviderName, intent: Intent) -> Result<OpenIdStart, OpenIdError> {
        let provider = self.provider(provider)?;
        let journey = Journey::begin(provider.name().clone(), intent, self.people.now());
        let cookie = journey.seal(self.people.seal())?;
        let url = provider.authorization_url(&journey.request()).await?;
        Ok(OpenIdStart { url, cookie })
    }

    fn provider(&self, name: &ProviderName) -> Result<Arc<dyn IdentityProvider>, OpenIdError> {
        self.providers.get(name).cloned().ok_or_else(|| OpenIdError::UnknownProvider(name.clone()))
    }
}

const IDENTITY_LINK: AuditAction = AuditAction::named("identity.link");
const IDENTITY_REMOVE: AuditAction = AuditAction::named("identity.remove");
