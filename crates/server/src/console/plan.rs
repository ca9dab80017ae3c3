//! Plans and limits (rules PLAN-18, QUOTA-12, RATE-04).

use accounts::{
    Cycle, Plan, PlanBook, RateOverrides, Restriction, Standing, Subscription, SubscriptionState,
    permille_used,
};
use axum::Json;
use axum::extract::State;
use gateway::{Limits, MeteredPlan, RateRules, Refusal};
use ledger::WindowState;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vocab::Timestamp;
use wire::console::accounts::RatesShape;
use wire::console::plan::{
    CurrentPlan, CyclePrice, LimitsPage, ModelLimits, PlanOffer, PlanPage, RestrictionShape,
    SubscriptionShape, WindowShape,
};
use wire::console::{ConsoleError, Moment, Money, Problem};

use super::access::{Member, may};
use super::{Console, Refused};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(page)).routes(routes!(limits))
}

/// The plan of an account, how full its windows are, and what is on offer.
#[utoipa::path(get, path = "/accounts/{account}/plan", tag = "plan", responses((status = 200, body = PlanPage)))]
async fn page(
    State(console): State<Console>,
    member: Member<may::SeeAccount>,
) -> Result<Json<PlanPage>, Refused> {
    let account = member.access.account.id;
    let now = console.platform.clock.now();
    let book = console.plans.book();
    let plan = match console.platform.plan_meter.read(account).await {
        Ok(metered) => Some(current(&book, &metered, now)),
        Err(Refusal::NoPlan { .. }) => None,
        Err(error) => return Err(Refused::unavailable(&error)),
    };
    let held = console.plans.held(account).await?;
    Ok(Json(PlanPage {
        plan,
        subscriptions: held.live.iter().map(|subscription| shown(subscription, now)).collect(),
        offers: book.plans().into_iter().map(|(id, plan)| offer(id.as_str(), plan)).collect(),
    }))
}

/// Every limit that applies to an account (rule RATE-04).
#[utoipa::path(get, path = "/accounts/{account}/limits", tag = "plan", responses((status = 200, body = LimitsPage)))]
async fn limits(
    State(console): State<Console>,
    member: Member<may::SeeAccount>,
) -> Result<Json<LimitsPage>, Refused> {
    let found = console.standings.of(member.access.account.id).await;
    let standing = found.map_err(|error| Refused::unavailable(&*error))?;
    let standing = standing.ok_or_else(|| ConsoleError::of(Problem::NotFound))?;
    let (book, rules) = (console.plans.book(), console.rates.current());
    Ok(Json(limits_of(&standing, &book, &rules, console.platform.clock.now())))
}

fn limits_of(standing: &Standing, book: &PlanBook, rules: &RateRules, now: Timestamp) -> LimitsPage {
    let own = standing.rates;
    let of_plan =
        standing.plan_at(now, book).ok().map(|held| book.concurrency_at(held.plan, now, rules.load()));
    let mut models: Vec<ModelLimits> = rules
        .models
        .iter()
        .map(|(model, limits)| ModelLimits {
            model: model.to_string(),
            limits: rates(limits),
            busy_try: rules.busy.get(model).map(ToString::to_string),
        })
        .collect();
    let others = rules.busy.iter().filter(|(model, _)| !rules.models.contains_key(*model));
    models.extend(others.map(|(model, other)| ModelLimits {
        model: model.to_string(),
        limits: RatesShape::default(),
        busy_try: Some(other.to_string()),
    }));
    LimitsPage {
        account: overridden(rates(&rules.account), own),
        key: rates(&rules.key),
        models,
        plan_concurrency: of_plan.map(|concurrency| own.concurrency.unwrap_or(concurrency)),
        restriction: standing.restriction_at(now).map(restriction),
    }
}

fn rates(limits: &Limits) -> RatesShape {
    RatesShape {
        concurrency: limits.concurrency,
        requests_per_minute: limits.requests_per_minute,
        tokens_per_minute: limits.tokens_per_minute,
        requests_per_day: limits.requests_per_day,
    }
}

