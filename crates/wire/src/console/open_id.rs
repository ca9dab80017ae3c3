//! Logins by way of partners.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::sign_up::AboutNewcomer;
use super::{Hidden, Moment};

/// A wish to log in by way of a partner.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OpenIdWish {
    /// Given by someone who may have no login yet, and wants one.
    pub sign_up: Option<AboutNewcomer>,
}

/// Where to send the browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OpenIdJourney {
    /// The partner's page.
    pub url: String,
}

/// What the partner gives to the browser.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OpenIdReturn {
    /// What we sent.
    #[param(value_type = String)]
    pub state: Hidden,
    /// What the partner says; missing if it refused.
    #[param(value_type = Option<String>)]
    pub code: Option<Hidden>,
}

/// A code of the second factor for someone whom a partner knows.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenIdCode {
    /// What stands behind `#second-factor=` of the address that the browser was sent to.
    pub pending: Hidden,
    /// The code.
    pub code: Hidden,
}

/// A partner's login of a person.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct IdentityShape {
    /// The partner.
    pub provider: String,
    /// Since when.
    pub linked: Moment,
}
