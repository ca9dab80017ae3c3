//! Codes from a device, asked for beside the password.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Hidden;

/// A code of the device, or a recovery code where that is said.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FactorCode {
    /// The code.
    pub code: Hidden,
}

/// What the device has to be told, once.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FactorSetupShape {
    /// For typing in: base32.
    pub secret: Hidden,
    /// For scanning: an `otpauth://` address.
    pub address: Hidden,
}

/// Codes that open in place of the device, each once. Shown once.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RecoveryCodesShape {
    /// The codes.
    pub codes: Vec<Hidden>,
}

/// How the second factor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FactorState {
    /// Whether a code is asked for at login.
    pub is_enabled: bool,
    /// How many recovery codes are left.
    pub recovery_codes_left: Option<u32>,
}
