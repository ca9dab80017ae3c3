//! What every store of daily sums must do, together with the usage log and the ledger it draws from.

use std::sync::Arc;
use std::time::Duration;

use accounts::UtcOffset;
use futures::future::join_all;
use gateway::{DailyPlace, DailyQuery, DailyUsage, Day, UsageLog, UsageRecord, UsageRollup};
use ledger::{LedgerStore, MoneyUse, Settlement, TopUp};
use vocab::{AccountId, KeyId, NanoUsd, Timestamp, Tokens, Usage};

use super::usage::record;

/// Half past midnight on 5 May 2026, in the zone of the statements.
const MAY_5: i64 = 1_777_912_200_000;
const HOUR: i64 = 3_600_000;

/// Runs every rule on a fresh log and the ledger that it settles in.
pub async fn all<S: UsageLog + UsageRollup, L: LedgerStore>(fresh: impl AsyncFn() -> (Arc<S>, Arc<L>)) {
    records_are_added_to_the_day_they_ended_on(&*fresh().await.0).await;
    a_record_is_added_once(&*fresh().await.0).await;
    of_several_at_once_each_note_is_added_by_one(&*fresh().await.0).await;
    late_records_are_added_too(&*fresh().await.0).await;
    what_was_charged_is_added_up(fresh().await).await;
    what_a_key_spent_is_known_at_once(fresh().await).await;
    sums_and_charges_outlive_the_records(fresh().await).await;
    sums_are_read_in_pages(&*fresh().await.0).await;
    absurd_counts_do_no_harm(&*fresh().await.0).await;
}

async fn append<S: UsageLog>(log: &S, records: &[UsageRecord]) {
    log.usage_append(records).await.expect("the log answers");
}

/// Adds everything that waits; says how many notes that were.
async fn roll_up<S: UsageRollup>(rollup: &S) -> u32 {
    let mut notes = 0;
    loop {
        let added = rollup.rollup_step(UtcOffset::UTC_8, 2).await.expect("the sums answer");
        notes += added;
        if added < 2 {
            return notes;
        }
    }
}

async fn list<S: UsageRollup>(rollup: &S, query: &DailyQuery) -> Vec<DailyUsage> {
    rollup.rollup_list(query, None, 1_000).await.expect("the sums answer")
}

fn requests(sums: &[DailyUsage]) -> Vec<(String, &str, u64)> {
    sums.iter().map(|sum| (sum.place.day.to_string(), sum.place.model.as_str(), sum.sum.requests)).collect()
}

async fn records_are_added_to_the_day_they_ended_on<S: UsageLog + UsageRollup>(store: &S) {
    let (account, key) = (AccountId::generate(), KeyId::generate());
    let mut over_midnight = record(account, key, "glm-4.7", MAY_5 - HOUR);
    over_midnight.duration = Duration::from_secs(1_800);
    append(
        store,
        &[
            record(account, key, "glm-4.7", MAY_5 - HOUR),
            over_midnight,
            record(account, key, "glm-4.7", MAY_5),
            record(account, key, "glm-4.6", MAY_5 + 23 * HOUR),
        ],
    )
    .await;
    assert_eq!(list(store, &DailyQuery::default()).await, [], "nothing shows before it is added");
    assert!(roll_up(store).await > 0);

    let sums = list(store, &DailyQuery::default()).await;
    let day = |day: &str| day.to_owned();
    assert_eq!(
        requests(&sums),
        [
            (day("2026-05-05"), "glm-4.7", 2),
            (day("2026-05-05"), "glm-4.6", 1),
            (day("2026-05-04"), "glm-4.7", 1),
        ]
    );
    let expected = Usage {
        fresh_prompt: Tokens(200),
        cached_prompt: Tokens(40),
        reasoning: Tokens(6),
        answer: Tokens(8),
    };
    assert_eq!(
        (sums[0].sum.usage, sums[0].sum.cost, sums[0].sum.charged),
        (expected, NanoUsd::ZERO, NanoUsd::ZERO)
    );
}

/// A record that is handed in again, alone or among new ones, is not added again; neither is one that was
/// added.
async fn a_record_is_added_once<S: UsageLog + UsageRollup>(store: &S) {
    let (account, key) = (AccountId::generate(), KeyId::generate());
    let first = record(account, key, "glm-4.7", MAY_5);
    append(store, std::slice::from_ref(&first)).await;
    append(store, std::slice::from_ref(&first)).await;
    roll_up(store).await;
    append(store, &[first.clone(), record(account, key, "glm-4.7", MAY_5), first]).await;
    roll_up(store).await;
    assert_eq!(roll_up(store).await, 0, "nothing waits");
    let sums = list(store, &DailyQuery::default()).await;
    assert_eq!(requests(&sums), [("2026-05-05".to_owned(), "glm-4.7", 2)]);
}

