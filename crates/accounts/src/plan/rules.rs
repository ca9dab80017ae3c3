use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use vocab::{ModelName, Timestamp};

use super::{Multiplier, PeakWindow, UtcOffset};

/// Calls to one prompt that make sense: a thousandth of a prompt is the least that is counted.
pub(super) const CALLS_PER_PROMPT: RangeInclusive<u32> = 1..=1000;

/// How plan quota is counted, the same for every plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaRules {
    /// What counts as use of prompts (rule QUOTA-02).
    pub unit: QuotaUnit,
    /// How many model calls make one prompt, if calls are counted (rule QUOTA-02). At most 1000.
    pub calls_per_prompt: NonZeroU32,
    /// How the five hours run (rule QUOTA-03).
    pub window_mode: WindowMode,
    /// Where the first week begins (rule QUOTA-04).
    pub week_anchor: WeekAnchor,
    /// Models that count more or less than once; all others count once (rule QUOTA-07).
    pub multipliers: Vec<ModelMultiplier>,
    /// When it is peak time, every day (rule QUOTA-08).
    pub peak_windows: Vec<PeakWindow>,
    /// Multipliers for a limited time; the first one that speaks of a model counts (rule QUOTA-09).
    pub promos: Vec<Promo>,
    /// Whether calls of Zread are counted with those of search and reader (rule MCPQ-01).
    pub mcp_pool_includes_zread: bool,
    /// When calls of MCP tools start again from nothing (rule MCPQ-03).
    pub mcp_reset: McpReset,
    /// The zone whose calendar tells what the same day of the next month is.
    pub time_zone: UtcOffset,
}

/// What counts as use of prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuotaUnit {
    /// Each model call, as a fraction of a prompt.
    Call,
    /// A whole prompt when the user speaks, and nothing for the calls that follow from it.
    UserTurn,
}

/// How the five hours run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowMode {
    /// Each use comes back five hours after it happened.
    Rolling,
    /// Everything comes back every five hours, counted from the beginning of the subscription.
    Anchored,
}

/// Where the first week of a subscription begins. The two differ for periods that are bought ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeekAnchor {
    /// When it begins.
    Activation,
    /// When it was bought or granted.
    Order,
}

/// When calls of MCP tools start again from nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum McpReset {
    /// On the same day of each month as the subscription began, or the month's last.
    MonthlyAnniversary,
    /// When the subscription ends. One without an end has anniversaries.
    BillingCycle,
}

/// What some models count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelMultiplier {
    /// Which models.
    pub models: Vec<ModelName>,
    /// What they count in peak hours.
    pub peak: Multiplier,
    /// What they count otherwise.
    pub off_peak: Multiplier,
}

/// What some models count for a limited time. What is not given stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promo {
    /// Which models.
    pub models: Vec<ModelName>,
    /// What they count in peak hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak: Option<Multiplier>,
    /// What they count otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_peak: Option<Multiplier>,
    /// The last second it is in force.
    #[serde(with = "moment")]
    pub until: Timestamp,
}

impl Promo {
    /// Whether the promotion is in force at `at`.
    pub fn is_on(&self, at: Timestamp) -> bool {
        at.as_secs() <= self.until.as_secs()
    }
}

/// How many requests plans may run at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanRates {
    /// How many times the plan's number it is outside peak hours (rule RATE-01).
    pub off_peak_factor: Multiplier,
}

/// What an account without a plan is told at a plan's door (rule PLAN-04).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoPlanCode {
    /// That its package has expired.
    #[serde(rename = "1309")]
    Expired,
    /// That its balance does not cover the request.
    #[serde(rename = "1113")]
    InsufficientBalance,
}

/// Moments as texts with their zone, such as `2026-06-30T23:59:59+08:00`. Written in UTC.
mod moment {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use vocab::Timestamp;

    pub(super) fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(moment)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment: jiff::Timestamp = text.parse().map_err(|_| {
            de::Error::custom(format!("`{text}` is not a moment such as `2026-06-30T23:59:59+08:00`"))
        })?;
        Ok(Timestamp::from_millis(moment.as_millisecond()))
    }
}
