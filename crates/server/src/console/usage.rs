//! What was used, by day and by request.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use gateway::{Bill, DailyQuery, DailyUsage, Day, End, UsageQuery, UsageRecord};
use ledger::{Extras, Line, Settled};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vocab::{AccountId, RequestId, Usage};
use wire::console::usage::{
    ChargeLine, ChargeShape, DailySum, DailyWish, RequestExplained, RequestShape, RequestsWish, TokensShape,
};
use wire::console::{ConsoleError, Moment, Money, Page, Problem};

use super::access::{Member, may};
use super::body::{Named, Query, invalid, moment, parsed_if_any};
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
    let (page, cursor) = (wish.page(), parsed_if_any("cursor", wish.cursor.as_deref())?);
    let sums = console.rollup.rollup_list(&query, cursor.as_ref(), page.limit() + 1).await?;
    let sums = Page::of(sums, page.limit(), |sum| sum.place.to_string());
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

/// The requests, newest first.
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
        after: parsed_if_any("cursor", wish.cursor.as_deref())?,
        ..UsageQuery::default()
    };
    let page = wish.page();
    let records = console.platform.usage.usage_list(&query, page.limit() + 1).await?;
    let records = Page::of(records, page.limit(), |record| record.place().to_string());
    Ok(Json(records.map(|record| request_shape(&record))))
}

/// One request, and what it cost, line by line. When its record was kept long enough and is gone, what it cost is left.
#[utoipa::path(get, path = "/accounts/{account}/usage/requests/{request}", tag = "usage",
    responses((status = 200, body = RequestExplained)))]
async fn explain(
    State(console): State<Console>,
    member: Member<may::SeeUsage>,
    Named(id): Named<String>,
) -> Result<Json<RequestExplained>, Refused> {
    let not_found = || ConsoleError::of(Problem::NotFound);
    let id = RequestId::parse(&id).ok_or_else(not_found)?;
    let account = member.access.account.id;
    let query = UsageQuery { request: Some(id.clone()), account: Some(account), ..UsageQuery::default() };
    let record = console.platform.usage.usage_list(&query, 1).await?.pop();
    let settled = console.ledger.settled(&id).await?.filter(|settled| settled.account == account);
    if record.is_none() && settled.is_none() {
        return Err(not_found().into());
    }
    let charge = settled.map(|settled| charge(&console, record.as_ref(), &settled));
    Ok(Json(RequestExplained { request: record.as_ref().map(request_shape), charge }))
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
fn charge(console: &Console, record: Option<&UsageRecord>, settled: &Settled) -> ChargeShape {
    let explained = record.and_then(|record| {
        let end = End::Admitted { ending: record.ending, had_output: record.first_token.is_some() };
        let paid = Bill::of(end, &record.usage).charged.of_usage(&record.usage);
        let prices = console.prices.current();
        prices.explain(settled.price_version, &record.model, &paid, &Extras::default()).ok()
    });
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
    use super::*;

    #[test]
    fn a_day_is_read_as_it_is_written() {
        assert_eq!(day("since", Some("2026-05-05")).unwrap().unwrap().to_string(), "2026-05-05");
        assert!(day("since", Some("2026-05-05T01:00:00Z")).is_err());
        assert!(day("since", Some("2026-13-05")).is_err());
    }
}
