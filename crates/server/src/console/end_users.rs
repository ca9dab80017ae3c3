//! Those who use a caller's product (rule USE-10).

use accounts::{BlockedEndUser, EndUserId};
use axum::Json;
use axum::extract::State;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::console::end_users::{EndUserShape, EndUserWish};
use wire::console::{Done, Moment, Page, PageQuery};

use super::access::{Member, may};
use super::body::{Body, Query, parsed, parsed_if_any};
use super::{Console, Refused};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(block)).routes(routes!(unblock))
}

/// The end users that an account blocks.
#[utoipa::path(get, path = "/accounts/{account}/end-users", tag = "end_users", params(PageQuery),
    responses((status = 200, body = Page<EndUserShape>)))]
async fn list(
    State(console): State<Console>,
    member: Member<may::SeeAccount>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<EndUserShape>>, Refused> {
    let cursor: Option<EndUserId> = parsed_if_any("cursor", page.cursor.as_deref())?;
    let account = member.access.account.id;
    let blocked = console.end_users.list(account, cursor.as_ref(), page.limit() + 1).await?;
    let blocked = Page::of(blocked, page.limit(), |blocked| blocked.id.to_string());
    Ok(Json(blocked.map(|blocked| shown(&blocked))))
}

/// Blocks an end user, and them alone. An id may hold anything, so it stands in the body.
#[utoipa::path(post, path = "/accounts/{account}/end-users/block", tag = "end_users", request_body = EndUserWish,
    responses((status = 200, body = Done)))]
async fn block(
    State(console): State<Console>,
    member: Member<may::ChangeAccount>,
    Body(EndUserWish { id, note }): Body<EndUserWish>,
) -> Result<Json<Done>, Refused> {
    let (account, id): (_, EndUserId) = (member.access.account.id, parsed("id", &id)?);
    let changed = console.end_users.block(account, id.clone(), &note).await?;
    if changed {
        console.note(&member.by, Some(account), "end_user.block", &id, json!({})).await?;
    }
    Ok(Json(Done { changed }))
}

/// Lets an end user in again.
#[utoipa::path(post, path = "/accounts/{account}/end-users/unblock", tag = "end_users", request_body = EndUserWish,
    responses((status = 200, body = Done)))]
async fn unblock(
    State(console): State<Console>,
    member: Member<may::ChangeAccount>,
    Body(EndUserWish { id, .. }): Body<EndUserWish>,
) -> Result<Json<Done>, Refused> {
    let (account, id): (_, EndUserId) = (member.access.account.id, parsed("id", &id)?);
    let changed = console.end_users.unblock(account, &id).await?;
    if changed {
        console.note(&member.by, Some(account), "end_user.unblock", &id, json!({})).await?;
    }
    Ok(Json(Done { changed }))
}

fn shown(blocked: &BlockedEndUser) -> EndUserShape {
    EndUserShape { id: blocked.id.to_string(), blocked: Moment(blocked.blocked), note: blocked.note.clone() }
}
