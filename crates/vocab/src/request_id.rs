use std::fmt;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The server's id of one request or asynchronous result: `YYYYMMDDHHMMSS` in UTC+8 and 16 hexadecimal
/// digits, 30 characters in all, as the platform prints it (`auth.md` §7).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(String);

impl RequestId {
    /// Makes a new id for a request that arrived at `now`.
    pub fn generate(now: Timestamp) -> Self {
        let tail: u64 = rand::rng().random();
        Self(format!("{}{tail:016x}", now.digits_utc8()))
    }

    /// Reads an id that a client sent back; anything of another shape is nobody's id.
    pub fn parse(text: &str) -> Option<Self> {
        let (digits, hex) = text.split_at_checked(14)?;
        let is_id = hex.len() == 16
            && digits.bytes().all(|b| b.is_ascii_digit())
            && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        is_id.then(|| Self(text.to_owned()))
    }

    /// The id as it is printed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_the_time_in_utc8_and_sixteen_hex_digits() {
        let id = RequestId::generate(Timestamp::from_millis(1_770_631_146_000));
        assert!(id.as_str().starts_with("20260209175906"), "{id}");
        assert_eq!(RequestId::parse(id.as_str()), Some(id));
        assert_eq!(RequestId::parse("20260209175906"), None);
        assert_eq!(RequestId::parse("2026020917590X0123456789abcdef"), None);
    }
}
