use std::time::Duration;

use ledger::{PoolKind, Units, WindowLimit, WindowName, WindowSpan};
use vocab::Timestamp;

use super::{McpReset, Plan, PlanBook, WeekAnchor, WindowMode, calendar};
use crate::Subscription;

const FIVE_HOURS: Duration = Duration::from_secs(5 * 3600);
const FIVE_HOURS_MS: i64 = 5 * 3600 * 1000;
const WEEK_MS: i64 = 7 * 24 * 3600 * 1000;

impl PlanBook {
    /// Every window that use of this kind of quota must fit in at `at`, with its limit; none for what `plan` does not
    /// limit.
    ///
    /// A new subscription begins with new windows, also when it follows one of the same plan (rule PLAN-16).
    pub fn windows(
        &self,
        plan: &Plan,
        subscription: &Subscription,
        kind: PoolKind,
        at: Timestamp,
    ) -> Vec<WindowLimit> {
        let windows = match kind {
            PoolKind::Prompts => [
                (WindowName::FiveHours, plan.prompts_per_5h.map(|count| self.prompts(count))),
                (WindowName::Week, plan.prompts_per_week.map(|count| self.prompts(count))),
            ]
            .to_vec(),
            PoolKind::McpCalls => {
                vec![(WindowName::Month, plan.mcp_calls_per_month.map(|count| Units(count.into())))]
            }
        };
        let limited = windows.into_iter().filter_map(|(name, limit)| {
            Some(WindowLimit { name, span: self.span(subscription, name, at), limit: limit? })
        });
        limited.collect()
    }

    fn span(&self, subscription: &Subscription, name: WindowName, at: Timestamp) -> WindowSpan {
        let quota = self.quota();
        let (starts, ends) = match name {
            WindowName::FiveHours => match quota.window_mode {
                WindowMode::Rolling => return WindowSpan::Rolling(FIVE_HOURS),
                WindowMode::Anchored => calendar::stretch(subscription.starts, FIVE_HOURS_MS, at),
            },
            WindowName::Week => {
                let anchor = match quota.week_anchor {
                    WeekAnchor::Activation => subscription.starts,
                    WeekAnchor::Order => subscription.created,
                };
                calendar::stretch(anchor, WEEK_MS, at)
            }
            WindowName::Month => match (quota.mcp_reset, subscription.ends) {
                (McpReset::BillingCycle, Some(ends)) => (subscription.starts, ends),
                _ => calendar::month(subscription.starts, quota.time_zone, at),
            },
        };
        WindowSpan::Anchored { starts, ends }
    }
}
