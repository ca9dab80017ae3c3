//! Calls and tokens by hour.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Json, extract::Query};
use gateway::{HourTotal, UsageQuery};
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde::Deserialize;
use vocab::Timestamp;
use wire::monitor::{
    ModelUsage, MonitorAnswer, ToolDetail, ToolUsage, TotalModelUsage, TotalToolUsage, UsageDetail,
};

use super::{detail, refused};
use crate::{Caller, Platform};

/// The zone of the monitor's clock.
const ZONE: Offset = jiff::tz::offset(8);
const HOUR_MS: i64 = 3_600_000;
/// The longest stretch that is shown, in hours.
const HOURS_MAX: i64 = 31 * 24;
/// Hours times the models used in them.
const ROWS_MAX: u32 = 50_000;

/// The tools that are counted, by the names they are recorded under.
const SEARCH: &str = "search-prime";
const READER: &str = "web-reader";
const ZREAD: &str = "zread";

/// The stretch that is asked for, in the monitor's zone.
#[derive(Deserialize)]
pub(super) struct Stretch {
    #[serde(rename = "startTime")]
    start_time: Option<String>,
    #[serde(rename = "endTime")]
    end_time: Option<String>,
}

/// Calls of models, of this account.
pub(super) async fn of_models(
    State(platform): State<Platform>,
    caller: Caller,
    Query(stretch): Query<Stretch>,
) -> Response {
    let hours = match hours(&platform, &caller, &stretch).await {
        Ok(hours) => hours,
        Err(refusal) => return refusal,
    };
    let mut usage = ModelUsage::default();
    for (starts, rows) in hours {
        let models = || rows.iter().filter(|row| !is_tool(row));
        let calls: u64 = models().map(|row| row.requests).sum();
        let tokens: u64 = models().map(|row| row.tokens.0).sum();
        usage.x_time.push(shown(starts));
        usage.model_call_count.push((calls > 0).then_some(calls));
        usage.tokens_usage.push((calls > 0).then_some(tokens));
        let TotalModelUsage { total_model_call_count, total_tokens_usage } = &mut usage.total_usage;
        *total_model_call_count += calls;
        *total_tokens_usage += tokens;
    }
    Json(MonitorAnswer::new(usage)).into_response()
}

/// Calls of the MCP tools, of this account.
pub(super) async fn of_tools(
    State(platform): State<Platform>,
    caller: Caller,
    Query(stretch): Query<Stretch>,
) -> Response {
    let hours = match hours(&platform, &caller, &stretch).await {
        Ok(hours) => hours,
        Err(refusal) => return refusal,
    };
    let mut usage = ToolUsage::default();
    let mut totals = [0u64; 3];
    for (starts, rows) in hours {
        usage.x_time.push(shown(starts));
        let columns =
            [&mut usage.network_search_count, &mut usage.web_read_mcp_count, &mut usage.zread_mcp_count];
        for ((tool, column), total) in [SEARCH, READER, ZREAD].into_iter().zip(columns).zip(&mut totals) {
            let calls = calls_of(&rows, tool);
            column.push((calls > 0).then_some(calls));
            *total += calls;
        }
    }
    let [searches, pages, questions] = totals;
    let used =
        [(SEARCH, searches), (READER, pages), (ZREAD, questions)].into_iter().filter(|(_, calls)| *calls > 0);
    usage.total_usage = TotalToolUsage {
        total_network_search_count: searches,
        total_web_read_mcp_count: pages,
        total_zread_mcp_count: questions,
        total_search_mcp_count: searches,
        tool_details: used
            .map(|(tool, calls)| ToolDetail { model_name: tool.to_owned(), total_usage_count: calls })
            .collect(),
    };
    Json(MonitorAnswer::new(usage)).into_response()
}