fn overridden(rules: RatesShape, own: RateOverrides) -> RatesShape {
    RatesShape {
        concurrency: own.concurrency.or(rules.concurrency),
        requests_per_minute: own.requests_per_minute.or(rules.requests_per_minute),
        tokens_per_minute: own.tokens_per_minute.or(rules.tokens_per_minute),
        requests_per_day: own.requests_per_day.or(rules.requests_per_day),
    }
}

fn restriction(restriction: &Restriction) -> RestrictionShape {
    let (kind, calls_per_minute, until) = match restriction {
        Restriction::Throttled { calls_per_minute, until, .. } => {
            ("throttled", Some(*calls_per_minute), *until)
        }
        Restriction::Suspended { until, .. } => ("suspended", None, *until),
        Restriction::Banned { .. } => ("banned", None, None),
    };
    let case = restriction.case().to_string();
    RestrictionShape { kind: kind.to_owned(), calls_per_minute, until: until.map(Moment), case }
}

fn current(book: &PlanBook, metered: &MeteredPlan, now: Timestamp) -> CurrentPlan {
    let units_of_prompt = book.prompts(1).0;
    let prompts = metered.prompts.iter().map(|state| window("prompts", state, units_of_prompt));
    let calls = metered.mcp_calls.iter().map(|state| window("mcp_calls", state, 1));
    CurrentPlan {
        id: metered.plan.to_string(),
        subscription: shown(&metered.subscription, now),
        windows: prompts.chain(calls).collect(),
    }
}

fn window(kind: &str, state: &WindowState, units_of_one: i64) -> WindowShape {
    WindowShape {
        kind: kind.to_owned(),
        window: state.limit.name.as_str().to_owned(),
        used_permille: permille_used(state).into(),
        used: decimal(state.used.0, units_of_one),
        limit: decimal(state.limit.limit.0, units_of_one),
        resets: state.resets.map(Moment),
    }
}

/// `units` in whole ones and thousandths.
fn decimal(units: i64, units_of_one: i64) -> String {
    let thousandths = i128::from(units.max(0)) * 1000 / i128::from(units_of_one.max(1));
    let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A subscription as it is at `now`.
pub(super) fn shown(subscription: &Subscription, now: Timestamp) -> SubscriptionShape {
    let state = match subscription.state(now) {
        SubscriptionState::Upcoming => "upcoming",
        SubscriptionState::Active => "active",
        SubscriptionState::Over => "over",
    };
    SubscriptionShape {
        id: subscription.id,
        account: subscription.account,
        plan: subscription.plan.to_string(),
        state: state.to_owned(),
        starts: Moment(subscription.starts),
        ends: subscription.ends.map(Moment),
        ended_early: subscription.ended_early.map(Moment),
        is_granted: subscription.granted_by.is_some(),
        note: subscription.note.clone(),
    }
}

fn offer(id: &str, plan: &Plan) -> PlanOffer {
    let prices = plan.prices_usd.iter().map(|(cycle, price)| {
        let cycle = match cycle {
            Cycle::Month => "month",
            Cycle::Quarter => "quarter",
            Cycle::Year => "year",
        };
        CyclePrice { cycle: cycle.to_owned(), price: Money(*price) }
    });
    PlanOffer {
        id: id.to_owned(),
        name: plan.name.clone(),
        prices: prices.collect(),
        prompts_per_5h: plan.prompts_per_5h,
        prompts_per_week: plan.prompts_per_week,
        mcp_calls_per_month: plan.mcp_calls_per_month,
        concurrency: plan.concurrency,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_shown_as_prompts() {
        assert_eq!(decimal(79_200, 990), "80");
        assert_eq!(decimal(66, 990), "0.066");
        assert_eq!(decimal(100, 1), "100");
        assert_eq!(decimal(-5, 1), "0");
    }
}
