//! `/api/monitor/*`: what quota meters inside coding tools ask (`http-api.md` §25).
//!
//! Every answer is HTTP 200, refusals too, because the meters look at the body only.

mod usage;

use accounts::AuthError;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use gateway::{MeteredPlan, Refusal};
use ledger::{Units, WindowName, WindowState};
use wire::monitor::{
    FeedbackCase, MonitorAnswer, MonitorReceipt, MonitorRefusal, QuotaLimit, QuotaLimits, UsageDetail,
    percentage,
};

use crate::{Caller, Platform, RequestContext, auth};

/// All routes of the monitor. Both the bare key and a bearer token open them.
pub(crate) fn routes(platform: &Platform) -> Router<Platform> {
    Router::new()
        .route("/usage/model-usage", get(usage::of_models))
        .route("/usage/tool-usage", get(usage::of_tools))
        .route("/usage/quota/limit", get(quota))
        .route("/feedback/case", post(feedback))
        .layer(from_fn_with_state(platform.clone(), require))
}

async fn require(State(platform): State<Platform>, mut request: Request, next: Next) -> Response {
    match auth::credential_holder(&platform, request.headers()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(AuthError::Missing) => {
            refused(1001, "Authentication parameter not received in Header, unable to authenticate")
        }
        Err(AuthError::Unavailable(cause)) => {
            tracing::error!(error = &cause as &dyn std::error::Error, "keys could not be looked up");
            refused(500, "try again later")
        }
        Err(AuthError::Invalid | AuthError::Expired | AuthError::SignatureMismatch) => {
            refused(401, "token expired or incorrect")
        }
    }
}

async fn quota(State(platform): State<Platform>, caller: Caller) -> Response {
    match platform.plan_meter.read(caller.account).await {
        Ok(metered) => Json(MonitorAnswer::new(limits(&platform, &caller, metered).await)).into_response(),
        Err(Refusal::NoPlan { .. }) => refused(500, "this account has no coding plan"),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a plan could not be looked at");
            refused(500, "try again later")
        }
    }
}

async fn limits(platform: &Platform, caller: &Caller, metered: MeteredPlan) -> QuotaLimits {
    let mut limits: Vec<QuotaLimit> = metered.prompts.iter().filter_map(window_of_prompts).collect();
    if let Some(month) = metered.mcp_calls {
        let details = usage::tools_since(platform, caller, month_begins(&month)).await;
        let limit = count(month.limit.limit);
        limits.push(QuotaLimit::mcp_month(count(month.used), limit, month.resets, details));
    }
    QuotaLimits { limits, level: metered.plan.as_str().to_owned() }
}

fn window_of_prompts(state: &WindowState) -> Option<QuotaLimit> {
    let percent = percentage(count(state.used), count(state.limit.limit));
    match state.limit.name {
        WindowName::FiveHours => Some(QuotaLimit::five_hours(percent, state.resets)),
        WindowName::Week => Some(QuotaLimit::week(percent, state.resets)),
        WindowName::Month => None,
    }
}

fn month_begins(state: &WindowState) -> Option<vocab::Timestamp> {
    match state.limit.span {
        ledger::WindowSpan::Anchored { starts, .. } => Some(starts),
        ledger::WindowSpan::Rolling(_) => None,
    }
}

fn count(units: Units) -> u64 {
    u64::try_from(units.0).unwrap_or(0)
}

/// Takes a report of something wrong. It goes to the log, without the user's words: those may hold anything.
async fn feedback(caller: Caller, context: RequestContext, body: Option<Json<FeedbackCase>>) -> Response {
    let Some(Json(case)) = body else { return refused(400, "a report is a JSON object") };
    tracing::info!(
        request.id = %context.id,
        account = %caller.account,
        code_type = printable(&case.code_type),
        about = printable(&case.request_id),
        words = case.feedback.split_whitespace().count(),
        "a user reports something wrong"
    );
    Json(MonitorReceipt::default()).into_response()
}

/// A short text of the caller's that may stand in a log line.
fn printable(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(64).collect()
}

fn refused(code: u16, msg: &str) -> Response {
    Json(MonitorRefusal::new(code, msg)).into_response()
}

/// One line of `usageDetails`.
fn detail(model_code: &str, usage: u64) -> UsageDetail {
    UsageDetail { model_code: model_code.to_owned(), usage }
}
