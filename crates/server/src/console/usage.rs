//! What was used, by day and by request.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use gateway::{Bill, DailyPlace, DailyQuery, DailyUsage, Day, End, UsageQuery, UsageRecord};
use ledger::{Extras, Line, Settled};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vocab::{AccountId, RequestId, Usage};
use wire::console::usage::{
    ChargeLine, ChargeShape, DailySum, DailyWish, RequestExplained, RequestShape, RequestsWish, TokensShape,
};
use wire::console::{ConsoleError, Moment, Money, Page, PageQuery, Problem};

use super::access::{Member, may};
use super::body::{Named, Query, invalid, moment};
use super::{Console, Refused, csv};

/// Longest table that is exported.
const CSV_ROWS_MAX: usize = 100_000;
const CSV_PAGE: u32 = 1000;
const DAY_MS: i64 = 86_400_000;

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(daily))
        .routes(routes!(daily_csv))
        .routes(routes!(requests))
        .routes(routes!(explain))
}

/// Sums by day, key and model, newest day first. Today's grow, some seconds after each request.
#[utoipa::path(get, path = "/accounts/{account}/usage/daily", tag = "usage", params(DailyWish),
    responses((status = 200, body = Page<DailySum>)))]
async fn daily(
    State(console): State<Console>,
    member: Member<may::SeeUsage>,
    Query(wish): Query<DailyWish>,
) -> Result<Json<Page<DailySum>>, Refused> {
    let query = daily_query(Some(member.access.account.id), &wish)?;
    let (page, cursor) = (wish.page(), place(wish.cursor.as_deref())?);
    let sums = console.rollup.rollup_list(&query, cursor.as_ref(), page.limit() + 1).await?;
    let sums = Page::of(sums, page.limit(), |sum| place_text(&sum.place));
    Ok(Json(sums.map(|sum| daily_sum(&sum))))
}

/// The same as a table for spreadsheets, 100,000 lines at most.
#[utoipa::path(get, path = "/accounts/{account}/usage/daily.csv", tag = "usage", params(DailyWish),
    responses((status = 200, content_type = "text/csv", body = String)))]
async fn daily_csv(
    State(console): State<Console>,
    member: Member<may::SeeUsage>,
    Query(wish): Query<DailyWish>,
) -> Result<Response, Refused> {
    let query = daily_query(Some(member.access.account.id), &wish)?;
    Ok(csv::daily("usage.csv", &every_day(&console, &query).await?))
}

/// The newest requests.
#[utoipa::path(get, path = "/accounts/{account}/usage/requests", tag = "usage", params(RequestsWish),
    responses((status = 200, body = Page<RequestShape>)))]
async fn requests(
    State(console): State<Console>,
    member: Member<may::SeeUsage>,
    Query(wish): Query<RequestsWish>,
) -> Result<Json<Page<RequestShape>>, Refused> {
    let query = UsageQuery {
        account: Some(member.access.account.id),
        key: wish.key,
        since: moment("since", wish.since.as_deref())?,
        until: moment("until", wish.until.as_deref())?,
        ..UsageQuery::default()
    };
    let limit = PageQuery { cursor: None, limit: wish.limit }.limit();
    let records = console.platform.usage.usage_list(&query, limit).await?;
    Ok(Json(Page { items: records.iter().map(request_shape).collect(), next_cursor: None }))
}

/// One request, and what it cost, line by line.
#[utoipa::path(get, path = "/accounts/{account}/usage/requests/{request}", tag = "usage",
    responses((status = 200, body = RequestExplained)))]
async fn explain(
    State(console): State<Console>,
    member: Member<may::SeeUsage>,
    Named(id): Named<String>,
) -> Result<Json<RequestExplained>, Refused> {
    let not_found = || ConsoleError::of(Problem::NotFound);
    let id = RequestId::parse(&id).ok_or_else(not_found)?;
    let account = Some(member.access.account.id);
    let query = UsageQuery { request: Some(id.clone()), account, ..UsageQuery::default() };
    let found = console.platform.usage.usage_list(&query, 1).await?;
    let record = found.first().ok_or_else(not_found)?;
    let settled = console.ledger.settled(&id).await?;
    let charge = settled.map(|settled| charge(&console, record, &settled));
    Ok(Json(RequestExplained { request: request_shape(record), charge }))
}

/// Everything that `query` names, up to the longest table.
pub(super) async fn every_day(console: &Console, query: &DailyQuery) -> Result<Vec<DailyUsage>, Refused> {
    let mut rows: Vec<DailyUsage> = Vec::new();
    while rows.len() < CSV_ROWS_MAX {
        let cursor = rows.last().map(|row| row.place.clone());
        let page = console.rollup.rollup_list(query, cursor.as_ref(), CSV_PAGE).await?;
        let is_last = page.len() < CSV_PAGE as usize;
        rows.extend(page);
        if is_last {
            break;
        }
    }
    Ok(rows)
}

