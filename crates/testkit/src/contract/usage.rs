//! What every usage log must do.

use std::time::Duration;

use accounts::SeenClient;
use gateway::{Door, Ending, UsageLog, UsageQuery, UsageRecord};
use vocab::{AccountId, KeyId, ModelName, RequestId, Timestamp, Tokens, Usage};

/// Runs every rule on a fresh log.
pub async fn all<S: UsageLog>(fresh: impl AsyncFn() -> S) {
    records_come_back_as_they_went_in(&fresh().await).await;
    a_request_is_counted_once(&fresh().await).await;
    a_large_batch_is_kept_whole(&fresh().await).await;
    the_newest_come_first_and_only_those_asked_for(&fresh().await).await;
    a_list_is_read_in_pages(&fresh().await).await;
    the_oldest_are_deleted_first(&fresh().await).await;
    sums_are_by_account_key_and_model(&fresh().await).await;
    absurd_counts_do_no_harm(&fresh().await).await;
}

/// A record of a request that started `started_ms` after the epoch.
pub fn record(account: AccountId, key: KeyId, model: &str, started_ms: i64) -> UsageRecord {
    let started = Timestamp::from_millis(started_ms);
    UsageRecord {
        request: RequestId::generate(started),
        account,
        key,
        door: Door::General,
        model: model.parse::<ModelName>().expect("a model name"),
        engine: "embedded".to_owned(),
        usage: Usage {
            fresh_prompt: Tokens(100),
            cached_prompt: Tokens(20),
            reasoning: Tokens(3),
            answer: Tokens(4),
        },
        started,
        first_token: Some(Duration::from_micros(1_234_567)),
        duration: Duration::from_micros(7_654_321),
        ending: Ending::Finished,
        client: SeenClient::default(),
        settlement: None,
    }
}

async fn append<S: UsageLog>(log: &S, records: &[UsageRecord]) {
    log.usage_append(records).await.expect("the log answers");
}

async fn list<S: UsageLog>(log: &S, query: &UsageQuery, limit: u32) -> Vec<UsageRecord> {
    log.usage_list(query, limit).await.expect("the log answers")
}

async fn records_come_back_as_they_went_in<S: UsageLog>(log: &S) {
    let (account, key) = (AccountId::generate(), KeyId::generate());
    let mut records = Vec::new();
    for (number, ending) in (0i64..).zip(Ending::ALL) {
        let mut record = record(account, key, "glm-4.7", 1_000 - number);
        record.ending = ending;
        record.door = Door::ALL[records.len() % Door::ALL.len()];
        if number % 2 == 0 {
            record.client.name = Some("Claude Code".to_owned());
            record.client.version = Some("2.1.197".to_owned());
            record.client.confidence = "certain".to_owned();
        }
        record.engine = if ending == Ending::EngineRefused { String::new() } else { "'; --".to_owned() };
        record.first_token = (ending != Ending::CallerLeftEarly).then_some(Duration::from_micros(1));
        records.push(record);
    }
    append(log, &[]).await;
    append(log, &records).await;
    assert_eq!(list(log, &UsageQuery::default(), 100).await, records);
}

/// The same record may be written again, also within one batch: it changes nothing.
async fn a_request_is_counted_once<S: UsageLog>(log: &S) {
    let (account, key) = (AccountId::generate(), KeyId::generate());
    let first = record(account, key, "glm-4.7", 1_000);
    let mut changed = first.clone();
    changed.usage.answer = Tokens(999);
    let other = record(account, key, "glm-4.7", 900);

    append(log, &[first.clone(), first.clone()]).await;
    append(log, &[changed, other.clone()]).await;
    assert_eq!(list(log, &UsageQuery::default(), 100).await, [first, other]);
}

async fn a_large_batch_is_kept_whole<S: UsageLog>(log: &S) {
    let (account, key) = (AccountId::generate(), KeyId::generate());
    let records: Vec<_> =
        (0..2_501).map(|number| record(account, key, "glm-4.7", 100_000 - number)).collect();
    append(log, &records).await;
    assert_eq!(list(log, &UsageQuery::default(), 10_000).await, records);
    let total = log.usage_total(&UsageQuery::default(), 10).await.expect("the log answers");
    assert_eq!(total[0].requests, 2_501);
}

async fn the_newest_come_first_and_only_those_asked_for<S: UsageLog>(log: &S) {
    let (ana, ben) = (AccountId::generate(), AccountId::generate());
    let (key_1, key_2) = (KeyId::generate(), KeyId::generate());
    let records = [
        record(ana, key_1, "glm-4.7", 3_000),
        record(ben, key_2, "glm-4.7", 2_000),
        record(ana, key_2, "glm-4.6", 1_000),
    ];
    append(log, &[records[1].clone(), records[0].clone(), records[2].clone()]).await;

    let everything = UsageQuery::default();
    assert_eq!(list(log, &everything, 100).await, records);
    assert_eq!(list(log, &everything, 2).await, records[..2]);
    assert!(list(log, &everything, 0).await.is_empty());

    let of_ana = UsageQuery { account: Some(ana), ..UsageQuery::default() };
    assert_eq!(list(log, &of_ana, 100).await, [records[0].clone(), records[2].clone()]);
    let of_key_2 = UsageQuery { key: Some(key_2), ..UsageQuery::default() };
    assert_eq!(list(log, &of_key_2, 100).await, records[1..]);
    let (since, until) = (Some(Timestamp::from_millis(2_000)), Some(Timestamp::from_millis(3_000)));
    let between = UsageQuery { since, until, ..UsageQuery::default() };
    assert_eq!(list(log, &between, 100).await, records[1..2], "from, inclusive, to, exclusive");
    let one = UsageQuery { request: Some(records[2].request.clone()), ..UsageQuery::default() };
    assert_eq!(list(log, &one, 100).await, records[2..]);
    let nothing = UsageQuery { account: Some(ben), key: Some(key_1), ..UsageQuery::default() };
    assert!(list(log, &nothing, 100).await.is_empty());
}

