//! Plans that the operator gives and ends.

use accounts::{GrantStart, PlanGrant, Term};
use axum::Json;
use axum::extract::State;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vocab::{AccountId, SubscriptionId};
use wire::console::admin::{PlanGrantWish, SubscriptionsWish};
use wire::console::plan::SubscriptionShape;
use wire::console::{ConsoleError, Done, Page, PageQuery, Problem};

use crate::console::access::OperatorOnly;
use crate::console::body::{Body, Named, Query, invalid, moment, parsed, parsed_if_any};
use crate::console::plan::shown;
use crate::console::{Console, Refused};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(grant)).routes(routes!(end))
}

/// Subscriptions of one account or of all, oldest first.
#[utoipa::path(get, path = "/admin/subscriptions", tag = "admin_plans", params(SubscriptionsWish),
    responses((status = 200, body = Page<SubscriptionShape>)))]
async fn list(
    State(console): State<Console>,
    _operator: OperatorOnly,
    Query(wish): Query<SubscriptionsWish>,
) -> Result<Json<Page<SubscriptionShape>>, Refused> {
    let cursor = parsed_if_any("cursor", wish.cursor.as_deref())?;
    let limit = PageQuery { cursor: None, limit: wish.limit }.limit();
    let subscriptions = console.plans.list(wish.account, cursor, limit + 1).await?;
    let now = console.platform.clock.now();
    let subscriptions = Page::of(subscriptions, limit, |subscription| subscription.id.to_string());
    Ok(Json(subscriptions.map(|subscription| shown(&subscription, now))))
}

/// Gives an account a plan.
#[utoipa::path(post, path = "/admin/accounts/{account}/plans", tag = "admin_plans", request_body = PlanGrantWish,
    responses((status = 200, body = SubscriptionShape)))]
async fn grant(
    State(console): State<Console>,
    operator: OperatorOnly,
    Named(account): Named<AccountId>,
    Body(wish): Body<PlanGrantWish>,
) -> Result<Json<SubscriptionShape>, Refused> {
    let term = match (wish.months, wish.days) {
        (Some(months), None) => Term::Months(months),
        (None, Some(days)) => Term::Days(days),
        (None, None) => Term::Endless,
        (Some(_), Some(_)) => return Err(invalid("days", "`months` or `days`, and not both")),
    };
    let start = match wish.start.as_deref() {
        None | Some("in_turn") => GrantStart::InTurn,
        Some("now") => GrantStart::Now,
        text => moment("start", text)?.map_or(GrantStart::InTurn, GrantStart::At),
    };
    let plan = parsed("plan", &wish.plan)?;
    let grant = PlanGrant { account, plan, term, start, granted_by: Some(console.operator), note: wish.note };
    let subscription = console.plans.grant(&grant).await?;
    console.standings.forget(account).await;
    let details = json!({"plan": subscription.plan.as_str()});
    console.note(&operator.by, Some(account), "plan.grant", subscription.id, details).await?;
    Ok(Json(shown(&subscription, console.platform.clock.now())))
}

/// Ends a subscription now, also one that has not begun.
#[utoipa::path(post, path = "/admin/subscriptions/{subscription}/end", tag = "admin_plans",
    responses((status = 200, body = Done)))]
async fn end(
    State(console): State<Console>,
    operator: OperatorOnly,
    Named(id): Named<SubscriptionId>,
) -> Result<Json<Done>, Refused> {
    let found = console.plans.find(id).await?;
    let account = found.ok_or_else(|| ConsoleError::of(Problem::NotFound))?.account;
    let changed = console.plans.end(id).await?;
    console.standings.forget(account).await;
    if changed {
        console.note(&operator.by, Some(account), "plan.end", id, json!({})).await?;
    }
    Ok(Json(Done { changed }))
}
