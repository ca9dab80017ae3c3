use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use vocab::{PersonId, Secret, Timestamp};

use crate::EmailAddress;

/// A person's login at a partner, by which they may log in here too (rule AUTH-10). The partner's tokens are not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The partner.
    pub provider: ProviderName,
    /// Who they are there. Never changes, unlike an address.
    pub subject: String,
    /// Who they are here.
    pub person: PersonId,
    /// Since when the two are known to be one.
    pub linked: Timestamp,
}

/// What the operator calls a partner, such as `google`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProviderName(String);

/// A text that names no partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a login provider is called by 1 to 32 lower-case letters, digits and dashes")]
pub struct InvalidProviderName;

/// A partner who tells us who someone is, by OpenID Connect: the authorization-code flow with PKCE.
#[async_trait]
pub trait IdentityProvider: Send + Sync + 'static {
    /// What the operator calls it.
    fn name(&self) -> &ProviderName;

    /// Whether an address it says to have checked counts as checked here too.
    fn is_trusted_with_addresses(&self) -> bool;

    /// Where the person's browser is to be sent.
    async fn authorization_url(&self, request: &AuthorizationRequest) -> Result<String, IdentityError>;

    /// Turns the code that the browser brought back into who the person is. The answer is signed by the partner, made
    /// for us, and carries the request's nonce.
    async fn redeem(
        &self,
        code: &Secret,
        request: &AuthorizationRequest,
    ) -> Result<ProvenIdentity, IdentityError>;
}

/// One journey of a browser to a partner and back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationRequest {
    /// Comes back with the browser; ours is known by it.
    pub state: Secret,
    /// Comes back in the partner's answer.
    pub nonce: Secret,
    /// Shows that who redeems the code is who asked for it; the browser sees only its hash.
    pub verifier: Secret,
}

/// Who a partner says someone is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenIdentity {
    /// Who they are at the partner.
    pub subject: String,
    /// Their address, if the partner says it, and says that it has checked it.
    pub email: Option<EmailAddress>,
    /// What they are called, if the partner says it.
    pub name: Option<String>,
}

/// Why a partner did not say who someone is.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// It cannot be reached, or answers nonsense.
    #[error("the login provider did not answer")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It refused the code: it was used, is too old, or was made up.
    #[error("the login provider refused; begin again")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Its answer is not signed by it, is not for us, is not for this journey, or is over.
    #[error("the login provider's answer does not hold")]
    Untrusted(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Longest subject that the standard allows.
const SUBJECT_BYTES_MAX: usize = 255;

impl ProvenIdentity {
    /// Whether the subject can be kept.
    pub(crate) fn is_keepable(&self) -> bool {
        let subject = &self.subject;
        (1..=SUBJECT_BYTES_MAX).contains(&subject.len()) && !subject.chars().any(char::is_control)
    }
}

impl ProviderName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProviderName {
    type Err = InvalidProviderName;

    fn from_str(text: &str) -> Result<Self, InvalidProviderName> {
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = (1..=32).contains(&text.len()) && text.bytes().all(is_letter);
        if is_name { Ok(Self(text.to_owned())) } else { Err(InvalidProviderName) }
    }
}

impl TryFrom<String> for ProviderName {
    type Error = InvalidProviderName;

    fn try_from(text: String) -> Result<Self, InvalidProviderName> {
        text.parse()
    }
}

impl From<ProviderName> for String {
    fn from(name: ProviderName) -> Self {
        name.0
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
