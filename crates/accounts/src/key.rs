use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rand::RngExt;
use serde::Serialize;
use vocab::{AccountId, KeyId, NanoUsd, ProjectId, Timestamp};

use crate::{KeyScope, SealedSecret};

/// One API key as it is kept: everything but its secret, which is sealed.
///
/// What its owner holds is the text `{public_id}.{secret}` with exactly one dot (rule AUTH-04).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ApiKey {
    /// Its id in lists and logs.
    pub id: KeyId,
    /// Whose it is.
    pub account: AccountId,
    /// The account's project that it belongs to, if it does to one.
    pub project: Option<ProjectId>,
    /// What its owner calls it.
    pub name: String,
    /// The part before the dot.
    pub public_id: PublicId,
    /// The part after the dot, sealed. Kept, not hashed, because it signs JWTs (rule AUTH-03).
    #[serde(skip)]
    pub sealed_secret: SealedSecret,
    /// What it may be used for.
    pub scope: Arc<KeyScope>,
    /// What it may cost in a month, if that is limited.
    pub monthly_spend_max: Option<NanoUsd>,
    /// The key that it was made to take the place of, if there is one.
    pub successor_of: Option<KeyId>,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is refused, if its life is limited.
    pub expires: Option<Timestamp>,
    /// When it was revoked, if it was.
    pub revoked: Option<Timestamp>,
    /// When it last opened a door, to about a second.
    pub last_used: Option<Timestamp>,
}

/// What a key is made for; nothing is limited unless it is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyTerms {
    /// The project that it belongs to: one of its account's, as whoever asks has found out.
    pub project: Option<ProjectId>,
    /// What it may be used for.
    pub scope: KeyScope,
    /// What it may cost in a month.
    pub monthly_spend_max: Option<NanoUsd>,
    /// From when on it is refused.
    pub expires: Option<Timestamp>,
}

impl ApiKey {
    /// Whether the key opens doors at `now`.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires)
    }
}

/// The public part of a key: 128 random bits, shown as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub struct PublicId(u128);

/// A text that is not the public part of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the public part of a key is 32 lower-case hexadecimal digits")]
pub struct InvalidPublicId;

impl PublicId {
    const DIGITS: usize = 32;

    /// Makes a new one that nobody can guess.
    pub fn generate() -> Self {
        Self(rand::rng().random())
    }
}

impl FromStr for PublicId {
    type Err = InvalidPublicId;

    fn from_str(text: &str) -> Result<Self, InvalidPublicId> {
        let is_id =
            text.len() == Self::DIGITS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !is_id {
            return Err(InvalidPublicId);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| InvalidPublicId)
    }
}

impl fmt::Display for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for PublicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<PublicId> for String {
    fn from(id: PublicId) -> String {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One id has one spelling, so that it cannot be looked up under several.
    #[test]
    fn a_public_id_survives_its_own_text_and_has_one_spelling() {
        let id = PublicId::generate();
        assert_eq!(id.to_string().len(), 32);
        assert_eq!(id.to_string().parse(), Ok(id));
        let upper = "ABCDEF0123456789ABCDEF0123456789";
        for refused in ["", "+0123456789abcdef0123456789abcde", upper, "0123", &"é".repeat(16)] {
            assert!(refused.parse::<PublicId>().is_err(), "{refused}");
        }
    }
}
