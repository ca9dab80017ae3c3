use serde::Serialize;
use vocab::Timestamp;

use crate::{Plan, PlanBook, PlanId, Subscription};

/// The subscriptions of an account that matter now, as they were read at some moment.
///
/// It holds those to come as well, so that an account goes from one to the next without a gap however long ago it was
/// read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Holdings {
    /// Those that were not over, the newest first.
    pub live: Vec<Subscription>,
    /// The newest that was over, of those that ever counted.
    pub last_over: Option<Subscription>,
}

/// The plan that counts for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldPlan<'a> {
    /// By which the account has it.
    pub subscription: &'a Subscription,
    /// What the book says of it.
    pub plan: &'a Plan,
}

/// Why an account has no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPlan {
    /// It never had one (rule PLAN-04).
    Never,
    /// Its last one is over (rule PLAN-05).
    Expired {
        /// Since when.
        at: Timestamp,
    },
    /// It has one that is no longer in the book.
    Withdrawn {
        /// Which.
        plan: PlanId,
    },
}

impl Holdings {
    /// How many subscriptions of one account may not be over: that many are granted, and that many are read.
    pub const LIVE_MAX: u32 = 32;

    /// The plan that counts at `now`: of those that are active the one of the highest rank, and of several such the one
    /// that began last.
    pub fn plan_at<'a>(&'a self, now: Timestamp, book: &'a PlanBook) -> Result<HeldPlan<'a>, NoPlan> {
        let active = || self.live.iter().filter(|subscription| subscription.is_active(now));
        let best = active()
            .filter_map(|subscription| Some(HeldPlan { subscription, plan: book.plan(&subscription.plan)? }))
            .max_by_key(|held| (held.plan.rank, held.subscription.starts, held.subscription.number));
        if let Some(held) = best {
            return Ok(held);
        }
        if let Some(withdrawn) = active().next() {
            return Err(NoPlan::Withdrawn { plan: withdrawn.plan.clone() });
        }

        let over = self.live.iter().chain(&self.last_over).filter(|subscription| subscription.ever_counts());
        let last_end = over.filter_map(Subscription::over_at).filter(|over| *over <= now).max();
        Err(last_end.map_or(NoPlan::Never, |at| NoPlan::Expired { at }))
    }
}
