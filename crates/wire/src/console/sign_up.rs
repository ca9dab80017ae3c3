//! Signing up, addresses and passwords (rules AUTH-10, DATA-12).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocab::PersonId;

use super::Hidden;

/// What a page for strangers has to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EntryOptions {
    /// What the installation calls itself.
    pub site: String,
    /// `open`, `invite_only` or `closed`.
    pub sign_up: String,
    /// Whether to ask for the day of birth.
    pub asks_birth_date: bool,
    /// Partners to log in with.
    pub open_id_providers: Vec<String>,
}

/// A wish to sign up.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUpWish {
    /// Where mail reaches them, and what they will log in with.
    pub email: String,
    /// What they want to be called.
    pub name: String,
    /// What they will log in with.
    pub password: Hidden,
    /// Everything that whoever signs up is asked, however they do.
    #[serde(default)]
    pub about: AboutNewcomer,
}

/// What is asked of everyone who signs up.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AboutNewcomer {
    /// `en` or `zh`: the language to write to them in; otherwise the one of `Accept-Language`.
    pub locale: Option<String>,
    /// `1990-05-17`, if it is asked.
    pub birth_date: Option<String>,
    /// Whether a guardian permits it.
    pub has_guardian: bool,
    /// What they agree to.
    pub agreements: Vec<AgreementWish>,
    /// The token of an invitation.
    pub invitation: Option<Hidden>,
}

/// Something that is agreed to, or refused.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreementWish {
    /// `terms`, `privacy`, `guardian`, `marketing`, `training` or `cookies`.
    pub subject: String,
    /// Of which text.
    pub version: String,
    /// Whether they agree.
    pub is_given: bool,
}

/// What became of a wish to sign up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SignUpAnswer {
    /// Whether a letter has to be read first. Whether the address had a login already is known only to who reads it.
    pub letter_sent: bool,
    /// Who they are, if they can log in at once.
    #[schema(value_type = Option<String>)]
    pub person: Option<PersonId>,
}

/// The token out of a letter.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LetterToken {
    /// What stands behind the `#` of its link.
    pub token: Hidden,
}

/// An address to write to.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// The address.
    pub email: String,
}

/// A new password with the token out of a letter.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordReset {
    /// What stands behind the `#` of the link.
    pub token: Hidden,
    /// The new password.
    pub password: Hidden,
}

/// A new password with the old one.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The present one.
    pub old: Hidden,
    /// The one to come.
    pub new: Hidden,
}

/// What shows that it is the person (rule DATA-06): their password, or the token of a letter; one of the two.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProofWish {
    /// Their password.
    pub password: Option<Hidden>,
    /// The token of a letter that was asked for at `/proof-letter`.
    pub token: Option<Hidden>,
}

/// Another address for someone who shows that it is them (rule DATA-04).
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailChange {
    /// The new address; it counts once the letter to it is answered.
    pub email: String,
    /// What shows that it is them.
    pub proof: ProofWish,
}

/// What a person changes about themselves.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileChange {
    /// What they are called.
    pub name: String,
    /// `en` or `zh`.
    pub locale: String,
    /// `1990-05-17`.
    pub birth_date: Option<String>,
}
