use std::sync::Arc;

use accounts::UtcOffset;
use vocab::Clock;

use crate::{DailyPlace, DailyQuery, DailyUsage, Day, UsageLogError, UsageRollup};

/// Notes added in one transaction: short enough that nobody who writes waits for it.
const NOTES_PER_STEP: u32 = 256;

/// Steps in one go, so that a long backlog does not hold up a shutdown.
const STEPS_MAX: u32 = 1_000;

/// Longest page of a statement.
const PAGE_MAX: u32 = 1_000;

/// What an account is shown of what it spent: sums by day, up to a day that is over (rule BILL-17).
///
/// Only what is shown lags. Requests are admitted by what the ledger says now (rule BILL-10).
pub struct Statements {
    rollup: Arc<dyn UsageRollup>,
    clock: Arc<dyn Clock>,
    settings: StatementSettings,
}

/// The operator's settings for statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementSettings {
    /// How many days back the newest day is that is shown; 0 shows today.
    pub lag_days: u32,
    /// Whose days. A change of zone is for the days to come; earlier ones stay as they were added up.
    pub zone: UtcOffset,
}

impl Default for StatementSettings {
    fn default() -> Self {
        Self { lag_days: 1, zone: UtcOffset::UTC_8 }
    }
}

impl Statements {
    /// Statements drawn from `rollup`.
    pub fn new(rollup: Arc<dyn UsageRollup>, clock: Arc<dyn Clock>, settings: StatementSettings) -> Self {
        Self { rollup, clock, settings }
    }

    /// Adds what was written since the last time to the daily sums. Says how many notes that were. For the
    /// schedule, every few seconds; any number of nodes may do it.
    pub async fn roll_up(&self) -> Result<u64, UsageLogError> {
        let mut notes = 0;
        for _ in 0..STEPS_MAX {
            let added = self.rollup.rollup_step(self.settings.zone, NOTES_PER_STEP).await?;
            notes += u64::from(added);
            if added < NOTES_PER_STEP {
                break;
            }
        }
        Ok(notes)
    }

    /// The newest day that is shown now.
    pub fn last_day(&self) -> Day {
        Day::of(self.clock.now(), self.settings.zone).minus(self.settings.lag_days)
    }

    /// The lines of a statement before `cursor`, newest day first; the place of the last is the cursor of the
    /// next page. Never more than 1000, and none of a day after [`last_day`](Self::last_day).
    pub async fn lines(
        &self,
        query: &DailyQuery,
        cursor: Option<&DailyPlace>,
        limit: u32,
    ) -> Result<Vec<DailyUsage>, UsageLogError> {
        let last = self.last_day();
        let until = Some(query.until.map_or(last, |until| until.min(last)));
        let query = DailyQuery { until, ..query.clone() };
        self.rollup.rollup_list(&query, cursor, limit.min(PAGE_MAX)).await
    }
}
