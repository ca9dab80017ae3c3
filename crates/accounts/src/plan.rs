//! Plans: what is sold and granted, and everything that can be computed about one.
//!
//! A [`PlanBook`] is data that the operator edits while the platform runs; the documented plans are shipped as the
//! default. What is computed here reads no clock and no store: the moment is always an argument.

mod book;
mod calendar;
mod cost;
mod id;
mod model;
mod multiplier;
mod peak;
mod rules;
mod show;
mod windows;
mod zone;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use vocab::{ModelName, NanoUsd};

pub use book::{InvalidPlanBook, PlanBook};
pub use calendar::{Cycle, Term};
pub use cost::{McpTool, Turn};
pub use id::{InvalidPlanId, PlanId};
pub use multiplier::{InvalidMultiplier, Multiplier};
pub use peak::{InvalidTimeOfDay, Load, PeakWindow, TimeOfDay};
pub use rules::{
    McpReset, ModelMultiplier, NoPlanCode, PlanRates, Promo, QuotaRules, QuotaUnit, WeekAnchor, WindowMode,
};
pub use show::{permille_used, reset_text, window_words};
pub use zone::{InvalidUtcOffset, UtcOffset};

/// One plan, as it stands in a [`PlanBook`] (rules PLAN-01, QUOTA-01, MCPQ-01, RATE-01).
///
/// Where a limit is none, nothing limits it; it has to be written as `null`, so that forgetting a limit does not give
/// everything away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What people call it.
    pub name: String,
    /// A higher rank is a better plan. Of two plans held at once the better one counts.
    pub rank: u32,
    /// What it costs for each cycle it is sold by; nothing if it is only granted. In the document these are texts, such
    /// as `"48.60"`.
    #[serde(with = "book::dollars")]
    pub prices_usd: BTreeMap<Cycle, NanoUsd>,
    /// Prompts in five hours.
    #[serde(deserialize_with = "Option::deserialize")]
    pub prompts_per_5h: Option<u32>,
    /// Prompts in a week of the subscription.
    #[serde(deserialize_with = "Option::deserialize")]
    pub prompts_per_week: Option<u32>,
    /// Calls of MCP tools in a month of the subscription.
    #[serde(deserialize_with = "Option::deserialize")]
    pub mcp_calls_per_month: Option<u32>,
    /// Requests at once in peak hours.
    pub concurrency: u32,
    /// If given, the plan has these models and its extra ones, and no others.
    #[serde(default)]
    pub allowed_models: Option<BTreeSet<ModelName>>,
    /// Models this plan has although others do not.
    #[serde(default)]
    pub extra_models: BTreeSet<ModelName>,
}
