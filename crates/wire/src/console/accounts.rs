//! Accounts as their members see them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocab::AccountId;

use super::Moment;

/// An account, and what one is in it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AccountPlace {
    /// The account.
    pub account: AccountShape,
    /// `owner`, `admin`, `member` or `billing`.
    pub role: String,
    /// Since when.
    pub since: Moment,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AccountShape {
    /// Its id.
    #[schema(value_type = String)]
    pub id: AccountId,
    /// What people call it.
    pub name: String,
    /// `active`, `inactive`, `locked`, `irregular` or `closed`.
    pub state: String,
    /// Whether it runs this platform.
    pub is_operator: bool,
    /// Where the operator gave it other limits than its plan or the platform has.
    pub rates: RatesShape,
    /// When it was made.
    pub created: Moment,
}

/// Limits of an account; none where its plan's or the platform's count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RatesShape {
    /// Requests at once.
    pub concurrency: Option<u32>,
    /// Requests in a minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens in a minute.
    pub tokens_per_minute: Option<u64>,
    /// Requests in a day.
    pub requests_per_day: Option<u32>,
}

/// A name for something.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NameWish {
    /// 1 to 100 characters.
    pub name: String,
}
