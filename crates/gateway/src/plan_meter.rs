use std::sync::Arc;

use accounts::{NoPlan, PlanBook, PlanId, Standings, Subscription};
use ledger::{Pool, PoolKind, QuotaStore, WindowState};
use vocab::{AccountId, Clock, InForce};

use crate::Refusal;

/// Shows how full the windows of accounts' plans are (rules QUOTA-12, QUOTA-13).
pub struct PlanMeter {
    standings: Arc<Standings>,
    plans: Arc<InForce<PlanBook>>,
    quota: Arc<dyn QuotaStore>,
    clock: Arc<dyn Clock>,
}

/// An account's plan and what is used of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeteredPlan {
    /// Which plan.
    pub plan: PlanId,
    /// By which the account has it.
    pub subscription: Subscription,
    /// The windows of prompts: five hours, then the week.
    pub prompts: Vec<WindowState>,
    /// The month of MCP calls, if the plan limits them.
    pub mcp_calls: Option<WindowState>,
}

impl PlanMeter {
    /// A meter of plans in `plans`, whose use is kept in `quota`.
    pub fn new(
        standings: Arc<Standings>,
        plans: Arc<InForce<PlanBook>>,
        quota: Arc<dyn QuotaStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { standings, plans, quota, clock }
    }

    /// The account's plan as it is now. Requests under way do not show.
    pub async fn read(&self, account: AccountId) -> Result<MeteredPlan, Refusal> {
        let now = self.clock.now();
        let book = self.plans.current();
        let no_plan = |why| Refusal::NoPlan { why, code: book.no_plan_code() };
        let standing = self.standings.of(account).await.map_err(Refusal::unavailable)?;
        let standing = standing.ok_or_else(|| no_plan(NoPlan::Never))?;
        let held = standing.plan_at(now, &book).map_err(no_plan)?;

        let used = async |kind| {
            let pool = Pool { subscription: held.subscription.id, kind };
            let limits = book.windows(held.plan, held.subscription, kind, now);
            self.quota.quota_used(pool, &limits, now).await.map_err(Refusal::unavailable)
        };
        Ok(MeteredPlan {
            plan: held.subscription.plan.clone(),
            subscription: held.subscription.clone(),
            prompts: used(PoolKind::Prompts).await?,
            mcp_calls: used(PoolKind::McpCalls).await?.into_iter().next(),
        })
    }
}
