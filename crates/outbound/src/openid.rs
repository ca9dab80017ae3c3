//! Asks a partner who someone is, by OpenID Connect: discovery, the authorization-code flow with PKCE, and answers that
//! are believed only if the partner signed them for us and for this journey.

mod discovery;
mod id_token;
mod web;

use std::sync::Arc;
use std::time::Duration;

use accounts::{AuthorizationRequest, IdentityError, IdentityProvider, ProvenIdentity, ProviderName};
use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use form_urlencoded::{Serializer, byte_serialize};
use reqwest::Url;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use vocab::{Clock, Secret, Timestamp};

use crate::client::{ClientError, is_loopback};
use discovery::Discovered;
use id_token::{Keys, verify};
use web::Web;

/// How long what a partner says about itself is believed.
const DISCOVERED_FOR: Duration = Duration::from_secs(3600);

/// A key that is not known is asked for again at most this often.
const KEYS_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// A partner, as the operator sets it up.
#[derive(Clone, Debug)]
pub struct OpenIdSettings {
    /// What it is called here.
    pub name: ProviderName,
    /// Its address, such as `https://accounts.google.com`. Encrypted, unless it is on this machine.
    pub issuer: String,
    /// Who we are to it.
    pub client_id: String,
    /// What shows it; none for a partner that knows us by PKCE alone.
    pub client_secret: Option<Secret>,
    /// Where it sends browsers back to, as it knows it.
    pub redirect_url: String,
    /// What is asked for beside `openid`: `email` and `profile`, as a rule.
    pub scopes: Vec<String>,
    /// Whether an address that it says to have checked counts as checked here.
    pub is_trusted_with_addresses: bool,
}

/// A partner that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenIdSettingsError {
    /// Its address, or ours, is none, or not encrypted.
    #[error("`{0}` has to be an address that begins with `https://`")]
    Address(&'static str),
    /// There is no HTTP client.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// A partner that speaks OpenID Connect.
pub struct OpenIdProvider {
    settings: OpenIdSettings,
    issuer: Url,
    web: Web,
    clock: Arc<dyn Clock>,
    known: Mutex<Option<Known>>,
}

/// What a partner said about itself, and its keys.
#[derive(Clone)]
struct Known {
    at: Timestamp,
    keys_at: Timestamp,
    discovered: Discovered,
    keys: Keys,
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
}

impl OpenIdProvider {
    /// A partner with these settings. It is not asked anything yet.
    pub fn new(settings: OpenIdSettings, clock: Arc<dyn Clock>) -> Result<Self, OpenIdSettingsError> {
        let issuer = checked_url(&settings.issuer).ok_or(OpenIdSettingsError::Address("issuer"))?;
        checked_url(&settings.redirect_url).ok_or(OpenIdSettingsError::Address("redirect_url"))?;
        let web = Web::new(&issuer)?;
        Ok(Self { settings, issuer, web, clock, known: Mutex::default() })
    }

    /// What the partner says about itself, asked once an hour.
    async fn known(&self) -> Result<Known, IdentityError> {
        let now = self.clock.now();
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref().filter(|known| now.since(known.at) < DISCOVERED_FOR) {
            return Ok(known.clone());
        }
        let discovered = Discovered::ask(&self.web, &self.issuer, &self.settings.issuer).await?;
        let keys = Keys::ask(&self.web, &discovered.keys).await?;
        let fresh = Known { at: now, keys_at: now, discovered, keys };
        *known = Some(fresh.clone());
        Ok(fresh)
    }

    /// The keys again, because an answer is signed with one that is not known: partners change them.
    async fn newer_keys(&self) -> Result<Option<Keys>, IdentityError> {
        let now = self.clock.now();
        let mut known = self.known.lock().await;
        let Some(known) = known.as_mut() else { return Ok(None) };
        if now.since(known.keys_at) < KEYS_AGAIN_AFTER {
            return Ok(None);
        }
        known.keys_at = now;
        known.keys = Keys::ask(&self.web, &known.discovered.keys).await?;
        Ok(Some(known.keys.clone()))
    }

    /// The form that turns a code into a token, and who we are, where that goes into a header.
    fn form(
        &self,
        discovered: &Discovered,
        code: &Secret,
        request: &AuthorizationRequest,
    ) -> (String, Option<(String, Secret)>) {
        let settings = &self.settings;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code.expose())
            .append_pair("redirect_uri", &settings.redirect_url)
            .append_pair("code_verifier", request.verifier.expose());
        match &settings.client_secret {
            Some(secret) if discovered.takes_basic => {
                // RFC 6749 §2.3.1: both parts are form-encoded first.
                let part = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let basic = (part(&settings.client_id), Secret::new(part(secret.expose())));
                return (form.finish(), Some(basic));
            }
            Some(secret) => {
                form.append_pair("client_id", &settings.client_id);
                form.append_pair("client_secret", secret.expose());
            }
            None => {
                form.append_pair("client_id", &settings.client_id);
            }
        }
        (form.finish(), None)
    }
}

#[async_trait]
impl IdentityProvider for OpenIdProvider {
    fn name(&self) -> &ProviderName {
        &self.settings.name
    }

    fn is_trusted_with_addresses(&self) -> bool {
        self.settings.is_trusted_with_addresses
    }

    async fn authorization_url(&self, request: &AuthorizationRequest) -> Result<String, IdentityError> {
        let known = self.known().await?;
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(request.verifier.expose()));
        let scopes = ["openid"].into_iter().chain(self.settings.scopes.iter().map(String::as_str));
        let mut url = known.discovered.authorization;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.settings.redirect_url)
            .append_pair("scope", &scopes.collect::<Vec<_>>().join(" "))
            .append_pair("state", request.state.expose())
            .append_pair("nonce", request.nonce.expose())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    async fn redeem(
        &self,
        code: &Secret,
        request: &AuthorizationRequest,
    ) -> Result<ProvenIdentity, IdentityError> {
        let known = self.known().await?;
        let (form, basic) = self.form(&known.discovered, code, request);
        let TokenAnswer { id_token: token } = self.web.post(&known.discovered.token, form, basic).await?;
        let mut key = known.keys.find(&token)?;
        if key.is_none()
            && let Some(keys) = self.newer_keys().await?
        {
            key = keys.find(&token)?;
        }
        let key = key.ok_or_else(|| untrusted("it is signed with a key that the partner does not show"))?;
        verify(&token, &key, &self.settings, request, self.clock.now())
    }
}

/// An address that is encrypted, or on this machine.
fn checked_url(text: &str) -> Option<Url> {
    let url: Url = text.parse().ok()?;
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    (is_safe && url.username().is_empty() && url.password().is_none()).then_some(url)
}

fn untrusted(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> IdentityError {
    IdentityError::Untrusted(why.into())
}
