//! `[retention]`: how long things are kept that nobody needs for ever.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long things are kept. What is older is deleted, and cannot be brought back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RetentionConfig {
    /// Records of single requests: which key and model, how many tokens, when; in days, 31 or more. 0 keeps them for
    /// ever. Sums by day and the ledger always stay, but what is deleted cannot be shown line by line any more.
    pub(crate) usage_days: u32,
    /// Lines of the audit log, in days.
    pub(crate) audit_days: u32,
    /// Logins, in days after they are over.
    pub(crate) sessions_days: u32,
    /// Links that were sent in letters, in days after they stopped working.
    pub(crate) letters_days: u32,
    /// Invitations, in days after they expired.
    pub(crate) invitations_days: u32,
    /// People who signed up and never showed that their address is theirs, in days.
    pub(crate) unverified_days: u32,
}

impl RetentionConfig {
    /// Quota meters look back a month.
    pub(crate) const USAGE_DAYS_MIN: u32 = 31;
}

impl Default for RetentionConfig {
    fn default() -> Self {
        Self {
            usage_days: 400,
            audit_days: 365,
            sessions_days: 30,
            letters_days: 7,
            invitations_days: 30,
            unverified_days: 7,
        }
    }
}