/// How often each tool was called since then; nothing is shown rather than something wrong when that is not known.
pub(super) async fn tools_since(
    platform: &Platform,
    caller: &Caller,
    since: Option<Timestamp>,
) -> Vec<UsageDetail> {
    let query = UsageQuery { account: Some(caller.account), since, ..UsageQuery::default() };
    let rows = platform.usage.usage_by_hour(&query, ROWS_MAX).await.unwrap_or_default();
    [SEARCH, READER, ZREAD].into_iter().map(|tool| detail(tool, calls_of(&rows, tool))).collect()
}

async fn hours(
    platform: &Platform,
    caller: &Caller,
    stretch: &Stretch,
) -> Result<BTreeMap<Timestamp, Vec<HourTotal>>, Response> {
    let (since, until) = bounds(stretch, platform.clock.now()).ok_or_else(|| {
        refused(400, "startTime and endTime are yyyy-MM-dd HH:mm:ss, at most 31 days apart")
    })?;
    let query = UsageQuery {
        account: Some(caller.account),
        since: Some(since),
        until: Some(until),
        ..UsageQuery::default()
    };
    let rows = platform.usage.usage_by_hour(&query, ROWS_MAX).await.map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "usage could not be added up");
        refused(500, "try again later")
    })?;

    let first = since.as_millis().div_euclid(HOUR_MS);
    let beyond = (until.as_millis() + HOUR_MS - 1).div_euclid(HOUR_MS);
    let mut hours: BTreeMap<Timestamp, Vec<HourTotal>> =
        (first..beyond).map(|hour| (Timestamp::from_millis(hour * HOUR_MS), Vec::new())).collect();
    for row in rows {
        hours.entry(row.starts).or_default().push(row);
    }
    Ok(hours)
}

/// The stretch that is asked for: the last day if it is not said.
fn bounds(stretch: &Stretch, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let until = stretch.end_time.as_deref().map_or(Some(now), moment)?;
    let day_before = Timestamp::from_millis(until.as_millis() - 24 * HOUR_MS);
    let since = stretch.start_time.as_deref().map_or(Some(day_before), moment)?;
    let hours = until.as_millis().checked_sub(since.as_millis())?.div_euclid(HOUR_MS);
    (0..=HOURS_MAX).contains(&hours).then_some((since, until))
}

fn moment(text: &str) -> Option<Timestamp> {
    let local = DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok()?;
    let at = ZONE.to_timestamp(local).ok()?;
    Some(Timestamp::from_millis(at.as_millisecond()))
}

fn shown(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    ZONE.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string()
}

fn is_tool(row: &HourTotal) -> bool {
    [SEARCH, READER, ZREAD].contains(&row.model.as_str())
}

fn calls_of(rows: &[HourTotal], tool: &str) -> u64 {
    rows.iter().filter(|row| row.model.as_str() == tool).map(|row| row.requests).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(start: &str, end: &str) -> Stretch {
        Stretch { start_time: Some(start.to_owned()), end_time: Some(end.to_owned()) }
    }

    /// `http-api.md` §25: times are `yyyy-MM-dd HH:mm:ss` in UTC+8.
    #[test]
    fn a_stretch_is_read_in_utc_8_and_bounded() {
        let now = Timestamp::from_millis(1_770_000_000_000);
        let read = |start, end| bounds(&stretch(start, end), now);
        let (since, until) = read("2026-02-09 10:00:00", "2026-02-09 11:59:59").unwrap();
        assert_eq!(since.to_string(), "2026-02-09T02:00:00.000Z");
        assert_eq!(until.to_string(), "2026-02-09T03:59:59.000Z");
        assert_eq!(shown(since), "2026-02-09 10:00");
        for (start, end) in [
            ("2026-02-09", "2026-02-09 11:00:00"),
            ("2026-02-09 12:00:00", "2026-02-09 11:00:00"),
            ("2020-02-09 12:00:00", "2026-02-09 11:00:00"),
            ("-9999-01-01 00:00:00", "9999-12-31 23:59:59"),
        ] {
            assert_eq!(read(start, end), None, "{start} to {end}");
        }
        let day = bounds(&Stretch { start_time: None, end_time: None }, now).unwrap();
        assert_eq!(day.1.since(day.0).as_secs(), 24 * 3600);
    }
}
