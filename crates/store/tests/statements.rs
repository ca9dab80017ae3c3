//! What an account is shown of what it spent, and when.

#![expect(clippy::unwrap_used, reason = "a helper that cannot do its part fails the test")]

use std::sync::Arc;
use std::time::Duration;

use gateway::{DailyQuery, StatementSettings, Statements, UsageLog, UsageRecord};
use ledger::{LedgerStore, MoneyUse, Settlement, TopUp};
use store::Store;
use tempfile::TempDir;
use testkit::clock::ManualClock;
use testkit::contract::usage::record;
use vocab::{AccountId, KeyId, NanoUsd, Timestamp};

const HOUR: Duration = Duration::from_secs(3_600);

/// 10:00 on 5 May 2026 in UTC+8.
fn ten_on_5_may() -> Timestamp {
    Timestamp::from_millis(1_777_946_400_000)
}

struct House {
    // Goes away at the end.
    _folder: TempDir,
    store: Arc<Store>,
    clock: Arc<ManualClock>,
    account: AccountId,
}

impl House {
    /// An account with ten dollars at 10:00 on 5 May.
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path().join("statements.db")).await.unwrap());
        let (clock, account) = (Arc::new(ManualClock::at(ten_on_5_may())), AccountId::generate());
        let amount = NanoUsd::from_usd(10).unwrap();
        let top_up = TopUp { reference: "order 1".to_owned(), account, amount, at: ten_on_5_may() };
        store.top_up(&top_up).await.unwrap();
        Self { _folder: folder, store, clock, account }
    }

    /// A request that costs this much and ends `after` 10:00 on 5 May.
    async fn spend(&self, cost: NanoUsd, after: Duration) {
        let at = ten_on_5_may().plus(after);
        let mut spent: UsageRecord =
            record(self.account, KeyId::generate(), "glm-5.1", at.as_millis() - 1_000);
        spent.duration = Duration::from_secs(1);
        let money = Some(MoneyUse { hold: None, cost, price_version: 1 });
        let request = spent.request.clone();
        spent.settlement = Some(Settlement { request, account: self.account, at, money, quota: None });
        self.store.usage_append(&[spent]).await.unwrap();
    }

    fn statements(&self, settings: StatementSettings) -> Statements {
        Statements::new(self.store.clone(), self.clock.clone(), settings)
    }

    /// The days shown and what was spent on them.
    async fn shown(&self, statements: &Statements) -> Vec<(String, String)> {
        let query = DailyQuery { account: Some(self.account), ..DailyQuery::default() };
        let lines = statements.lines(&query, None, 100).await.unwrap();
        lines.iter().map(|line| (line.place.day.to_string(), line.sum.charged.to_string())).collect()
    }
}

fn line(day: &str, spent: &str) -> (String, String) {
    (day.to_owned(), spent.to_owned())
}

/// BILL-17: spend 1.00 at 10:00 on 5 May; the history of 5 May ends at 4 May, and on 6 May it shows 1.00 for
/// 5 May.
#[tokio::test]
async fn what_was_spent_today_is_on_tomorrows_statement() {
    let house = House::open().await;
    let statements = house.statements(StatementSettings::default());
    house.spend(NanoUsd::from_usd(1).unwrap(), Duration::ZERO).await;
    assert_eq!(statements.roll_up().await.unwrap(), 1);

    assert_eq!(statements.last_day().to_string(), "2026-05-04");
    assert_eq!(house.shown(&statements).await, []);
    let now = house.store.funds(house.account, ten_on_5_may()).await.unwrap();
    assert_eq!(now.cash, NanoUsd::from_usd(9).unwrap(), "what may still be spent does not lag");

    house.clock.advance(14 * HOUR - Duration::from_millis(1));
    assert_eq!(house.shown(&statements).await, [], "5 May is not over");
    house.clock.advance(Duration::from_millis(1));
    assert_eq!(house.shown(&statements).await, [line("2026-05-05", "1.00")]);
}

/// BILL-17: days are those of UTC+8, and end at midnight there.
#[tokio::test]
async fn a_request_after_midnight_in_utc_8_is_on_the_next_day() {
    let house = House::open().await;
    let statements = house.statements(StatementSettings { lag_days: 0, ..StatementSettings::default() });
    house.spend(NanoUsd(5), 14 * HOUR - Duration::from_millis(1)).await;
    house.spend(NanoUsd(7), 14 * HOUR).await;
    statements.roll_up().await.unwrap();
    house.clock.advance(15 * HOUR);
    assert_eq!(
        house.shown(&statements).await.into_iter().map(|(day, _)| day).collect::<Vec<_>>(),
        ["2026-05-06", "2026-05-05"],
        "without a lag today is shown"
    );
}

/// BILL-17: asking for a later day does not show it earlier.
#[tokio::test]
async fn nobody_can_ask_for_a_day_that_is_not_shown_yet() {
    let house = House::open().await;
    let statements = house.statements(StatementSettings { lag_days: 2, ..StatementSettings::default() });
    house.spend(NanoUsd(5), Duration::ZERO).await;
    statements.roll_up().await.unwrap();
    house.clock.advance(24 * HOUR);
    let far = DailyQuery { until: Some(gateway::Day(1_000_000)), ..DailyQuery::default() };
    assert_eq!(statements.lines(&far, None, 100).await.unwrap(), []);
    house.clock.advance(24 * HOUR);
    assert_eq!(statements.lines(&far, None, 100).await.unwrap().len(), 1);
}
