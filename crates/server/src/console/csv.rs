//! Tables for spreadsheets.

use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use gateway::DailyUsage;

/// The answer that a browser saves as a file.
pub(super) fn daily(name: &str, rows: &[DailyUsage]) -> Response {
    let mut text = String::from(
        "day,account,key,model,requests,fresh_prompt,cached_prompt,reasoning,answer,cost_usd,charged_usd\r\n",
    );
    for DailyUsage { place, sum } in rows {
        let usage = &sum.usage;
        let cells = [
            place.day.to_string(),
            place.account.to_string(),
            place.key.to_string(),
            cell(place.model.as_str()),
            sum.requests.to_string(),
            usage.fresh_prompt.0.to_string(),
            usage.cached_prompt.0.to_string(),
            usage.reasoning.0.to_string(),
            usage.answer.0.to_string(),
            sum.cost.to_string(),
            sum.charged.to_string(),
        ];
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    let disposition = format!("attachment; filename=\"{name}\"");
    ([(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, disposition)], text)
        .into_response()
}

/// A text in one cell. A spreadsheet takes one that begins with certain signs for a formula, and would run it.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        assert_eq!(cell("glm-4.7"), "glm-4.7");
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
