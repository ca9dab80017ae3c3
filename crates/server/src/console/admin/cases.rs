//! Cases that wait for a person (rules USE-05, USE-08, DATA-07).

use accounts::{Cause, Evidence};
use axum::Json;
use axum::extract::State;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vocab::{CaseId, RequestId};
use wire::console::admin::{CaseDecision, CaseVerdict, CaseWish};
use wire::console::cases::CaseShape;
use wire::console::{Page, PageQuery};

use super::account;
use crate::console::access::OperatorOnly;
use crate::console::body::{Body, Named, Query, invalid, named, parsed_if_any};
use crate::console::cases::shown;
use crate::console::{Console, Refused};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(queue, open)).routes(routes!(find)).routes(routes!(decide))
}

/// Everything that waits for a person: open cases, proposed bans and appeals.
#[utoipa::path(get, path = "/admin/cases", tag = "admin_cases", params(PageQuery),
    responses((status = 200, body = Page<CaseShape>)))]
async fn queue(
    State(console): State<Console>,
    _operator: OperatorOnly,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<CaseShape>>, Refused> {
    let cursor = parsed_if_any("cursor", page.cursor.as_deref())?;
    let cases = console.conduct.queue(cursor, page.limit() + 1).await?;
    let cases = Page::of(cases, page.limit(), |case| case.id.to_string());
    Ok(Json(cases.map(|case| shown(&case))))
}

/// Opens a case. Nothing follows from it yet.
#[utoipa::path(post, path = "/admin/cases", tag = "admin_cases", request_body = CaseWish,
    responses((status = 200, body = CaseShape)))]
async fn open(
    State(console): State<Console>,
    operator: OperatorOnly,
    Body(wish): Body<CaseWish>,
) -> Result<Json<CaseShape>, Refused> {
    account(&console, wish.account).await?;
    let cause = named("cause", &Cause::ALL, Cause::as_str, &wish.cause)?;
    let requests = wish
        .requests
        .iter()
        .map(|id| RequestId::parse(id).ok_or_else(|| invalid("requests", "each is a request's id")));
    let requests = requests.collect::<Result<_, Refused>>()?;
    let evidence = Evidence { requests, note: wish.note, ..Evidence::default() };
    let case = console.conduct.open(wish.account, cause, evidence).await?;
    console
        .note(&operator.by, Some(case.account), "case.open", case.id, json!({"cause": cause.as_str()}))
        .await?;
    Ok(Json(shown(&case)))
}

/// One case.
#[utoipa::path(get, path = "/admin/cases/{case}", tag = "admin_cases", responses((status = 200, body = CaseShape)))]
async fn find(
    State(console): State<Console>,
    _operator: OperatorOnly,
    Named(case): Named<CaseId>,
) -> Result<Json<CaseShape>, Refused> {
    Ok(Json(shown(&console.conduct.find(case).await?)))
}

/// Decides about a case. What follows for its account counts within a second.
#[utoipa::path(post, path = "/admin/cases/{case}/decision", tag = "admin_cases", request_body = CaseDecision,
    responses((status = 200, body = CaseShape)))]
async fn decide(
    State(console): State<Console>,
    operator: OperatorOnly,
    Named(id): Named<CaseId>,
    Body(CaseDecision { decision, words }): Body<CaseDecision>,
) -> Result<Json<CaseShape>, Refused> {
    let by = operator.by.actor.to_string();
    let (case, action) = match decision {
        CaseVerdict::Strike => (console.conduct.strike(id, &by, &words).await?, "case.strike"),
        CaseVerdict::Dismiss => (console.conduct.dismiss(id, &by, &words).await?, "case.dismiss"),
        CaseVerdict::Uphold => (console.conduct.uphold(id, &by, &words).await?, "case.uphold"),
        CaseVerdict::Lift => (console.conduct.lift(id, &by, &words).await?, "case.lift"),
    };
    console.standings.forget(case.account).await;
    console.note(&operator.by, Some(case.account), action, id, json!({})).await?;
    Ok(Json(shown(&case)))
}
