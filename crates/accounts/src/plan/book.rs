use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vocab::ModelName;

use super::rules::CALLS_PER_PROMPT;
use super::{NoPlanCode, Plan, PlanId, PlanRates, QuotaRules};
use crate::account::checked_name;

const PLANS_MAX: usize = 100;
const MODELS_MAX: usize = 1000;
const RULES_MAX: usize = 100;

/// Every plan, and the rules that all of them share. One that exists is valid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PlanBook {
    document: Document,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    plans: BTreeMap<PlanId, Plan>,
    models_not_included: BTreeSet<ModelName>,
    vision_tool_models: BTreeSet<ModelName>,
    no_plan_code: NoPlanCode,
    quota: QuotaRules,
    rate: PlanRates,
}

/// A mistake in a document of plans.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`: {problem}")]
pub struct InvalidPlanBook {
    /// Where, as `quota.peak_windows[0].from`.
    pub key: String,
    /// What is wrong there.
    pub problem: String,
}

impl PlanBook {
    /// The documented plans.
    pub fn documented() -> &'static Self {
        static BOOK: OnceLock<PlanBook> = OnceLock::new();
        BOOK.get_or_init(|| {
            Self::from_json(Self::documented_json())
                .expect("the shipped plans are valid, which a test proves")
        })
    }

    /// The documented plans as the operator gets them to edit.
    pub fn documented_json() -> &'static str {
        include_str!("../../data/plans.json")
    }

    /// Reads and checks a document of plans.
    pub fn from_json(json: &str) -> Result<Self, InvalidPlanBook> {
        let document: Value =
            serde_json::from_str(json).map_err(|error| mistake("document", error.to_string()))?;
        Self::from_value(&document)
    }

    /// Checks a document of plans.
    pub fn from_value(document: &Value) -> Result<Self, InvalidPlanBook> {
        let document: Document = serde_path_to_error::deserialize(document).map_err(|error| {
            let key = match error.path().to_string() {
                path if path == "." => "document".to_owned(),
                path => path,
            };
            mistake(key, error.into_inner().to_string())
        })?;
        document.check()?;
        Ok(Self { document })
    }

    /// The plan called `id`.
    pub fn plan(&self, id: &PlanId) -> Option<&Plan> {
        self.document.plans.get(id)
    }

    /// Every plan, the best last.
    pub fn plans(&self) -> Vec<(&PlanId, &Plan)> {
        let mut plans: Vec<_> = self.document.plans.iter().collect();
        plans.sort_by_key(|(_, plan)| plan.rank);
        plans
    }

    /// Documented models that a plan without a list of its own does not have. Any other model it has (rule PLAN-03).
    pub fn models_not_included(&self) -> &BTreeSet<ModelName> {
        &self.document.models_not_included
    }

    /// Models that the vision tools ask for, in the order of their names.
    pub fn vision_tool_models(&self) -> &BTreeSet<ModelName> {
        &self.document.vision_tool_models
    }

    /// What an account that never had a plan is told at a plan's door.
    pub fn no_plan_code(&self) -> NoPlanCode {
        self.document.no_plan_code
    }

    /// How quota is counted.
    pub fn quota(&self) -> &QuotaRules {
        &self.document.quota
    }

    /// How many requests run at once.
    pub fn rate(&self) -> &PlanRates {
        &self.document.rate
    }
}

impl Document {
    fn check(&self) -> Result<(), InvalidPlanBook> {
        at_most("plans", self.plans.len(), PLANS_MAX)?;
        at_most("models_not_included", self.models_not_included.len(), MODELS_MAX)?;
        at_most("vision_tool_models", self.vision_tool_models.len(), MODELS_MAX)?;
        for (id, plan) in &self.plans {
            check_plan(&format!("plans.{id}"), plan)?;
        }
        check_quota(&self.quota)
    }
}