/// Also where many requests started in the same millisecond.
async fn a_list_is_read_in_pages<S: UsageLog>(log: &S) {
    let (ana, ben, key) = (AccountId::generate(), AccountId::generate(), KeyId::generate());
    let of = |account, started| record(account, key, "glm-4.7", started);
    let mut records: Vec<_> = (0..10).map(|number| of(ana, 5_000 + number / 4)).collect();
    append(log, &records).await;
    append(log, &[of(ben, 5_001), of(ben, 4_999)]).await;
    records.sort_by_key(|record| std::cmp::Reverse(record.place()));

    let mut read: Vec<UsageRecord> = Vec::new();
    loop {
        let after = read.last().map(UsageRecord::place);
        let page = list(log, &UsageQuery { account: Some(ana), after, ..UsageQuery::default() }, 3).await;
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    assert_eq!(read, records);
}

/// DATA-14: what was kept long enough is really deleted, a few at a time; what began at the limit stays.
async fn the_oldest_are_deleted_first<S: UsageLog>(log: &S) {
    let (account, key) = (AccountId::generate(), KeyId::generate());
    let records: Vec<_> =
        (1..=5).rev().map(|number| record(account, key, "glm-4.7", number * 1_000)).collect();
    append(log, &records).await;
    let purge = async |before, limit| {
        log.usage_purge(Timestamp::from_millis(before), limit).await.expect("the log answers")
    };
    let everything = UsageQuery::default();
    assert_eq!(purge(1_000, 10).await, 0);
    assert_eq!(purge(4_000, 2).await, 2);
    assert_eq!(list(log, &everything, 10).await, records[..3]);
    assert_eq!(purge(4_000, 2).await, 1);
    assert_eq!(purge(4_000, 2).await, 0);
    assert_eq!(list(log, &everything, 10).await, records[..2]);
    let totals = log.usage_total(&everything, 10).await.expect("the log answers");
    assert_eq!(totals[0].requests, 2);
}

async fn sums_are_by_account_key_and_model<S: UsageLog>(log: &S) {
    let (ana, ben) = (AccountId::generate(), AccountId::generate());
    let key = KeyId::generate();
    append(
        log,
        &[
            record(ana, key, "glm-4.6", 1_000),
            record(ana, key, "glm-4.7", 2_000),
            record(ana, key, "glm-4.7", 3_000),
            record(ben, key, "glm-4.7", 4_000),
            record(ben, key, "glm-4.7", 5_000),
            record(ben, key, "glm-4.7", 6_000),
        ],
    )
    .await;

    let totals = log.usage_total(&UsageQuery::default(), 10).await.expect("the log answers");
    let rows: Vec<_> = totals.iter().map(|sum| (sum.account, sum.model.as_str(), sum.requests)).collect();
    assert_eq!(rows, [(ben, "glm-4.7", 3), (ana, "glm-4.7", 2), (ana, "glm-4.6", 1)], "largest first");
    let expected = Usage {
        fresh_prompt: Tokens(300),
        cached_prompt: Tokens(60),
        reasoning: Tokens(9),
        answer: Tokens(12),
    };
    assert_eq!(totals[0].usage, expected);

    let until = Some(Timestamp::from_millis(2_500));
    let of_ana = UsageQuery { account: Some(ana), until, ..UsageQuery::default() };
    let totals = log.usage_total(&of_ana, 1).await.expect("the log answers");
    assert_eq!(totals.len(), 1);
    assert_eq!(totals[0].requests, 1);
}

/// A host that reports nonsense cannot make the log unreadable.
async fn absurd_counts_do_no_harm<S: UsageLog>(log: &S) {
    let (account, key) = (AccountId::generate(), KeyId::generate());
    let records: Vec<_> = (0..3)
        .map(|number| {
            let mut record = record(account, key, "glm-4.7", number);
            let absurd = Tokens(u64::MAX);
            record.usage =
                Usage { fresh_prompt: absurd, cached_prompt: absurd, reasoning: absurd, answer: absurd };
            record.first_token = Some(Duration::MAX);
            record.duration = Duration::MAX;
            record
        })
        .collect();
    append(log, &records).await;
    assert_eq!(list(log, &UsageQuery::default(), 10).await.len(), 3);
    let totals = log.usage_total(&UsageQuery::default(), 10).await.expect("the log answers");
    assert_eq!(totals[0].requests, 3);
}
