//! Plans and limits (rules PLAN-18, QUOTA-12, RATE-04).

use serde::Serialize;
use utoipa::ToSchema;
use vocab::{AccountId, SubscriptionId};

use super::accounts::RatesShape;
use super::{Moment, Money};

/// The plan of an account and how full its windows are.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PlanPage {
    /// The plan that counts; none if there is none.
    pub plan: Option<CurrentPlan>,
    /// All subscriptions that are not over.
    pub subscriptions: Vec<SubscriptionShape>,
    /// What is on offer.
    pub offers: Vec<PlanOffer>,
}

/// The plan that counts.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct CurrentPlan {
    /// Which.
    pub id: String,
    /// By which subscription.
    pub subscription: SubscriptionShape,
    /// The windows of its quota.
    pub windows: Vec<WindowShape>,
}

/// One window of quota.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct WindowShape {
    /// `prompts` or `mcp_calls`.
    pub kind: String,
    /// `five_hours`, `week` or `month`.
    pub window: String,
    /// What is used of it, in thousandths, rounded down, and never more than 1000.
    pub used_permille: u32,
    /// How much is used: prompts or calls, with decimals.
    pub used: String,
    /// How much there is.
    pub limit: String,
    /// When the next of it comes back.
    pub resets: Option<Moment>,
}

/// A plan that an account has for a time.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SubscriptionShape {
    /// Its id.
    #[schema(value_type = String)]
    pub id: SubscriptionId,
    /// Whose.
    #[schema(value_type = String)]
    pub account: AccountId,
    /// Which plan.
    pub plan: String,
    /// `upcoming`, `active` or `over`.
    pub state: String,
    /// Its first moment.
    pub starts: Moment,
    /// The first moment after it.
    pub ends: Option<Moment>,
    /// When someone ended it.
    pub ended_early: Option<Moment>,
    /// Whether the operator gave it.
    pub is_granted: bool,
    /// A line for people.
    pub note: String,
}

/// A plan on offer.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PlanOffer {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it costs by cycle.
    pub prices: Vec<CyclePrice>,
    /// Prompts in five hours; none if nothing limits them.
    pub prompts_per_5h: Option<u32>,
    /// Prompts in a week.
    pub prompts_per_week: Option<u32>,
    /// Calls of MCP tools in a month.
    pub mcp_calls_per_month: Option<u32>,
    /// Requests at once in peak hours.
    pub concurrency: u32,
}

/// What a plan costs for one cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CyclePrice {
    /// Which cycle.
    pub cycle: String,
    /// How much.
    pub price: Money,
}

/// Every limit that applies to an account (rule RATE-04).
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LimitsPage {
    /// What the account may do at the general door.
    pub account: RatesShape,
    /// What each of its keys may do, at any door.
    pub key: RatesShape,
    /// What it may do with each model, at any door.
    pub models: Vec<ModelLimits>,
    /// Requests at once that its plan allows outside and within peak hours; none without a plan.
    pub plan_concurrency: Option<u32>,
    /// What a breach of the rules of use costs it for now.
    pub restriction: Option<RestrictionShape>,
}

/// The limits of one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModelLimits {
    /// The model.
    pub model: String,
    /// What may be done with it.
    pub limits: RatesShape,
    /// Another to try instead, while this one is refused for being busy.
    pub busy_try: Option<String>,
}

/// What holds an account back.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RestrictionShape {
    /// `throttled`, `suspended` or `banned`.
    pub kind: String,
    /// Calls a minute, if it is throttled.
    pub calls_per_minute: Option<u32>,
    /// When it ends by itself.
    pub until: Option<Moment>,
    /// The case that brought it, which can be appealed.
    pub case: String,
}
