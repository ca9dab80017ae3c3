use accounts::SeenClient;
use vocab::{AccountId, KeyId, RequestId, Timestamp, Usage};

use super::*;
use crate::fake_log::FakeLog;
use crate::{Door, Ending};

pub(super) fn record() -> UsageRecord {
    let started = Timestamp::from_millis(1_790_000_000_000);
    UsageRecord {
        request: RequestId::generate(started),
        account: AccountId::generate(),
        key: KeyId::generate(),
        door: Door::General,
        model: "glm-4.7".parse().unwrap(),
        engine: String::new(),
        usage: Usage::default(),
        started,
        first_token: None,
        duration: Duration::ZERO,
        ending: Ending::Finished,
        client: SeenClient::default(),
        settlement: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_for_a_while_loses_nothing() {
    let (log, tracker) = (Arc::new(FakeLog::default()), TaskTracker::new());
    log.failures_left.store(20, Ordering::SeqCst);
    let meter = Meter::start(log.clone(), MeterSettings::default(), &tracker);
    (0..3).for_each(|_| meter.record(record(), None));
    meter.flush().await;
    assert_eq!(log.records().len(), 3);
}

/// The busier it is the larger the groups are, up to their limit.
#[tokio::test]
async fn records_are_written_in_groups_of_bounded_size() {
    let (log, tracker) = (Arc::new(FakeLog::default()), TaskTracker::new());
    let settings = MeterSettings { group_records_max: 40, ..MeterSettings::default() };
    let meter = Meter::start(log.clone(), settings, &tracker);
    (0..100).for_each(|_| meter.record(record(), None));
    meter.flush().await;
    let sizes: Vec<usize> = log.groups.lock().unwrap().iter().map(Vec::len).collect();
    assert_eq!(sizes, [40, 40, 20]);
}

/// Metering may delay work, never lose it: behind a store that does not answer, nothing more is admitted.
#[tokio::test(start_paused = true)]
async fn a_backlog_stops_admission_until_it_is_written() {
    let (log, tracker) = (Arc::new(FakeLog::default()), TaskTracker::new());
    log.failures_left.store(1, Ordering::SeqCst);
    let settings = MeterSettings { backlog_records_max: 2, ..MeterSettings::default() };
    let meter = Meter::start(log.clone(), settings, &tracker);
    meter.record(record(), None);
    assert!(!meter.is_overloaded());
    meter.record(record(), None);
    assert!(meter.is_overloaded());
    meter.flush().await;
    assert!(!meter.is_overloaded());
}

#[tokio::test]
async fn the_writer_ends_with_everything_written_when_the_last_handle_is_gone() {
    let (log, tracker) = (Arc::new(FakeLog::default()), TaskTracker::new());
    let meter = Meter::start(log.clone(), MeterSettings::default(), &tracker);
    let other = meter.clone();
    meter.record(record(), None);
    drop(meter);
    other.record(record(), None);
    drop(other);
    tracker.close();
    tracker.wait().await;
    assert_eq!(log.records().len(), 2);
}
