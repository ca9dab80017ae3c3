use std::fmt;
use std::str::FromStr;

/// What is remembered of a banned person to notice a second sign-up (LEGAL-05): a digest, from which nothing can be
/// read back, of an e-mail address or of another signal.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BanMark(String);

/// A text that is no mark.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a mark is 64 hexadecimal digits")]
pub struct InvalidBanMark;

impl BanMark {
    /// The mark of an e-mail address, whatever the case of its letters.
    pub fn of_email(address: &str) -> Self {
        Self::of_signal("email", &address.trim().to_lowercase())
    }

    /// The mark of another signal; `kind` keeps signals apart.
    pub fn of_signal(kind: &str, value: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("azimuth 2026 marks of banned accounts");
        hasher.update(kind.as_bytes()).update(&[0]).update(value.as_bytes());
        Self(hasher.finalize().to_hex().to_string())
    }
}

impl FromStr for BanMark {
    type Err = InvalidBanMark;

    fn from_str(text: &str) -> Result<Self, InvalidBanMark> {
        let is_mark = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if is_mark { Ok(Self(text.to_owned())) } else { Err(InvalidBanMark) }
    }
}

impl fmt::Display for BanMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BanMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
