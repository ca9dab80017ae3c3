//! Breaches of the rules of use, and appeals (rule USE-08).

use accounts::{AppealState, Case, CaseQuery};
use axum::Json;
use axum::extract::State;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vocab::CaseId;
use wire::console::cases::{AppealShape, CaseShape, DecisionShape, Words};
use wire::console::{ConsoleError, Moment, Page, PageQuery, Problem};

use super::access::{Member, Person, may};
use super::body::{Body, Named, Query, parsed_if_any};
use super::{Console, Refused};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(find)).routes(routes!(appeal))
}

/// The cases about an account, oldest first.
#[utoipa::path(get, path = "/accounts/{account}/cases", tag = "cases", params(PageQuery),
    responses((status = 200, body = Page<CaseShape>)))]
async fn list(
    State(console): State<Console>,
    member: Member<may::SeeAccount>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<CaseShape>>, Refused> {
    let cursor = parsed_if_any("cursor", page.cursor.as_deref())?;
    let query = CaseQuery { account: Some(member.access.account.id), states: Vec::new(), cursor };
    let cases = console.conduct.cases(&query, page.limit() + 1).await?;
    let cases = Page::of(cases, page.limit(), |case| case.id.to_string());
    Ok(Json(cases.map(|case| shown(&case))))
}

/// One case about an account.
#[utoipa::path(get, path = "/accounts/{account}/cases/{case}", tag = "cases",
    responses((status = 200, body = CaseShape)))]
async fn find(
    State(console): State<Console>,
    member: Member<may::SeeAccount>,
    Named(case): Named<CaseId>,
) -> Result<Json<CaseShape>, Refused> {
    let case = console.conduct.find(case).await?;
    if case.account != member.access.account.id {
        return Err(ConsoleError::of(Problem::NotFound).into());
    }
    Ok(Json(shown(&case)))
}

/// Asks to lift a strike, in the account's own words.
#[utoipa::path(post, path = "/accounts/{account}/cases/{case}/appeal", tag = "cases", request_body = Words,
    responses((status = 200, body = CaseShape)))]
async fn appeal(
    State(console): State<Console>,
    person: Person,
    member: Member<may::SeeAccount>,
    Named(case): Named<CaseId>,
    Body(Words { words }): Body<Words>,
) -> Result<Json<CaseShape>, Refused> {
    let account = member.access.account.id;
    let case = console.conduct.appeal(account, case, &words).await?;
    console.note(&person.by, Some(account), "case.appeal", case.id, json!({})).await?;
    Ok(Json(shown(&case)))
}

/// A case, as its account may see it: who decided stays with the operator.
pub(super) fn shown(case: &Case) -> CaseShape {
    let appeal_state = match case.appeal_state() {
        Some(AppealState::Upheld) => "upheld",
        Some(AppealState::Lifted) => "lifted",
        Some(AppealState::Open) | None => "open",
    };
    CaseShape {
        id: case.id,
        account: case.account,
        cause: case.cause.as_str().to_owned(),
        state: case.state.as_str().to_owned(),
        measure: case.measure.map(|measure| measure.as_str().to_owned()),
        client: case.evidence.client.as_ref().map(|client| client.label().to_owned()),
        requests: case.evidence.requests.iter().map(ToString::to_string).collect(),
        note: case.evidence.note.clone(),
        opened: Moment(case.opened),
        struck: case.struck.map(Moment),
        appeal: case.appeal.as_ref().map(|appeal| AppealShape {
            state: appeal_state.to_owned(),
            filed: Moment(appeal.filed),
            words: appeal.words.clone(),
        }),
        decision: case
            .decision
            .as_ref()
            .map(|decision| DecisionShape { at: Moment(decision.at), words: decision.words.clone() }),
    }
}
