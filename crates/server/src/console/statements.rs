//! Statements: what was spent, by day, up to a day that is over (rule BILL-17).

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::console::Page;
use wire::console::statements::StatementPage;
use wire::console::usage::DailyWish;

use super::access::{Member, may};
use super::body::{Query, parsed_if_any};
use super::usage::{daily_query, daily_sum};
use super::{Console, Refused};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(lines))
}

/// The lines of an account's statement, newest day first. Today is not among them; what is spent counts at once.
#[utoipa::path(get, path = "/accounts/{account}/statements", tag = "statements", params(DailyWish),
    responses((status = 200, body = StatementPage)))]
async fn lines(
    State(console): State<Console>,
    member: Member<may::SeeMoney>,
    Query(wish): Query<DailyWish>,
) -> Result<Json<StatementPage>, Refused> {
    let query = daily_query(Some(member.access.account.id), &wish)?;
    let (page, cursor) = (wish.page(), parsed_if_any("cursor", wish.cursor.as_deref())?);
    let lines = console.statements.lines(&query, cursor.as_ref(), page.limit() + 1).await?;
    let Page { items, next_cursor } = Page::of(lines, page.limit(), |line| line.place.to_string());
    let last_day = console.statements.last_day().to_string();
    Ok(Json(StatementPage { last_day, items: items.iter().map(daily_sum).collect(), next_cursor }))
}