fn check_plan(key: &str, plan: &Plan) -> Result<(), InvalidPlanBook> {
    checked_name(&plan.name).map_err(|error| mistake(format!("{key}.name"), error.to_string()))?;
    let limits = [
        ("prompts_per_5h", plan.prompts_per_5h),
        ("prompts_per_week", plan.prompts_per_week),
        ("mcp_calls_per_month", plan.mcp_calls_per_month),
    ];
    if let Some((name, _)) = limits.iter().find(|(_, limit)| *limit == Some(0)) {
        return Err(mistake(format!("{key}.{name}"), "a limit is at least 1, or null for none"));
    }
    if plan.concurrency == 0 {
        return Err(mistake(format!("{key}.concurrency"), "at least one request runs at a time"));
    }
    if let Some((cycle, _)) = plan.prices_usd.iter().find(|(_, price)| price.0 < 0) {
        let cycle = format!("{cycle:?}").to_lowercase();
        return Err(mistake(format!("{key}.prices_usd.{cycle}"), "a price is not below zero"));
    }
    at_most(&format!("{key}.extra_models"), plan.extra_models.len(), MODELS_MAX)?;
    let allowed = plan.allowed_models.as_ref().map_or(0, BTreeSet::len);
    at_most(&format!("{key}.allowed_models"), allowed, MODELS_MAX)
}

fn check_quota(quota: &QuotaRules) -> Result<(), InvalidPlanBook> {
    if !CALLS_PER_PROMPT.contains(&quota.calls_per_prompt.get()) {
        return Err(mistake("quota.calls_per_prompt", "a prompt is 1 to 1000 calls"));
    }
    at_most("quota.multipliers", quota.multipliers.len(), RULES_MAX)?;
    at_most("quota.peak_windows", quota.peak_windows.len(), RULES_MAX)?;
    at_most("quota.promos", quota.promos.len(), RULES_MAX)?;

    let mut multiplied = BTreeSet::new();
    for (number, listed) in quota.multipliers.iter().enumerate() {
        let key = format!("quota.multipliers[{number}].models");
        at_most(&key, listed.models.len(), MODELS_MAX)?;
        if let Some(model) = listed.models.iter().find(|model| !multiplied.insert(*model)) {
            return Err(mistake(key, format!("`{model}` has a multiplier already")));
        }
    }
    for (number, window) in quota.peak_windows.iter().enumerate() {
        if window.from == window.to {
            let key = format!("quota.peak_windows[{number}].to");
            return Err(mistake(key, "peak hours end at another time than they begin"));
        }
    }
    for (number, promo) in quota.promos.iter().enumerate() {
        at_most(&format!("quota.promos[{number}].models"), promo.models.len(), MODELS_MAX)?;
        if promo.peak.is_none() && promo.off_peak.is_none() {
            return Err(mistake(
                format!("quota.promos[{number}]"),
                "`peak`, `off_peak` or both must be given",
            ));
        }
    }
    Ok(())
}

fn at_most(key: &str, len: usize, max: usize) -> Result<(), InvalidPlanBook> {
    if len <= max {
        Ok(())
    } else {
        Err(mistake(key, format!("{len} entries, and at most {max} are allowed")))
    }
}

fn mistake(key: impl Into<String>, problem: impl Into<String>) -> InvalidPlanBook {
    InvalidPlanBook { key: key.into(), problem: problem.into() }
}

/// Prices by cycle as texts, such as `"48.60"`: numbers with a fraction are not exact.
pub(super) mod dollars {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};
    use vocab::{InvalidMoney, NanoUsd};

    use crate::Cycle;

    #[derive(Deserialize)]
    #[serde(try_from = "String")]
    struct Dollars(NanoUsd);

    impl TryFrom<String> for Dollars {
        type Error = InvalidMoney;

        fn try_from(text: String) -> Result<Self, InvalidMoney> {
            text.parse().map(Self)
        }
    }

    pub(in crate::plan) fn serialize<S: Serializer>(
        prices: &BTreeMap<Cycle, NanoUsd>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(prices.iter().map(|(cycle, price)| (cycle, price.to_string())))
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Prices {
        month: Option<Dollars>,
        quarter: Option<Dollars>,
        year: Option<Dollars>,
    }

    pub(in crate::plan) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Cycle, NanoUsd>, D::Error> {
        // Fields, and not a map, so that a mistake is told with its cycle.
        let Prices { month, quarter, year } = Prices::deserialize(deserializer)?;
        let prices = [(Cycle::Month, month), (Cycle::Quarter, quarter), (Cycle::Year, year)];
        Ok(prices.into_iter().filter_map(|(cycle, price)| Some((cycle, price?.0))).collect())
    }
}
