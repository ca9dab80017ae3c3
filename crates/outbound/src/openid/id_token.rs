use std::time::Duration;

use accounts::{AuthorizationRequest, IdentityError, ProvenIdentity};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;
use vocab::Timestamp;

use super::web::Web;
use super::{OpenIdSettings, untrusted};

/// How far a partner's clock may be from ours.
const SKEW: Duration = Duration::from_secs(60);

/// Signatures by a key pair. One by a shared secret would be ours to forge, and none is no signature.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// A partner's public keys.
#[derive(Clone)]
pub(super) struct Keys(JwkSet);

impl Keys {
    /// Asks a partner for them. One of a kind that we do not know does not spoil the others.
    pub(super) async fn ask(web: &Web, url: &Url) -> Result<Self, IdentityError> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Value>,
        }
        let document: Document = web.get(url).await?;
        let keys = document.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
        Ok(Self(JwkSet { keys: keys.collect() }))
    }

    /// The key that a token says it is signed with; the only one, if it does not say.
    pub(super) fn find(&self, token: &str) -> Result<Option<Jwk>, IdentityError> {
        let header = jsonwebtoken::decode_header(token).map_err(untrusted)?;
        let mut signing = self.0.keys.iter().filter(|key| {
            let usage = key.common.public_key_use.as_ref();
            usage.is_none_or(|usage| *usage == PublicKeyUse::Signature)
        });
        Ok(match header.kid {
            Some(kid) => signing.find(|key| key.common.key_id.as_deref() == Some(&*kid)).cloned(),
            None => signing.next().filter(|_| signing.next().is_none()).cloned(),
        })
    }
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    aud: Audience,
    azp: Option<String>,
    exp: i64,
    iat: Option<i64>,
    nonce: Option<String>,
    email: Option<String>,
    email_verified: Option<Value>,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    /// One party; that it is us has been checked by then.
    One(#[expect(dead_code, reason = "only how many there are is asked")] String),
    /// Several parties.
    Many(Vec<String>),
}

/// Who a token says someone is, if it is signed with `key`, by the partner, for us, for this journey, and not over
/// (OpenID Connect Core §3.1.3.7).
pub(super) fn verify(
    token: &str,
    key: &Jwk,
    settings: &OpenIdSettings,
    request: &AuthorizationRequest,
    now: Timestamp,
) -> Result<ProvenIdentity, IdentityError> {
    let header = jsonwebtoken::decode_header(token).map_err(untrusted)?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(untrusted("it is not signed by a key pair"));
    }
    let decoding = DecodingKey::from_jwk(key).map_err(untrusted)?;
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&[&settings.client_id]);
    validation.set_issuer(&[&settings.issuer]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    // The library reads the machine's clock; ours is asked below.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    let claims = jsonwebtoken::decode::<Claims>(token, &decoding, &validation).map_err(untrusted)?.claims;

    let skew = i64::try_from(SKEW.as_secs()).unwrap_or(0);
    let now = now.as_secs();
    if now > claims.exp.saturating_add(skew) || claims.iat.is_some_and(|iat| iat > now.saturating_add(skew)) {
        return Err(untrusted("it is over, or not begun"));
    }
    if claims.nonce.as_deref() != Some(request.nonce.expose()) {
        return Err(untrusted("it is for another journey"));
    }
    let is_shared = matches!(&claims.aud, Audience::Many(many) if many.len() > 1);
    let party = claims.azp.as_deref();
    if (is_shared && party.is_none()) || party.is_some_and(|party| party != settings.client_id) {
        return Err(untrusted("it is for another party"));
    }

    // Some partners write it as a text.
    let is_checked = claims.email_verified.is_some_and(|said| said == true || said == "true");
    let email = claims.email.filter(|_| is_checked).and_then(|email| email.parse().ok());
    Ok(ProvenIdentity { subject: claims.sub, email, name: claims.name })
}
