//! Who did what in an account.

use accounts::{AuditEvent, AuditQuery};
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vocab::AccountId;
use wire::console::audit::{AuditLine, AuditWish};
use wire::console::{Moment, Page};

use super::access::{Member, may};
use super::body::{Query, moment, parsed_if_any};
use super::{Console, Refused};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(of_account))
}

/// The audit log of an account, newest first.
#[utoipa::path(get, path = "/accounts/{account}/audit", tag = "audit", params(AuditWish),
    responses((status = 200, body = Page<AuditLine>)))]
async fn of_account(
    State(console): State<Console>,
    member: Member<may::SeeAudit>,
    Query(wish): Query<AuditWish>,
) -> Result<Json<Page<AuditLine>>, Refused> {
    Ok(Json(lines(&console, Some(member.access.account.id), &wish).await?))
}

/// A page of the log of one account or of the whole platform.
pub(super) async fn lines(
    console: &Console,
    account: Option<AccountId>,
    wish: &AuditWish,
) -> Result<Page<AuditLine>, Refused> {
    let query = AuditQuery {
        account,
        actor: parsed_if_any("actor", wish.actor.as_deref())?,
        since: moment("since", wish.since.as_deref())?,
        until: moment("until", wish.until.as_deref())?,
    };
    let page = wish.page();
    let cursor = parsed_if_any("cursor", page.cursor.as_deref())?;
    let events = console.audit.list(&query, cursor, page.limit() + 1).await?;
    let events = Page::of(events, page.limit(), |event| event.id.to_string());
    Ok(events.map(shown))
}

fn shown(event: AuditEvent) -> AuditLine {
    AuditLine {
        id: event.id,
        at: Moment(event.at),
        actor: event.actor.to_string(),
        account: event.account,
        action: event.action.to_string(),
        target: event.target,
        details: event.details,
        source: event.source.map(|source| source.to_string()),
    }
}