async fn of_several_at_once_each_note_is_added_by_one<S: UsageLog + UsageRollup>(store: &S) {
    let (account, key) = (AccountId::generate(), KeyId::generate());
    for _ in 0..20 {
        append(store, &[record(account, key, "glm-4.7", MAY_5), record(account, key, "glm-4.6", MAY_5)])
            .await;
    }
    // One that gives way to another, as databases ask of it, has added nothing and tries again.
    let rivals = join_all((0..4).map(|_| async {
        let mut added = 0;
        for _ in 0..20 {
            added += store.rollup_step(UtcOffset::UTC_8, 3).await.unwrap_or(0);
        }
        added
    }))
    .await;
    assert_eq!(rivals.iter().sum::<u32>() + roll_up(store).await, 40, "two models, twenty times");
    let sums = list(store, &DailyQuery::default()).await;
    let day = || "2026-05-05".to_owned();
    assert_eq!(requests(&sums), [(day(), "glm-4.7", 20), (day(), "glm-4.6", 20)]);
}

async fn late_records_are_added_too<S: UsageLog + UsageRollup>(store: &S) {
    let (account, key) = (AccountId::generate(), KeyId::generate());
    append(store, &[record(account, key, "glm-4.7", MAY_5 + 48 * HOUR)]).await;
    roll_up(store).await;
    append(store, &[record(account, key, "glm-4.7", MAY_5)]).await;
    roll_up(store).await;
    let sums = list(store, &DailyQuery::default()).await;
    let day = |day: &str| day.to_owned();
    assert_eq!(requests(&sums), [(day("2026-05-07"), "glm-4.7", 1), (day("2026-05-05"), "glm-4.7", 1)]);
}

/// What a request cost, and what of it was still there to be taken.
async fn what_was_charged_is_added_up<S: UsageLog + UsageRollup, L: LedgerStore>(
    (store, ledger): (Arc<S>, Arc<L>),
) {
    let (account, key) = (AccountId::generate(), KeyId::generate());
    let at = Timestamp::from_millis(MAY_5);
    let paid_in = TopUp { reference: "order 1".to_owned(), account, amount: NanoUsd(1_000), at };
    ledger.top_up(&paid_in).await.expect("the ledger answers");
    let costing = |cost: i64| {
        let mut record = record(account, key, "glm-5.1", MAY_5);
        let money = Some(MoneyUse { hold: None, cost: NanoUsd(cost), price_version: 1 });
        record.settlement =
            Some(Settlement { request: record.request.clone(), account, at, money, quota: None });
        record
    };
    append(&*store, &[costing(300), costing(600)]).await;
    append(&*store, &[costing(600)]).await;
    roll_up(&*store).await;
    let sums = list(&*store, &DailyQuery::default()).await;
    let money: Vec<_> =
        sums.iter().map(|sum| (sum.sum.requests, sum.sum.cost.0, sum.sum.charged.0)).collect();
    assert_eq!(money, [(3, 1_500, 1_000)]);
}

/// A key's spending counts from the moment it is written, whether it is in a sum yet or not, and once.
async fn what_a_key_spent_is_known_at_once<S: UsageLog + UsageRollup, L: LedgerStore>(
    (store, ledger): (Arc<S>, Arc<L>),
) {
    let (account, key, other) = (AccountId::generate(), KeyId::generate(), KeyId::generate());
    let at = Timestamp::from_millis(MAY_5);
    let paid_in = TopUp { reference: "order 1".to_owned(), account, amount: NanoUsd(1_000), at };
    ledger.top_up(&paid_in).await.expect("the ledger answers");
    let costing = |key: KeyId, cost: i64, started: i64| {
        let mut record = record(account, key, "glm-5.1", started);
        let money = Some(MoneyUse { hold: None, cost: NanoUsd(cost), price_version: 1 });
        let request = record.request.clone();
        record.settlement = Some(Settlement { request, account, at: record.ended(), money, quota: None });
        record
    };
    let since = Day::of(at, UtcOffset::UTC_8);
    let spent = async || {
        let spent = store.rollup_charged(account, key, since, UtcOffset::UTC_8).await;
        spent.expect("the sums answer").0
    };
    assert_eq!(spent().await, 0);
    let day_before = costing(key, 400, MAY_5 - 2 * HOUR);
    append(&*store, &[costing(key, 100, MAY_5), costing(other, 200, MAY_5), day_before]).await;
    assert_eq!(spent().await, 100);
    roll_up(&*store).await;
    assert_eq!(spent().await, 100);
    append(&*store, &[costing(key, 30, MAY_5 + HOUR)]).await;
    assert_eq!(spent().await, 130);
    let nobodys = store.rollup_charged(AccountId::generate(), key, since, UtcOffset::UTC_8).await;
    assert_eq!(nobodys.expect("the sums answer"), NanoUsd::ZERO);
}

