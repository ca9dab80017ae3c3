//! Statements: what was spent, by day, up to a day that is over (rule BILL-17).

use serde::Serialize;
use utoipa::ToSchema;

use super::usage::DailySum;

/// A page of a statement.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct StatementPage {
    /// The newest day that is shown now.
    pub last_day: String,
    /// The lines, newest day first.
    pub items: Vec<DailySum>,
    /// What to ask the next page with; none on the last.
    pub next_cursor: Option<String>,
}
