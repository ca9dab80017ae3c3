use serde::Serialize;
use vocab::{PersonId, Timestamp};

use crate::{EmailAddress, TokenHash};

/// A token that was sent to a person's address and shows, once, that they read what arrives there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTimeToken {
    /// What is kept of it.
    pub hash: TokenHash,
    /// What it is good for.
    pub purpose: TokenPurpose,
    /// Whose it is.
    pub person: PersonId,
    /// Where it was sent.
    pub email: EmailAddress,
    /// When it was sent.
    pub created: Timestamp,
    /// From when on it is no good.
    pub expires: Timestamp,
    /// When it was used.
    pub used: Option<Timestamp>,
}

/// What a one-time token is good for. (Invitations carry a token of their own.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenPurpose {
    /// Shows that the address it was sent to is the person's.
    VerifyEmail,
    /// Sets a new password.
    ResetPassword,
    /// Shows that a request about personal data comes from the person (rule DATA-06).
    ConfirmRights,
}

impl TokenPurpose {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::VerifyEmail, Self::ResetPassword, Self::ConfirmRights];

    /// Its name where it is kept.
    pub fn name(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
            Self::ConfirmRights => "confirm_rights",
        }
    }
}

impl OneTimeToken {
    /// Whether it can be used at `now` for `purpose`.
    pub fn is_good(&self, purpose: TokenPurpose, now: Timestamp) -> bool {
        self.purpose == purpose && self.used.is_none() && now < self.expires
    }
}
