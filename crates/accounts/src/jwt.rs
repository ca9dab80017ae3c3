//! The token a client signs itself with the secret part of its key (`auth.md` §4, rule AUTH-03).

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Number;
use vocab::{Secret, Timestamp};

use crate::{AuthError, PublicId};

/// How far a client's clock may be behind ours.
const SKEW_MS: i64 = 60_000;

/// An `exp` below this counts seconds. As milliseconds it would lie in 1973.
const SECONDS_BELOW: i64 = 100_000_000_000;

#[derive(Deserialize)]
struct Claims {
    api_key: String,
    exp: Number,
}

/// The key that `token` says it is signed with. Nothing is proved yet.
pub(crate) fn key_named_by(token: &str) -> Result<PublicId, AuthError> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| AuthError::Invalid)?;
    if header.alg != Algorithm::HS256 || header.crit.is_some() {
        return Err(AuthError::Invalid);
    }
    let claims: Claims =
        jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| AuthError::Invalid)?;
    claims.api_key.parse().map_err(|_| AuthError::Invalid)
}

/// Whether `token` is signed with `secret` and still valid at `now`, in this order: only a holder of
/// the secret is told that a token has expired.
pub(crate) fn verify(token: &str, secret: &Secret, now: Timestamp) -> Result<(), AuthError> {
    let key = DecodingKey::from_secret(secret.expose().as_bytes());
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &signature_only())
        .map_err(|_| AuthError::SignatureMismatch)?
        .claims;

    let expires = exp_millis(&claims.exp).ok_or(AuthError::Invalid)?;
    if now.as_millis() > expires.saturating_add(SKEW_MS) { Err(AuthError::Expired) } else { Ok(()) }
}

/// HS256 and nothing else. The library reads `exp` as seconds, so its own check is off and ours is on.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

fn exp_millis(exp: &Number) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float that is too large becomes the largest integer"
    )]
    let exp = exp.as_i64().or_else(|| exp.as_f64().map(|float| float as i64))?;
    Some(if exp < SECONDS_BELOW { exp.saturating_mul(1000) } else { exp })
}
