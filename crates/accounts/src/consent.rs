use std::str::FromStr;

use serde::{Deserialize, Serialize};
use vocab::{ConsentId, PersonId, Timestamp};

/// One line of the log of what people agreed to. Lines are added, never changed: a withdrawal is a line of its own,
/// and what was done before it stays lawful (rules DATA-05, LEGAL-01).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Consent {
    /// Its id.
    pub id: ConsentId,
    /// Who.
    pub person: PersonId,
    /// To what.
    pub subject: ConsentSubject,
    /// To which version of the text.
    pub version: ConsentVersion,
    /// Given, or withdrawn.
    pub is_given: bool,
    /// When.
    pub at: Timestamp,
}

/// What people are asked to agree to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentSubject {
    /// The terms of use.
    Terms,
    /// The privacy policy.
    Privacy,
    /// A guardian's permission for someone under age (rule DATA-12).
    Guardian,
    /// Mail about offers; off until given (rule DATA-18).
    Marketing,
    /// Use of API content to improve services; off until given (rule DATA-11).
    Training,
    /// Cookies that are not needed (rule DATA-13).
    Cookies,
}

/// Which text someone agreed to, such as `2026-04-14`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConsentVersion(String);

/// A text that names no version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version is 1 to 64 visible ASCII characters, such as `2026-04-14`")]
pub struct InvalidConsentVersion;

/// An agreement as it is handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// To what.
    pub subject: ConsentSubject,
    /// To which version of the text.
    pub version: ConsentVersion,
    /// Given, or withdrawn.
    pub is_given: bool,
}

impl ConsentSubject {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Terms, Self::Privacy, Self::Guardian, Self::Marketing, Self::Training, Self::Cookies];

    /// Its name where it is kept and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Terms => "terms",
            Self::Privacy => "privacy",
            Self::Guardian => "guardian",
            Self::Marketing => "marketing",
            Self::Training => "training",
            Self::Cookies => "cookies",
        }
    }
}

impl ConsentVersion {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ConsentVersion {
    type Err = InvalidConsentVersion;

    fn from_str(text: &str) -> Result<Self, InvalidConsentVersion> {
        let is_version = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_version { Ok(Self(text.to_owned())) } else { Err(InvalidConsentVersion) }
    }
}

impl TryFrom<String> for ConsentVersion {
    type Error = InvalidConsentVersion;

    fn try_from(text: String) -> Result<Self, InvalidConsentVersion> {
        text.parse()
    }
}

impl From<ConsentVersion> for String {
    fn from(version: ConsentVersion) -> Self {
        version.0
    }
}
