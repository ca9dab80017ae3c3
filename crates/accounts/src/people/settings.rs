use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Site, TokenPurpose};

/// How people are let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeopleSettings {
    /// Who may sign up.
    pub sign_up: SignUpPolicy,
    /// Whether an address has to be verified before its owner can log in. Without mail it cannot be.
    pub verifies_email: bool,
    /// Whether people are asked when they were born (`data.ask_birth_date`).
    pub asks_birth_date: bool,
    /// Who is younger cannot sign up (`data.min_age`).
    pub age_min: u16,
    /// Who is younger needs a guardian's permission (`data.guardian_age`).
    pub guardian_age: u16,
    /// What letters call the installation.
    pub site: Site,
    /// A session that is not used for so long is over.
    pub session_idle: Duration,
    /// A session is over after this, however much it is used.
    pub session_life: Duration,
    /// How long an address can be verified after the letter.
    pub verify_life: Duration,
    /// How long a letter lets someone set a password or prove who they are.
    pub proof_life: Duration,
    /// How long an invitation is open.
    pub invitation_life: Duration,
}

/// Who may sign up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignUpPolicy {
    /// Everyone.
    Open,
    /// Who was invited to an account.
    InviteOnly,
    /// Nobody; the operator enrols people.
    #[default]
    Closed,
}

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

impl PeopleSettings {
    /// The documented ages, sessions of a day's pause and thirty days' life, letters good for a day, two hours and a week;
    /// nobody may sign up.
    pub fn of(site: Site) -> Self {
        Self {
            sign_up: SignUpPolicy::Closed,
            verifies_email: true,
            asks_birth_date: false,
            age_min: 13,
            guardian_age: 18,
            site,
            session_idle: DAY,
            session_life: 30 * DAY,
            verify_life: DAY,
            proof_life: 2 * HOUR,
            invitation_life: 7 * DAY,
        }
    }

    pub(super) fn token_life(&self, purpose: TokenPurpose) -> Duration {
        match purpose {
            TokenPurpose::VerifyEmail => self.verify_life,
            TokenPurpose::ResetPassword | TokenPurpose::ConfirmRights => self.proof_life,
        }
    }
}

/// For letters: how long something is good, rounded up.
pub(super) fn whole_hours(span: Duration) -> u64 {
    span.as_secs().div_ceil(HOUR.as_secs())
}
