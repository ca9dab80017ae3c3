//! Money of an account (rule BILL-18).

use axum::Json;
use axum::extract::State;
use ledger::{BookAccount, Entry, Funds, GrantState};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::console::wallet::{EntryShape, FundsShape, GrantShape, PostingShape};
use wire::console::{Moment, Money, Page, PageQuery};

use super::access::{Member, may};
use super::body::{Query, parsed_if_any};
use super::{Console, Refused};

/// Credits that are shown: more than anyone has at once.
const GRANTS_MAX: u32 = 1000;

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(funds)).routes(routes!(grants)).routes(routes!(entries))
}

/// What an account has.
#[utoipa::path(get, path = "/accounts/{account}/wallet", tag = "wallet", responses((status = 200, body = FundsShape)))]
async fn funds(
    State(console): State<Console>,
    member: Member<may::SeeMoney>,
) -> Result<Json<FundsShape>, Refused> {
    let now = console.platform.clock.now();
    Ok(Json(shown(&console.ledger.funds(member.access.account.id, now).await?)))
}

/// The account's credits that are not used up, in the order they will be spent.
#[utoipa::path(get, path = "/accounts/{account}/wallet/grants", tag = "wallet",
    responses((status = 200, body = Page<GrantShape>)))]
async fn grants(
    State(console): State<Console>,
    member: Member<may::SeeMoney>,
) -> Result<Json<Page<GrantShape>>, Refused> {
    let grants = console.ledger.grants(member.access.account.id, GRANTS_MAX).await?;
    Ok(Json(Page { items: grants.iter().map(grant).collect(), next_cursor: None }))
}

/// The transaction history: every movement of the account's money, newest first.
#[utoipa::path(get, path = "/accounts/{account}/wallet/entries", tag = "wallet", params(PageQuery),
    responses((status = 200, body = Page<EntryShape>)))]
async fn entries(
    State(console): State<Console>,
    member: Member<may::SeeMoney>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<EntryShape>>, Refused> {
    let cursor = parsed_if_any("cursor", page.cursor.as_deref())?;
    let entries = console.ledger.entries(member.access.account.id, cursor, page.limit() + 1).await?;
    let entries = Page::of(entries, page.limit(), |entry| entry.id.to_string());
    Ok(Json(entries.map(|entry| movement(&entry))))
}

/// What an account has.
pub(super) fn shown(funds: &Funds) -> FundsShape {
    FundsShape {
        cash: Money(funds.cash),
        credits: Money(funds.credits),
        held: Money(funds.held),
        overdraft: Money(funds.overdraft),
        available: Money(funds.available()),
    }
}

fn grant(state: &GrantState) -> GrantShape {
    let GrantState { grant, left, ended } = state;
    GrantShape {
        id: grant.id,
        kind: grant.kind.as_str().to_owned(),
        note: grant.note.clone(),
        amount: Money(grant.amount),
        left: Money(*left),
        ended: Money(*ended),
        priority: grant.priority,
        expires: grant.expires.map(Moment),
        at: Moment(grant.at),
    }
}

fn movement(entry: &Entry) -> EntryShape {
    let postings = entry.postings.iter().map(|posting| {
        let (place, of) = match posting.book {
            // Whose cash it is goes without saying.
            BookAccount::Cash(_) => ("cash", None),
            BookAccount::Credit(grant) => ("credit", Some(grant.to_string())),
            BookAccount::Held(hold) => ("held", Some(hold.to_string())),
            BookAccount::Payments => ("payments", None),
            BookAccount::Promotions => ("promotions", None),
            BookAccount::Revenue => ("revenue", None),
        };
        PostingShape { place: place.to_owned(), of, amount: Money(posting.amount) }
    });
    EntryShape {
        id: entry.id,
        kind: entry.kind.as_str().to_owned(),
        reference: entry.reference.clone(),
        at: Moment(entry.at),
        postings: postings.collect(),
    }
}