/// What the query of a list of days means.
pub(super) fn daily_query(account: Option<AccountId>, wish: &DailyWish) -> Result<DailyQuery, Refused> {
    Ok(DailyQuery {
        account,
        key: wish.key,
        since: day("since", wish.since.as_deref())?,
        until: day("until", wish.until.as_deref())?,
    })
}

fn day(field: &str, text: Option<&str>) -> Result<Option<Day>, Refused> {
    let read = |text: &str| {
        let midnight = Moment::parse(&format!("{text}T00:00:00Z")).filter(|_| text.len() == 10);
        midnight.map(|Moment(at)| Day(at.as_millis().div_euclid(DAY_MS)))
    };
    text.map(|text| read(text).ok_or_else(|| invalid(field, "expected a day such as 2026-05-05"))).transpose()
}

/// A place in the list as a cursor.
pub(super) fn place_text(place: &DailyPlace) -> String {
    format!("{}~{}~{}~{}", place.day.0, place.account, place.key, place.model)
}

/// The place that a cursor names.
pub(super) fn place(text: Option<&str>) -> Result<Option<DailyPlace>, Refused> {
    let read = |text: &str| {
        let mut parts = text.splitn(4, '~');
        Some(DailyPlace {
            day: Day(parts.next()?.parse().ok()?),
            account: parts.next()?.parse().ok()?,
            key: parts.next()?.parse().ok()?,
            model: parts.next()?.parse().ok()?,
        })
    };
    text.map(|text| read(text).ok_or_else(|| invalid("cursor", "this is no cursor of this list"))).transpose()
}

/// The sum of a day.
pub(super) fn daily_sum(DailyUsage { place, sum }: &DailyUsage) -> DailySum {
    DailySum {
        day: place.day.to_string(),
        account: place.account,
        key: place.key,
        model: place.model.to_string(),
        requests: sum.requests,
        tokens: tokens(&sum.usage),
        cost: Money(sum.cost),
        charged: Money(sum.charged),
    }
}

fn tokens(usage: &Usage) -> TokensShape {
    TokensShape {
        fresh_prompt: usage.fresh_prompt.0,
        cached_prompt: usage.cached_prompt.0,
        reasoning: usage.reasoning.0,
        answer: usage.answer.0,
    }
}

fn request_shape(record: &UsageRecord) -> RequestShape {
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    RequestShape {
        id: record.request.to_string(),
        key: record.key,
        door: record.door.as_str().to_owned(),
        model: record.model.to_string(),
        tokens: tokens(&record.usage),
        started: Moment(record.started),
        first_token_ms: record.first_token.map(millis),
        duration_ms: millis(record.duration),
        ending: record.ending.as_str().to_owned(),
        client: record.client.name.clone(),
    }
}

/// What was charged, and the same again from what is stored and the prices of that time.
fn charge(console: &Console, record: &UsageRecord, settled: &Settled) -> ChargeShape {
    let end = End::Admitted { ending: record.ending, had_output: record.first_token.is_some() };
    let paid = Bill::of(end, &record.usage).charged.of_usage(&record.usage);
    let explained = console
        .prices
        .current()
        .explain(settled.price_version, &record.model, &paid, &Extras::default())
        .ok();
    let is_explained = explained.as_ref().is_some_and(|charge| charge.total == settled.cost);
    ChargeShape {
        cost: Money(settled.cost),
        charged: Money(settled.charged),
        from_credits: Money(settled.from_credits),
        waived: Money(settled.waived()),
        refunded: Money(settled.refunded),
        price_version: settled.price_version,
        at: Moment(settled.at),
        lines: explained.map(|charge| charge.lines.iter().map(line).collect()).unwrap_or_default(),
        is_explained,
    }
}

fn line(line: &Line) -> ChargeLine {
    let item = serde_json::to_value(line.item).ok();
    ChargeLine {
        item: item.as_ref().and_then(|item| item.as_str()).unwrap_or_default().to_owned(),
        quantity: line.quantity,
        unit_price: Money(line.unit_price),
        amount: Money(line.amount),
    }
}

#[cfg(test)]
mod tests {
    use vocab::KeyId;

    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went_out_and_nonsense_is_refused() {
        let (account, key) = (AccountId::generate(), KeyId::generate());
        let gone = DailyPlace { day: Day(20_000), account, key, model: "house/model-1".parse().unwrap() };
        assert_eq!(place(Some(&place_text(&gone))).unwrap(), Some(gone));
        assert_eq!(place(None).unwrap(), None);
        for text in ["", "1~2~3~4", "20000", "~~~", "9999999999999999999999~a~b~c"] {
            assert!(place(Some(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_is_read_as_it_is_written() {
        assert_eq!(day("since", Some("2026-05-05")).unwrap().unwrap().to_string(), "2026-05-05");
        assert!(day("since", Some("2026-05-05T01:00:00Z")).is_err());
        assert!(day("since", Some("2026-13-05")).is_err());
    }
}
