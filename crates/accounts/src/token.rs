use std::fmt;
use std::str::FromStr;

use rand::RngExt;
use rand::distr::Alphanumeric;
use sha2::{Digest, Sha256};
use vocab::Secret;

/// Letters and digits in a token: 62^43 is just over 2^256.
pub(crate) const TOKEN_CHARS: usize = 43;

/// The SHA-256 of a token: all that is kept of one. Nobody can find the token from it, because a token is 256 random
/// bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash([u8; 32]);

/// A text that is not the hash of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the hash of a token is 64 lower-case hexadecimal digits")]
pub struct InvalidTokenHash;

impl TokenHash {
    /// The hash of `token`.
    pub fn of(token: &Secret) -> Self {
        Self(Sha256::digest(token.expose().as_bytes()).into())
    }
}

/// A text that nobody can guess.
pub(crate) fn random_text(chars: usize) -> Secret {
    Secret::new(rand::rng().sample_iter(Alphanumeric).take(chars).map(char::from).collect::<String>())
}

/// A new token and what is kept of it.
pub(crate) fn new_token() -> (Secret, TokenHash) {
    let token = random_text(TOKEN_CHARS);
    let hash = TokenHash::of(&token);
    (token, hash)
}

impl FromStr for TokenHash {
    type Err = InvalidTokenHash;

    fn from_str(text: &str) -> Result<Self, InvalidTokenHash> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidTokenHash)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}
