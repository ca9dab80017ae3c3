//! Logging in, and what is open.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocab::{AccountId, KeyId, PersonId, SessionId};

use super::accounts::AccountPlace;
use super::{Hidden, Moment};

/// What someone hands in who wants to log in.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginWish {
    /// The address.
    pub email: String,
    /// The password.
    pub password: Hidden,
    /// A code of the second factor or a recovery code, once `code_needed` was answered.
    pub code: Option<Hidden>,
}

/// Who is asking. A person's session or a program's key.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Myself {
    /// The person, if it is one.
    pub person: Option<PersonShape>,
    /// The key, if it is a program.
    #[schema(value_type = Option<String>)]
    pub key: Option<KeyId>,
    /// The key's account.
    #[schema(value_type = Option<String>)]
    pub key_account: Option<AccountId>,
    /// What to send back in `x-csrf-token` with everything that changes something; persons only.
    pub csrf_token: Option<Hidden>,
    /// The first accounts that they belong to; `/accounts` has all.
    pub accounts: Vec<AccountPlace>,
    /// Whether they run this platform.
    pub is_operator: bool,
    /// Whether a second factor is asked of them.
    pub has_second_factor: bool,
}

/// A person, as they see themselves.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PersonShape {
    /// Their id.
    #[schema(value_type = String)]
    pub id: PersonId,
    /// Their address.
    pub email: String,
    /// Whether they have shown that it is theirs.
    pub is_email_verified: bool,
    /// What they are called.
    pub name: String,
    /// `en` or `zh`.
    pub locale: String,
    /// When they were born, if it was asked.
    pub birth_date: Option<String>,
    /// Whether they have a password, or come only by way of a partner.
    pub has_password: bool,
    /// `active`, `locked` or `erased`.
    pub state: String,
    /// When they signed up.
    pub created: Moment,
}

/// A login on one device.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SessionShape {
    /// Its id.
    #[schema(value_type = String)]
    pub id: SessionId,
    /// Whether it is the one that asks.
    pub is_this: bool,
    /// When it began.
    pub created: Moment,
    /// When it was last used, to about a minute.
    pub last_seen: Moment,
    /// When it ends at the latest.
    pub expires: Moment,
    /// From where it began.
    pub source: Option<String>,
    /// What the browser says it is.
    pub agent: String,
}

/// Whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PersonIs {
    /// Who.
    #[schema(value_type = String)]
    pub person: PersonId,
}

/// How many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Count {
    /// So many.
    pub count: u64,
}
