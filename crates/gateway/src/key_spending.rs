use std::sync::Arc;
use std::time::Duration;

use accounts::{Caller, PlanBook};
use moka::future::Cache;
use vocab::{Clock, InForce, KeyId, NanoUsd};

use crate::{DailyPlace, DailyQuery, Day, Refusal, UsageLogError, UsageRollup};

/// How long a sum is believed. With the time until a record is added up, it is by how much of its spending a key can go
/// over its limit.
const BELIEVED_FOR: Duration = Duration::from_secs(2);

const KEYS_MAX: u64 = 65_536;
const PAGE: u32 = 500;
/// A month's days times the models one key asks.
const PAGES_MAX: u32 = 100;

/// Holds keys to what they may spend in a calendar month.
///
/// An account's own balance is never overspent; this is a limit that its owner set, and it is noticed within seconds of
/// being reached, not to the last cent.
pub struct KeySpending {
    rollup: Arc<dyn UsageRollup>,
    plans: Arc<InForce<PlanBook>>,
    clock: Arc<dyn Clock>,
    spent: Cache<KeyId, NanoUsd>,
}

impl KeySpending {
    /// Sums are read from `rollup`; months are those of the zone of the plans.
    pub fn new(rollup: Arc<dyn UsageRollup>, plans: Arc<InForce<PlanBook>>, clock: Arc<dyn Clock>) -> Self {
        let spent = Cache::builder().max_capacity(KEYS_MAX).time_to_live(BELIEVED_FOR).build();
        Self { rollup, plans, clock, spent }
    }

    /// Passes if the caller's key has not spent what it may. Costs nothing where nothing limits it.
    pub(crate) async fn check(&self, caller: &Caller) -> Result<(), Refusal> {
        let Some(limit) = caller.monthly_spend_max else { return Ok(()) };
        let spent = self.spent.try_get_with(caller.key, self.read(caller.key)).await;
        if spent.map_err(|error| Refusal::Unavailable(error))? >= limit {
            return Err(Refusal::KeySpent { limit });
        }
        Ok(())
    }

    async fn read(&self, key: KeyId) -> Result<NanoUsd, UsageLogError> {
        let today = Day::of(self.clock.now(), self.plans.current().quota().time_zone);
        let query =
            DailyQuery { key: Some(key), since: Some(first_of_month(today)), ..DailyQuery::default() };
        let mut spent = NanoUsd::ZERO;
        let mut cursor: Option<DailyPlace> = None;
        for _ in 0..PAGES_MAX {
            let page = self.rollup.rollup_list(&query, cursor.as_ref(), PAGE).await?;
            spent = page.iter().map(|day| day.sum.charged).chain([spent]).sum();
            if page.len() < PAGE as usize {
                break;
            }
            cursor = page.into_iter().next_back().map(|day| day.place);
        }
        Ok(spent)
    }
}

fn first_of_month(today: Day) -> Day {
    // The last two digits of a date are the day of its month.
    let date = today.to_string();
    let of_month = date.get(8..10).and_then(|digits| digits.parse::<u32>().ok()).unwrap_or(1);
    today.minus(of_month.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_with_its_first_day() {
        let first = |day: i64| first_of_month(Day(day)).to_string();
        assert_eq!(first(20_578), "2026-05-01");
        assert_eq!(Day(20_578).to_string(), "2026-05-05");
        assert_eq!(first(20_574), "2026-05-01");
        assert_eq!(first(19_782), "2024-02-01");
        assert_eq!(Day(19_782).to_string(), "2024-02-29");
    }
}
