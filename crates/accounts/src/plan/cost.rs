use ledger::Units;
use vocab::{ModelName, Timestamp};

use super::{Multiplier, PlanBook, QuotaRules, QuotaUnit};

const MILLI_PROMPTS: u32 = 1000;

/// Where in a conversation a model call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The user said something.
    Begins,
    /// A tool's result goes back to the model.
    Continues,
}

/// A kind of MCP tool that is counted by calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum McpTool {
    /// Search of the web.
    WebSearch,
    /// Reading of pages.
    WebReader,
    /// Reading of repositories.
    Zread,
}

impl PlanBook {
    /// What a call of `model` that begins at `at` takes of a plan's prompts, in thousandths of a prompt (rules QUOTA-02,
    /// QUOTA-07, QUOTA-10). The same is taken of every window.
    ///
    /// A fraction of a thousandth is dropped, in the account's favour; [`Self::prompts`] drops the same fraction of
    /// a limit, so that a limit is always a whole number of calls: at 15 calls to a prompt a call takes 66 and 80 prompts
    /// are 79 200, which is exactly 1200 calls.
    pub fn units_for(&self, model: &ModelName, at: Timestamp, turn: Turn) -> Units {
        let quota = self.quota();
        let once = match (quota.unit, turn) {
            (QuotaUnit::Call, _) => quota.units_of_call(),
            (QuotaUnit::UserTurn, Turn::Begins) => MILLI_PROMPTS,
            (QuotaUnit::UserTurn, Turn::Continues) => 0,
        };
        Units(quota.multiplier(model, at).of(once).cast_signed())
    }

    /// So many prompts as units of their pool.
    pub fn prompts(&self, count: u32) -> Units {
        let quota = self.quota();
        let units_of_prompt = match quota.unit {
            QuotaUnit::Call => quota.calls_per_prompt.get().saturating_mul(quota.units_of_call()),
            QuotaUnit::UserTurn => MILLI_PROMPTS,
        };
        Units(i64::from(count) * i64::from(units_of_prompt))
    }

    /// What a call of an MCP tool takes of a plan's calls (rule MCPQ-01).
    pub fn mcp_units_for(&self, tool: McpTool) -> Units {
        let is_counted = tool != McpTool::Zread || self.quota().mcp_pool_includes_zread;
        Units(i64::from(is_counted))
    }
}

impl QuotaRules {
    /// How many times over a call of `model` counts that begins at `at`.
    pub fn multiplier(&self, model: &ModelName, at: Timestamp) -> Multiplier {
        let is_peak = self.is_peak(at);
        let promised = self
            .promos
            .iter()
            .filter(|promo| promo.is_on(at) && promo.models.contains(model))
            .find_map(|promo| if is_peak { promo.peak } else { promo.off_peak });
        let listed = || {
            let listed = self.multipliers.iter().find(|listed| listed.models.contains(model))?;
            Some(if is_peak { listed.peak } else { listed.off_peak })
        };
        promised.or_else(listed).unwrap_or(Multiplier::ONE)
    }

    fn units_of_call(&self) -> u32 {
        MILLI_PROMPTS / self.calls_per_prompt
    }
}