/// DATA-14: records are deleted when they were kept long enough, whether they are in a sum yet or not. What was used
/// and what was paid stays.
async fn sums_and_charges_outlive_the_records<S: UsageLog + UsageRollup, L: LedgerStore>(
    (store, ledger): (Arc<S>, Arc<L>),
) {
    let (account, key) = (AccountId::generate(), KeyId::generate());
    let at = Timestamp::from_millis(MAY_5);
    let paid_in = TopUp { reference: "order 1".to_owned(), account, amount: NanoUsd(1_000), at };
    ledger.top_up(&paid_in).await.expect("the ledger answers");
    let mut record = record(account, key, "glm-5.1", MAY_5);
    let money = Some(MoneyUse { hold: None, cost: NanoUsd(300), price_version: 1 });
    record.settlement = Some(Settlement { request: record.request.clone(), account, at, money, quota: None });
    append(&*store, std::slice::from_ref(&record)).await;
    let later = Timestamp::from_millis(MAY_5 + HOUR);
    assert_eq!(store.usage_purge(later, 10).await.expect("the log answers"), 1);

    roll_up(&*store).await;
    let sums = list(&*store, &DailyQuery::default()).await;
    let money: Vec<_> = sums.iter().map(|sum| (sum.sum.requests, sum.sum.charged.0)).collect();
    assert_eq!(money, [(1, 300)]);
    let settled = ledger.settled(&record.request).await.expect("the ledger answers");
    assert_eq!(settled.map(|settled| settled.charged), Some(NanoUsd(300)));
    assert!(ledger.verify().await.expect("the ledger answers").is_clean());
}

async fn sums_are_read_in_pages<S: UsageLog + UsageRollup>(store: &S) {
    let (ana, ben) = (AccountId::generate(), AccountId::generate());
    let keys = [KeyId::generate(), KeyId::generate()];
    let mut records = Vec::new();
    for day in 0..3 {
        for key in keys {
            for model in ["glm-4.6", "glm-4.7"] {
                records.push(record(ana, key, model, MAY_5 + 24 * HOUR * day));
            }
        }
        records.push(record(ben, keys[0], "glm-5", MAY_5 + 24 * HOUR * day));
    }
    append(store, &records).await;
    roll_up(store).await;

    let everything = list(store, &DailyQuery::default()).await;
    assert_eq!(everything.len(), 15);
    let mut paged: Vec<DailyUsage> = Vec::new();
    loop {
        let cursor: Option<DailyPlace> = paged.last().map(|sum| sum.place.clone());
        let page = store.rollup_list(&DailyQuery::default(), cursor.as_ref(), 4).await;
        let page = page.expect("the sums answer");
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 4);
        paged.extend(page);
    }
    assert_eq!(paged, everything);
    assert!(everything.is_sorted_by(|one, next| one.place.day >= next.place.day), "newest day first");

    let of_ben = DailyQuery { account: Some(ben), ..DailyQuery::default() };
    assert_eq!(list(store, &of_ben).await.len(), 3);
    let of_key = DailyQuery { account: Some(ana), key: Some(keys[1]), ..DailyQuery::default() };
    assert_eq!(list(store, &of_key).await.len(), 6);
    let second = Day::of(Timestamp::from_millis(MAY_5 + 24 * HOUR), UtcOffset::UTC_8);
    let one_day = DailyQuery { since: Some(second), until: Some(second), ..DailyQuery::default() };
    let of_day = list(store, &one_day).await;
    assert_eq!(of_day.len(), 5);
    assert!(of_day.iter().all(|sum| sum.place.day == second), "both ends belong to it");
}

/// A host that reports nonsense cannot stop the sums.
async fn absurd_counts_do_no_harm<S: UsageLog + UsageRollup>(store: &S) {
    let (account, key) = (AccountId::generate(), KeyId::generate());
    let absurd = |number| {
        let mut record = record(account, key, "glm-4.7", MAY_5 + number);
        let tokens = Tokens(u64::MAX);
        record.usage =
            Usage { fresh_prompt: tokens, cached_prompt: tokens, reasoning: tokens, answer: tokens };
        record
    };
    append(store, &[absurd(0), absurd(1), absurd(2)]).await;
    append(store, &[absurd(3)]).await;
    let mut endless = record(account, key, "glm-4.6", MAY_5);
    endless.duration = Duration::MAX;
    append(store, &[endless]).await;
    roll_up(store).await;
    let sums = list(store, &DailyQuery::default()).await;
    assert_eq!(sums.iter().map(|sum| sum.sum.requests).sum::<u64>(), 5);
}
