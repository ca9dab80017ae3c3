//! Money that the operator books (rules BILL-15, BILL-16, BILL-19, BILL-22).

use axum::Json;
use axum::extract::State;
use ledger::{Applied, Grant, GrantKind, Refund, RefundOutcome, TopUp};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vocab::{AccountId, GrantId, NanoUsd, RequestId};
use wire::console::admin::{GrantWish, Granted, OverdraftWish, RefundWish, Refunded, TopUpWish};
use wire::console::{ConsoleError, Done, Moment, Money, Problem};

use super::account;
use crate::console::access::OperatorOnly;
use crate::console::body::{Body, Named, invalid, named};
use crate::console::{Console, Refused};

/// Longest reference and note.
const TEXT_CHARS_MAX: usize = 200;

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(top_up))
        .routes(routes!(grant))
        .routes(routes!(set_overdraft))
        .routes(routes!(refund))
}

/// Books money that came in. One reference is booked once; below zero takes a mistaken top-up back. A locked account's
/// money stays as it is.
#[utoipa::path(post, path = "/admin/accounts/{account}/top-up", tag = "admin_money", request_body = TopUpWish,
    responses((status = 200, body = Done)))]
async fn top_up(
    State(console): State<Console>,
    operator: OperatorOnly,
    Named(id): Named<AccountId>,
    Body(wish): Body<TopUpWish>,
) -> Result<Json<Done>, Refused> {
    if !account(&console, id).await?.state.takes_money() {
        return refused(
            Problem::IllegalState,
            "the account is locked, and its money with it; release it first",
        );
    }
    let (reference, Money(amount)) = (needed("reference", &wish.reference)?, wish.amount);
    let top_up = TopUp { reference, account: id, amount, at: console.platform.clock.now() };
    let changed = applied(console.ledger.top_up(&top_up).await?)?;
    let details = json!({"reference": top_up.reference, "amount": amount.to_string(), "changed": changed});
    console.note(&operator.by, Some(id), "wallet.top_up", id, details).await?;
    Ok(Json(Done { changed }))
}

/// Gives credits. Send an `Idempotency-Key`, so that asking again does not give them twice.
#[utoipa::path(post, path = "/admin/accounts/{account}/grants", tag = "admin_money", request_body = GrantWish,
    responses((status = 200, body = Granted)))]
async fn grant(
    State(console): State<Console>,
    operator: OperatorOnly,
    Named(id): Named<AccountId>,
    Body(wish): Body<GrantWish>,
) -> Result<Json<Granted>, Refused> {
    account(&console, id).await?;
    let kinds = [GrantKind::Operator, GrantKind::Referral, GrantKind::Promotion];
    let kind = wish.kind.as_deref().map(|kind| named("kind", &kinds, GrantKind::as_str, kind)).transpose()?;
    let now = console.platform.clock.now();
    let expires = wish.expires.map(|Moment(at)| at);
    if expires.is_some_and(|expires| expires <= now) {
        return Err(invalid("expires", "credits cannot end in the past"));
    }
    let grant = Grant {
        id: GrantId::generate(),
        account: id,
        kind: kind.unwrap_or(GrantKind::Operator),
        note: line("note", &wish.note)?,
        amount: wish.amount.0,
        priority: wish.priority,
        expires,
        at: now,
    };
    applied(console.ledger.grant(&grant).await?)?;
    let details = json!({"amount": grant.amount.to_string(), "kind": grant.kind.as_str()});
    console.note(&operator.by, Some(id), "wallet.grant", grant.id, details).await?;
    Ok(Json(Granted { grant: grant.id }))
}

/// Sets how far below zero an account's cash may go.
#[utoipa::path(put, path = "/admin/accounts/{account}/overdraft", tag = "admin_money", request_body = OverdraftWish,
    responses((status = 200, body = Done)))]
async fn set_overdraft(
    State(console): State<Console>,
    operator: OperatorOnly,
    Named(id): Named<AccountId>,
    Body(OverdraftWish { overdraft: Money(overdraft) }): Body<OverdraftWish>,
) -> Result<Json<Done>, Refused> {
    account(&console, id).await?;
    if overdraft < NanoUsd::ZERO {
        return Err(invalid("overdraft", "an overdraft is zero or above"));
    }
    console.ledger.overdraft_set(id, overdraft).await?;
    let details = json!({"overdraft": overdraft.to_string()});
    console.note(&operator.by, Some(id), "wallet.set_overdraft", id, details).await?;
    Ok(Json(Done { changed: true }))
}

/// Gives a charge back, or a part of it: cash for cash, credits for credits. One reference is given back once.
#[utoipa::path(post, path = "/admin/refunds", tag = "admin_money", request_body = RefundWish,
    responses((status = 200, body = Refunded)))]
async fn refund(
    State(console): State<Console>,
    operator: OperatorOnly,
    Body(wish): Body<RefundWish>,
) -> Result<Json<Refunded>, Refused> {
    let request =
        RequestId::parse(&wish.request).ok_or_else(|| invalid("request", "this is no request's id"))?;
    let Money(amount) = wish.amount;
    if !amount.is_positive() {
        return Err(invalid("amount", "a refund is above zero"));
    }
    let refund = Refund {
        reference: needed("reference", &wish.reference)?,
        request,
        amount,
        credits: GrantId::generate(),
        at: console.platform.clock.now(),
    };
    let amount = match console.ledger.refund(&refund).await? {
        RefundOutcome::Refunded(amount) => amount,
        RefundOutcome::NotCharged => {
            return refused(Problem::NotFound, "the request was not charged");
        }
        RefundOutcome::TooMuch { left } => {
            return refused(
                Problem::AmountRefused,
                &format!("only {left} of the charge are left to give back"),
            );
        }
    };
    let account = console.ledger.settled(&refund.request).await?.map(|settled| settled.account);
    let details = json!({"reference": refund.reference, "amount": amount.to_string()});
    console.note(&operator.by, account, "wallet.refund", &refund.request, details).await?;
    Ok(Json(Refunded { amount: Money(amount) }))
}

/// Whether anything changed.
fn applied(applied: Applied) -> Result<bool, Refused> {
    match applied {
        Applied::Now => Ok(true),
        Applied::Before => Ok(false),
        Applied::Refused => refused(Problem::AmountRefused, "this amount cannot be booked"),
    }
}

fn refused<T>(problem: Problem, why: &str) -> Result<T, Refused> {
    Err(ConsoleError::saying(problem, why).into())
}

fn needed(field: &str, text: &str) -> Result<String, Refused> {
    let text = line(field, text)?;
    if text.is_empty() { Err(invalid(field, "it is needed")) } else { Ok(text) }
}

fn line(field: &str, text: &str) -> Result<String, Refused> {
    let text = text.trim();
    let is_line = text.chars().nth(TEXT_CHARS_MAX).is_none() && !text.chars().any(char::is_control);
    if is_line { Ok(text.to_owned()) } else { Err(invalid(field, "at most 200 characters in one line")) }
}
