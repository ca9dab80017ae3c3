use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest that mail servers take (RFC 5321).
const BYTES_MAX: usize = 254;

/// Where mail reaches a person, as they write it. Two that differ in case only are the same.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// A text that is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an e-mail address; it looks like `name@example.com`")]
pub struct InvalidEmailAddress;

impl EmailAddress {
    /// As its owner writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it is found by: the same for every way to write it.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidEmailAddress;

    fn from_str(text: &str) -> Result<Self, InvalidEmailAddress> {
        let text = text.trim();
        if text.len() > BYTES_MAX || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(InvalidEmailAddress);
        }
        let options = email_address::Options::default()
            .with_required_tld()
            .without_display_text()
            .without_domain_literal();
        email_address::EmailAddress::parse_with_options(text, options).map_err(|_| InvalidEmailAddress)?;
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = InvalidEmailAddress;

    fn try_from(text: String) -> Result<Self, InvalidEmailAddress> {
        text.parse()
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}

impl Eq for EmailAddress {}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_many_spellings() {
        let (one, other): (EmailAddress, EmailAddress) =
            (" Ana@Example.com ".parse().unwrap(), "ana@example.COM".parse().unwrap());
        assert_eq!(one, other);
        assert_eq!((one.as_str(), one.folded().as_str()), ("Ana@Example.com", "ana@example.com"));
        assert_ne!(one, "ana+1@example.com".parse().unwrap());
    }

    /// Nothing that could add a line or a second address to a letter is an address.
    #[test]
    fn what_is_no_address() {
        let long = format!("{}@example.com", "x".repeat(250));
        for refused in [
            "",
            "ana",
            "@example.com",
            "ana@",
            "ana@localhost",
            "ana@[127.0.0.1]",
            "ana@example.com, ben@example.com",
            "ana@example.com\r\nBcc: ben@example.com",
            "Ana <ana@example.com>",
            "ana @example.com",
            &long,
        ] {
            assert_eq!(refused.parse::<EmailAddress>(), Err(InvalidEmailAddress), "{refused:?}");
        }
    }
}
