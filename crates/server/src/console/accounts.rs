//! Accounts as their members see them.

use accounts::{Access, Account, RateOverrides};
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::console::accounts::{AccountPlace, AccountShape, NameWish, RatesShape};
use wire::console::{Done, Moment, Page, PageQuery};

use super::access::{Member, Person, may};
use super::body::{Body, Query, parsed_if_any};
use super::{Console, Refused};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(find, rename))
        .routes(routes!(close))
        .routes(routes!(leave))
}

/// The accounts that whoever asks belongs to, oldest first.
#[utoipa::path(get, path = "/accounts", tag = "accounts", params(PageQuery),
    responses((status = 200, body = Page<AccountPlace>)))]
async fn list(
    State(console): State<Console>,
    person: Person,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<AccountPlace>>, Refused> {
    let cursor = parsed_if_any("cursor", page.cursor.as_deref())?;
    let places = console.organisations.list(person.signed_in.person.id, cursor, page.limit() + 1).await?;
    let places = Page::of(places, page.limit(), |access| access.account.id.to_string());
    Ok(Json(places.map(|access| place(&access))))
}

/// Makes an account that whoever asks owns.
#[utoipa::path(post, path = "/accounts", tag = "accounts", request_body = NameWish,
    responses((status = 200, body = AccountShape)))]
async fn create(
    State(console): State<Console>,
    person: Person,
    Body(NameWish { name }): Body<NameWish>,
) -> Result<Json<AccountShape>, Refused> {
    let account = console.organisations.create(person.signed_in.person.id, &name, &person.by).await?;
    Ok(Json(shown(&account)))
}

/// An account, and what one is in it.
#[utoipa::path(get, path = "/accounts/{account}", tag = "accounts", responses((status = 200, body = AccountPlace)))]
async fn find(member: Member<may::SeeAccount>) -> Json<AccountPlace> {
    Json(place(&member.access))
}

/// Gives an account another name.
#[utoipa::path(patch, path = "/accounts/{account}", tag = "accounts", request_body = NameWish,
    responses((status = 200, body = Done)))]
async fn rename(
    State(console): State<Console>,
    member: Member<may::ChangeAccount>,
    Body(NameWish { name }): Body<NameWish>,
) -> Result<Json<Done>, Refused> {
    console.organisations.rename(&member.access, &name, &member.by).await?;
    Ok(Json(Done { changed: true }))
}

/// Ends an account for good. Its keys open no door any more.
#[utoipa::path(post, path = "/accounts/{account}/close", tag = "accounts", responses((status = 200, body = Done)))]
async fn close(
    State(console): State<Console>,
    member: Member<may::CloseAccount>,
) -> Result<Json<Done>, Refused> {
    console.organisations.close(&member.access, &member.by).await?;
    console.standings.forget(member.access.account.id).await;
    Ok(Json(Done { changed: true }))
}

/// Leaves an account; its last owner cannot.
#[utoipa::path(post, path = "/accounts/{account}/leave", tag = "accounts", responses((status = 200, body = Done)))]
async fn leave(
    State(console): State<Console>,
    person: Person,
    member: Member<may::SeeAccount>,
) -> Result<Json<Done>, Refused> {
    console.organisations.leave(&member.access, &person.by).await?;
    Ok(Json(Done { changed: true }))
}

/// An account, and what a member is in it.
pub(super) fn place(access: &Access) -> AccountPlace {
    AccountPlace {
        account: shown(&access.account),
        role: access.membership.role.name().to_owned(),
        since: Moment(access.membership.since),
    }
}

/// An account.
pub(super) fn shown(account: &Account) -> AccountShape {
    AccountShape {
        id: account.id,
        name: account.name.clone(),
        state: account.state.name().to_owned(),
        is_operator: account.is_operator,
        rates: rates(account.rates),
        created: Moment(account.created),
    }
}

pub(super) fn rates(rates: RateOverrides) -> RatesShape {
    let RateOverrides { concurrency, requests_per_minute, tokens_per_minute, requests_per_day } = rates;
    RatesShape { concurrency, requests_per_minute, tokens_per_minute, requests_per_day }
}
