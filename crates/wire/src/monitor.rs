//! `/api/monitor/*`: the quota meters of coding tools (`http-api.md` §25).
//!
//! Every answer is HTTP 200; the body tells.

use serde::{Deserialize, Serialize};
use vocab::Timestamp;

/// An answer of the monitor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MonitorAnswer<T> {
    /// 200.
    pub code: u16,
    /// `Operation successful`
    pub msg: String,
    /// What was asked for.
    pub data: T,
    /// `true`
    pub success: bool,
}

/// A refusal of the monitor; its HTTP status is 200 as well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonitorRefusal {
    /// 401 for a wrong key, 1001 for none, 500 for an account without a plan, 400 for a question it cannot read.
    pub code: u16,
    /// A sentence for the caller.
    pub msg: String,
    /// `false`
    pub success: bool,
}

/// An answer without data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonitorReceipt {
    /// 200.
    pub code: u16,
    /// `Operation successful`
    pub msg: String,
    /// `true`
    pub success: bool,
}

const DONE: &str = "Operation successful";

impl<T> MonitorAnswer<T> {
    /// The answer that holds `data`.
    pub fn new(data: T) -> Self {
        Self { code: 200, msg: DONE.to_owned(), data, success: true }
    }
}

impl MonitorRefusal {
    /// The refusal with this code and sentence.
    pub fn new(code: u16, msg: impl Into<String>) -> Self {
        Self { code, msg: msg.into(), success: false }
    }
}

impl Default for MonitorReceipt {
    fn default() -> Self {
        Self { code: 200, msg: DONE.to_owned(), success: true }
    }
}

/// Model calls and tokens by hour. An hour without calls is null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUsage {
    /// The beginnings of the hours, `yyyy-MM-dd HH:mm` in UTC+8.
    pub x_time: Vec<String>,
    /// Calls in each hour.
    #[serde(rename = "modelCallCount")]
    pub model_call_count: Vec<Option<u64>>,
    /// Tokens in each hour.
    #[serde(rename = "tokensUsage")]
    pub tokens_usage: Vec<Option<u64>>,
    /// The sums.
    #[serde(rename = "totalUsage")]
    pub total_usage: TotalModelUsage,
}

/// The sums of [`ModelUsage`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TotalModelUsage {
    /// All calls.
    pub total_model_call_count: u64,
    /// All tokens.
    pub total_tokens_usage: u64,
}

/// Calls of the MCP tools by hour. An hour without calls is null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolUsage {
    /// The beginnings of the hours, `yyyy-MM-dd HH:mm` in UTC+8.
    pub x_time: Vec<String>,
    /// Searches.
    #[serde(rename = "networkSearchCount")]
    pub network_search_count: Vec<Option<u64>>,
    /// Pages read.
    #[serde(rename = "webReadMcpCount")]
    pub web_read_mcp_count: Vec<Option<u64>>,
    /// Questions about repositories.
    #[serde(rename = "zreadMcpCount")]
    pub zread_mcp_count: Vec<Option<u64>>,
    /// The sums.
    #[serde(rename = "totalUsage")]
    pub total_usage: TotalToolUsage,
}

/// The sums of [`ToolUsage`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TotalToolUsage {
    /// All searches.
    pub total_network_search_count: u64,
    /// All pages read.
    pub total_web_read_mcp_count: u64,
    /// All questions about repositories.
    pub total_zread_mcp_count: u64,
    /// All searches, once more.
    pub total_search_mcp_count: u64,
    /// The same by tool.
    pub tool_details: Vec<ToolDetail>,
}

/// How often one tool was called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolDetail {
    /// `search-prime`, `web-reader` or `zread`.
    pub model_name: String,
    /// How often.
    pub total_usage_count: u64,
}

/// How full the windows of a plan are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaLimits {
    /// The windows.
    pub limits: Vec<QuotaLimit>,
    /// The plan: `lite`, `pro` or `max`, or the operator's own.
    pub level: String,
}

