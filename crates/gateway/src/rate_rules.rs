use std::collections::BTreeMap;
use std::time::Duration;

use accounts::Load;
use serde::{Deserialize, Serialize};
use vocab::ModelName;

use crate::Limits;

/// The longest that a request waits for its turn.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(600);

/// The platform's own limits, beside those of plans: an operator document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateRules {
    /// What one account may do at the general door.
    pub account: Limits,
    /// What one key may do, at any door.
    pub key: Limits,
    /// What one account may do with one model, at any door.
    pub models: BTreeMap<ModelName, Limits>,
    /// Models that are refused for now with code 1312, each with another to try instead (rule ERR-10).
    pub busy: BTreeMap<ModelName, ModelName>,
    /// Whether there is so much to do that general-purpose tools come second (rule RATE-06).
    pub is_load_high: bool,
    /// What happens above a limit of requests at once (rule RATE-03).
    pub overflow: Overflow,
    /// How long a request waits for others to end, if it waits; ten minutes at most.
    pub queue_seconds: u32,
}

/// What happens to a request above the limit of requests at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overflow {
    /// It is refused with code 1302.
    #[default]
    Reject,
    /// It waits, and is refused if that takes too long.
    Queue,
}

/// A document that cannot be the platform's limits.
#[derive(Debug, thiserror::Error)]
#[error("the rates cannot be read: {0}")]
pub struct InvalidRates(#[from] serde_json::Error);

impl RateRules {
    /// Reads an operator's document; what it leaves out limits nothing.
    pub fn from_json(text: &str) -> Result<Self, InvalidRates> {
        Ok(serde_json::from_str(text)?)
    }

    /// How busy the platform is by the operator's signal.
    pub fn load(&self) -> Load {
        if self.is_load_high { Load::High } else { Load::Usual }
    }

    /// How long a request may wait for a place.
    pub fn wait_max(&self) -> Duration {
        match self.overflow {
            Overflow::Reject => Duration::ZERO,
            Overflow::Queue => Duration::from_secs(self.queue_seconds.into()).min(WAIT_MAX),
        }
    }
}
