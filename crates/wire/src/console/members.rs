//! Who belongs to an account.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocab::PersonId;

use super::Moment;

/// A member as the others see them.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct MemberShape {
    /// Who.
    #[schema(value_type = String)]
    pub person: PersonId,
    /// What they are called.
    pub name: String,
    /// Where mail reaches them.
    pub email: String,
    /// `owner`, `admin`, `member` or `billing`.
    pub role: String,
    /// Since when.
    pub since: Moment,
}

/// Another role for a member.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleWish {
    /// `owner`, `admin`, `member` or `billing`.
    pub role: String,
}
