//! Those who use a caller's product (rule USE-10).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Moment;

/// A blocked end user.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EndUserShape {
    /// Their `user_id`.
    pub id: String,
    /// Since when.
    pub blocked: Moment,
    /// Why.
    pub note: String,
}

/// A wish to block one, or to let one in again.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndUserWish {
    /// Their `user_id`, 6 to 128 characters.
    pub id: String,
    /// Why.
    #[serde(default)]
    pub note: String,
}