/// One window of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuotaLimit {
    /// What it counts.
    #[serde(rename = "type")]
    pub kind: QuotaKind,
    /// 3 for hours, 5 for months, 6 for weeks.
    pub unit: u8,
    /// How many of the unit.
    pub number: u8,
    /// The most that may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<u64>,
    /// What was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_value: Option<u64>,
    /// What is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u64>,
    /// Whole percent, 0 to 100.
    pub percentage: u8,
    /// When something comes back, in milliseconds since 1970; left out when nothing is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_reset_time: Option<i64>,
    /// The same by tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage_details: Option<Vec<UsageDetail>>,
}

/// What a window counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum QuotaKind {
    /// Prompts, whatever the name says.
    TokensLimit,
    /// Calls of MCP tools.
    TimeLimit,
}

/// How often one tool was called in a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageDetail {
    /// `search-prime`, `web-reader` or `zread`.
    pub model_code: String,
    /// How often.
    pub usage: u64,
}

impl QuotaLimit {
    /// The five-hour window.
    pub fn five_hours(percentage: u8, resets: Option<Timestamp>) -> Self {
        Self::of(QuotaKind::TokensLimit, 3, 5, percentage, resets)
    }

    /// The week.
    pub fn week(percentage: u8, resets: Option<Timestamp>) -> Self {
        Self::of(QuotaKind::TokensLimit, 6, 1, percentage, resets)
    }

    /// The month of MCP calls: `used` of `limit`.
    pub fn mcp_month(used: u64, limit: u64, resets: Option<Timestamp>, details: Vec<UsageDetail>) -> Self {
        Self {
            usage: Some(limit),
            current_value: Some(used),
            remaining: Some(limit.saturating_sub(used)),
            usage_details: Some(details),
            ..Self::of(QuotaKind::TimeLimit, 5, 1, percentage(used, limit), resets)
        }
    }

    fn of(kind: QuotaKind, unit: u8, number: u8, percentage: u8, resets: Option<Timestamp>) -> Self {
        Self {
            kind,
            unit,
            number,
            usage: None,
            current_value: None,
            remaining: None,
            percentage,
            next_reset_time: resets.map(Timestamp::as_millis),
            usage_details: None,
        }
    }
}

/// Whole percent of `limit`, cut and not rounded, so that 100 means that nothing is left.
pub fn percentage(used: u64, limit: u64) -> u8 {
    let percent = u128::from(used) * 100 / u128::from(limit.max(1));
    u8::try_from(percent.min(100)).unwrap_or(100)
}

/// A report of something wrong, as the official plug-in sends it. It is kept in the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FeedbackCase {
    /// What the user says.
    pub feedback: String,
    /// Around it.
    pub context: String,
    /// Which tool.
    pub code_type: String,
    /// When, as the client writes it.
    pub happened_time: String,
    /// Which request.
    pub request_id: String,
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn example(name: &str) -> Value {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/spec/http-api.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (_, after) = page.split_once(&format!("<!-- example: {name} -->")).unwrap();
        let (_, json) = after.split_once("```json").unwrap();
        serde_json::from_str(json.split_once("```").unwrap().0).unwrap()
    }

    fn survives<T: Serialize + for<'a> Deserialize<'a>>(name: &str) {
        let example = example(name);
        let read: T = serde_json::from_value(example.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), example, "{name}");
    }

    /// `http-api.md` §25: each example is what these types write.
    #[test]
    fn the_examples_of_the_page_are_written_exactly() {
        survives::<MonitorAnswer<ModelUsage>>("monitor.model_usage");
        survives::<MonitorAnswer<ToolUsage>>("monitor.tool_usage");
        survives::<MonitorAnswer<QuotaLimits>>("monitor.quota");
        survives::<MonitorRefusal>("monitor.unauthorized");
    }

    /// QUOTA-12, QUOTA-13: 0.5 of 80 prompts is 0 percent, 800 of 1600 is 50, and 100 only when nothing is left.
    #[test]
    fn a_percentage_is_cut() {
        assert_eq!(percentage(500, 80_000), 0);
        assert_eq!(percentage(800, 1600), 50);
        assert_eq!(percentage(1_599_999, 1_600_000), 99);
        assert_eq!(percentage(7, 0), 100);
    }
}
