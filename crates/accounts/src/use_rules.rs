//! The rules of use of a plan, and what follows when they are broken (`USE-01` to `USE-10`, `DATA-07`).
//!
//! [`UseRules`] is data that the operator edits. [`Conduct`] applies it: it keeps [`Violation`]s, gives strikes as
//! [`Case`]s, and turns the strikes that stand into one [`Restriction`]. A machine notes, slows and suspends; only a
//! person bans.

mod ban_mark;
mod case;
mod conduct;
mod conduct_store;
mod end_user;
mod restriction;
mod review;
mod strike_letters;
#[cfg(test)]
mod tests;
mod violation;

use std::num::{NonZeroU8, NonZeroU32};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use ban_mark::{BanMark, InvalidBanMark};
pub use case::{
    Appeal, AppealState, Case, CaseEvent, CaseState, Cause, Decision, Evidence, IllegalCaseEvent, Measure,
};
pub use conduct::{Conduct, ConductError};
pub use conduct_store::{CaseQuery, ConductRecord, ConductStore, ConductStoreError, ViolationQuery};
pub use end_user::{BlockedEndUser, EndUserId, EndUsers, InvalidEndUserId};
pub use restriction::Restriction;
pub use strike_letters::{StrikeLetterError, StrikeLetters};
pub use violation::{SeenClient, Sighting, Violation};

const ALLOWED_CLIENTS_MAX: usize = 512;
const DAYS_MAX: u32 = 36_500;

/// What use of a plan is allowed and what happens to other use: an operator document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UseRules {
    /// What happens to a request of a program that the plan does not cover.
    pub enforcement: Enforcement,
    /// Names of the tools that may use a plan, as the recogniser calls them. A library's name may stand here too.
    pub allowed_clients: Vec<String>,
    /// The strike with this number is a ban.
    pub strikes_to_ban: NonZeroU8,
    /// Whether a ban waits, as a suspension, for a person to confirm it (DATA-07).
    pub ban_needs_review: bool,
    /// What a throttled account may call in a minute.
    pub throttle_calls_per_minute: NonZeroU32,
    /// How long a throttle lasts; without a figure, until it is lifted.
    pub throttle_hours: Option<u32>,
    /// How long a suspension lasts; without a figure, until it is lifted.
    pub suspend_hours: Option<u32>,
    /// Violations within this time of a strike bring no other strike: a program that calls ten times a second breaks
    /// the rules once, not ten times.
    pub strike_interval_hours: u32,
    /// How long notes of violations are kept.
    pub violations_kept_days: u32,
}

/// How strict the rules are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// Violations are noted, and nothing else happens.
    #[default]
    Observe,
    /// Nobody looks.
    Off,
    /// Requests of plain libraries are refused with code 1313 and bring strikes.
    Enforce,
}

/// What the rules say to one request that a plan is to pay for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Nothing is wrong, or nothing is known.
    Allowed,
    /// It is served, and [`Conduct::witness`] should hear of it.
    Noted,
    /// It is refused with code 1313, and [`Conduct::witness`] should hear of it.
    Refused,
}

/// A document that cannot be the rules of use.
#[derive(Debug, thiserror::Error)]
pub enum InvalidUseRules {
    /// It is not JSON of this shape; the path names the field.
    #[error("the rules of use cannot be read")]
    Shape(#[from] serde_path_to_error::Error<serde_json::Error>),
    /// Too many names.
    #[error("`allowed_clients` has more than {ALLOWED_CLIENTS_MAX} names")]
    TooManyClients,
    /// A span that is no span.
    #[error("`{0}` is longer than a hundred years")]
    TooLong(&'static str),
}

impl Default for UseRules {
    /// The documented rules: the plan's tools and those with a guide are allowed, the rest is observed.
    fn default() -> Self {
        const ALLOWED: [&str; 20] = [
            "Claude Code",
            "Claude Code IDE plugin",
            "OpenCode",
            "Cursor",
            "Cline",
            "TRAE",
            "Qoder",
            "Factory Droid",
            "Kilo Code",
            "Roo Code",
            "Crush",
            "Goose",
            "Eigent",
            "OpenClaw",
            "Hermes Agent",
            "SillyTavern",
            "Gemini CLI",
            "Grok CLI",
            "n8n",
            "Z.AI vision MCP server",
        ];
        const THREE: NonZeroU8 = NonZeroU8::new(3).expect("three is not zero");
        Self {
            enforcement: Enforcement::Observe,
            allowed_clients: ALLOWED.map(str::to_owned).to_vec(),
            strikes_to_ban: THREE,
            ban_needs_review: true,
            throttle_calls_per_minute: NonZeroU32::MIN,
            throttle_hours: None,
            suspend_hours: None,
            strike_interval_hours: 24,
            violations_kept_days: 180,
        }
    }
}

impl UseRules {
    /// Reads an operator's document; what it leaves out is as documented.
    pub fn from_json(text: &str) -> Result<Self, InvalidUseRules> {
        let rules: Self = serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(text))?;
        if rules.allowed_clients.len() > ALLOWED_CLIENTS_MAX {
            return Err(InvalidUseRules::TooManyClients);
        }
        let hours_max = DAYS_MAX * 24;
        for (name, value, max) in [
            ("throttle_hours", rules.throttle_hours, hours_max),
            ("suspend_hours", rules.suspend_hours, hours_max),
            ("strike_interval_hours", Some(rules.strike_interval_hours), hours_max),
            ("violations_kept_days", Some(rules.violations_kept_days), DAYS_MAX),
        ] {
            if value.is_some_and(|value| value > max) {
                return Err(InvalidUseRules::TooLong(name));
            }
        }
        Ok(rules)
    }

    /// Judges a request that a plan is to pay for, by what the recogniser found: the client's name, if it has one, and
    /// whether *every* signal says that it is a plain library (USE-01, USE-02).
    ///
    /// Ask only where a plan pays: what somebody pays for by the token is nobody's business. An unknown program is
    /// allowed, because recognising is a signal and no wall.
    pub fn judge(&self, client: Option<&str>, is_plain_sdk: bool) -> Verdict {
        let Some(client) = client else { return Verdict::Allowed };
        if self.enforcement == Enforcement::Off {
            return Verdict::Allowed;
        }
        let is_allowed = self.allowed_clients.iter().any(|allowed| allowed.eq_ignore_ascii_case(client));
        match (is_allowed, self.enforcement) {
            (true, _) | (_, Enforcement::Off) => Verdict::Allowed,
            (false, Enforcement::Enforce) if is_plain_sdk => Verdict::Refused,
            (false, Enforcement::Observe | Enforcement::Enforce) => Verdict::Noted,
        }
    }

    /// What an account's strike with this number brings; the first is number 1 (USE-05).
    pub fn measure(&self, strike: usize) -> Measure {
        if strike >= usize::from(self.strikes_to_ban.get()) {
            Measure::Ban
        } else if strike <= 1 {
            Measure::Throttle
        } else {
            Measure::Suspend
        }
    }

    /// The time between strikes.
    pub fn strike_interval(&self) -> Duration {
        hours(self.strike_interval_hours)
    }
}

/// A span of whole hours.
fn hours(count: u32) -> Duration {
    Duration::from_secs(u64::from(count) * 3600)
}
