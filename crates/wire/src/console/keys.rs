//! API keys (rule AUTH-08).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocab::{KeyId, ProjectId};

use super::{Hidden, Moment, Money};

/// A key without its secret.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct KeyShape {
    /// Its id in lists.
    #[schema(value_type = String)]
    pub id: KeyId,
    /// What its owner calls it.
    pub name: String,
    /// The part before the dot; what is behind it is shown once, when the key is made.
    pub public_id: String,
    /// The project that it belongs to.
    #[schema(value_type = Option<String>)]
    pub project: Option<ProjectId>,
    /// What it may be used for.
    pub scope: ScopeShape,
    /// What it may cost in a month.
    pub monthly_spend_max: Option<Money>,
    /// The key that it was made to take the place of.
    #[schema(value_type = Option<String>)]
    pub successor_of: Option<KeyId>,
    /// When it was made.
    pub created: Moment,
    /// From when on it is refused.
    pub expires: Option<Moment>,
    /// When it was revoked.
    pub revoked: Option<Moment>,
    /// When it last opened a door, to about a second.
    pub last_used: Option<Moment>,
}

/// What a key may be used for; nothing limits where nothing is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScopeShape {
    /// `general`, `coding`, `anthropic`, `agents`, `mcp`, `monitor`. A key that is limited to doors does not read here.
    pub doors: Option<BTreeSet<String>>,
    /// The models it may ask.
    pub models: Option<BTreeSet<String>>,
    /// Networks that its requests may come from, such as `10.0.0.0/8`.
    pub addresses: Option<Vec<String>>,
}

/// A wish for a key, or for other terms of one: all of them are set anew.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyWish {
    /// What to call it.
    pub name: String,
    /// The project that it belongs to.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub project: Option<ProjectId>,
    /// What it may be used for.
    #[serde(default)]
    pub scope: ScopeShape,
    /// What it may cost in a month.
    pub monthly_spend_max: Option<Money>,
    /// From when on it is refused.
    pub expires: Option<Moment>,
}

/// A key that was just made.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct NewKey {
    /// The key.
    pub key: KeyShape,
    /// The whole text, `{public_id}.{secret}`. Nobody can read it again.
    pub text: Hidden,
}

/// A wish for a successor.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rotation {
    /// How long the old key works beside it: none unless said, 90 days at most.
    pub overlap_seconds: u64,
}
