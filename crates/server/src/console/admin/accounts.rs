//! Accounts as the operator sees them (rule AUTH-09).

use accounts::{AccountEvent, RateOverrides};
use axum::Json;
use axum::extract::State;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vocab::AccountId;
use wire::console::accounts::{AccountShape, NameWish, RatesShape};
use wire::console::admin::{AccountEventName, AccountEventWish, AccountSheet, AccountStateIs};
use wire::console::{Done, Page, PageQuery};

use super::account;
use crate::console::access::OperatorOnly;
use crate::console::accounts::shown;
use crate::console::body::{Body, Named, Query, parsed_if_any};
use crate::console::{Console, Refused, wallet};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(find))
        .routes(routes!(change))
        .routes(routes!(set_rates))
}

/// All accounts, oldest first.
#[utoipa::path(get, path = "/admin/accounts", tag = "admin_accounts", params(PageQuery),
    responses((status = 200, body = Page<AccountShape>)))]
async fn list(
    State(console): State<Console>,
    _operator: OperatorOnly,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<AccountShape>>, Refused> {
    let cursor = parsed_if_any("cursor", page.cursor.as_deref())?;
    let accounts = console.accounts.list(cursor, page.limit() + 1).await?;
    let accounts = Page::of(accounts, page.limit(), |account| account.id.to_string());
    Ok(Json(accounts.map(|account| shown(&account))))
}

/// Makes an account without members.
#[utoipa::path(post, path = "/admin/accounts", tag = "admin_accounts", request_body = NameWish,
    responses((status = 200, body = AccountShape)))]
async fn create(
    State(console): State<Console>,
    operator: OperatorOnly,
    Body(NameWish { name }): Body<NameWish>,
) -> Result<Json<AccountShape>, Refused> {
    let account = console.accounts.create(&name).await?;
    console.note(&operator.by, Some(account.id), "account.create", account.id, json!({})).await?;
    Ok(Json(shown(&account)))
}

/// An account with its money.
#[utoipa::path(get, path = "/admin/accounts/{account}", tag = "admin_accounts",
    responses((status = 200, body = AccountSheet)))]
async fn find(
    State(console): State<Console>,
    _operator: OperatorOnly,
    Named(id): Named<AccountId>,
) -> Result<Json<AccountSheet>, Refused> {
    let account = account(&console, id).await?;
    let funds = console.ledger.funds(id, console.platform.clock.now()).await?;
    let record = console.conduct.record(id).await?;
    Ok(Json(AccountSheet { account: shown(&account), funds: wallet::shown(&funds), strikes: record.strikes }))
}

/// Lets something happen to an account: it is locked, released, closed. Its keys notice within a second.
#[utoipa::path(post, path = "/admin/accounts/{account}/events", tag = "admin_accounts",
    request_body = AccountEventWish, responses((status = 200, body = AccountStateIs)))]
async fn change(
    State(console): State<Console>,
    operator: OperatorOnly,
    Named(id): Named<AccountId>,
    Body(AccountEventWish { event }): Body<AccountEventWish>,
) -> Result<Json<AccountStateIs>, Refused> {
    let event = match event {
        AccountEventName::Activate => AccountEvent::Activate,
        AccountEventName::Lock => AccountEvent::Lock,
        AccountEventName::Suspect => AccountEvent::Suspect,
        AccountEventName::Release => AccountEvent::Release,
        AccountEventName::Close => AccountEvent::Close,
    };
    let account = account(&console, id).await?;
    let state = console.organisations.change(&account, event, &operator.by).await?;
    console.standings.forget(id).await;
    Ok(Json(AccountStateIs { state: state.name().to_owned() }))
}

/// Gives an account other limits than its plan or the platform has; what is left out counts as before.
#[utoipa::path(put, path = "/admin/accounts/{account}/rates", tag = "admin_accounts", request_body = RatesShape,
    responses((status = 200, body = Done)))]
async fn set_rates(
    State(console): State<Console>,
    operator: OperatorOnly,
    Named(id): Named<AccountId>,
    Body(rates): Body<RatesShape>,
) -> Result<Json<Done>, Refused> {
    let RatesShape { concurrency, requests_per_minute, tokens_per_minute, requests_per_day } = rates;
    let overrides = RateOverrides { concurrency, requests_per_minute, tokens_per_minute, requests_per_day };
    console.accounts.set_rates(id, &overrides).await?;
    console.standings.forget(id).await;
    console.note(&operator.by, Some(id), "account.set_rates", id, json!({"rates": overrides})).await?;
    Ok(Json(Done { changed: true }))
}
