//! What becomes of records while the log is away.

use tokio::time::{sleep, timeout};

use super::tests::record;
use super::*;
use crate::fake_journal::FakeJournal;
use crate::fake_log::FakeLog;
use crate::replay;

/// A meter between a log and a journal.
struct Scene {
    log: Arc<FakeLog>,
    journal: Arc<FakeJournal>,
    tracker: TaskTracker,
    meter: Meter,
}

const FOREVER: usize = usize::MAX;

impl Scene {
    fn set() -> Self {
        let (log, journal) = (Arc::new(FakeLog::default()), Arc::new(FakeJournal::default()));
        let tracker = TaskTracker::new();
        let settings = MeterSettings { group_records_max: 40, ..MeterSettings::default() };
        let meter = Meter::with_journal(log.clone(), journal.clone(), settings, &tracker);
        Self { log, journal, tracker, meter }
    }

    fn log_fails(&self) {
        self.log.failures_left.store(FOREVER, Ordering::SeqCst);
    }

    fn log_is_back(&self) {
        self.log.failures_left.store(0, Ordering::SeqCst);
        self.log.silent_ms.store(0, Ordering::SeqCst);
    }

    /// Hands in a record, and gives it time to go where it goes.
    async fn one_more(&self) -> UsageRecord {
        let record = record();
        self.meter.record(record.clone(), None);
        sleep(Duration::from_millis(300)).await;
        record
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_log_is_quick_nothing_is_journalled() {
    let scene = Scene::set();
    scene.log.silent_ms.store(50, Ordering::SeqCst);
    for _ in 0..3 {
        scene.one_more().await;
    }
    assert_eq!(scene.log.records().len(), 3);
    assert_eq!(scene.journal.appended(), 0);
}

#[tokio::test(start_paused = true)]
async fn while_the_log_fails_records_are_journalled_and_when_it_is_back_they_are_written_in_order() {
    let scene = Scene::set();
    scene.log_fails();
    let mut records = Vec::new();
    for number in 1..=5 {
        records.push(scene.one_more().await);
        assert_eq!(scene.journal.records().len(), number, "each is kept before the next comes");
    }
    assert!(scene.log.records().is_empty());

    scene.log_is_back();
    scene.meter.flush().await;
    assert_eq!(scene.log.records(), records);
    assert!(scene.journal.records().is_empty(), "what is written need not be kept");
}

/// Nobody knows yet that the log is away: the attempt that hears nothing goes on, and the records are safe meanwhile.
#[tokio::test(start_paused = true)]
async fn a_log_that_says_nothing_has_its_records_journalled_within_moments() {
    let scene = Scene::set();
    scene.log.silent_ms.store(60_000, Ordering::SeqCst);
    let records = vec![scene.one_more().await, scene.one_more().await];
    assert_eq!(scene.journal.records(), records);

    scene.log_is_back();
    scene.meter.flush().await;
    assert_eq!(scene.log.records(), records);
    assert!(scene.journal.records().is_empty());
}

/// What is in the journal is written in groups that are as large as groups may be.
#[tokio::test(start_paused = true)]
async fn many_small_groups_are_caught_up_with_in_few_large_ones() {
    let scene = Scene::set();
    scene.log_fails();
    for _ in 0..60 {
        scene.one_more().await;
    }
    scene.log_is_back();
    scene.meter.flush().await;
    let sizes: Vec<usize> = scene.log.groups.lock().unwrap().iter().map(Vec::len).collect();
    assert_eq!(sizes, [40, 20]);
}

/// A full disk: what can be kept nowhere is not taken on.
#[tokio::test(start_paused = true)]
async fn without_log_and_journal_nothing_is_admitted_until_one_is_back() {
    let scene = Scene::set();
    scene.journal.is_full.store(true, Ordering::SeqCst);
    scene.one_more().await;
    assert!(!scene.meter.is_overloaded(), "the log takes everything");

    scene.log_fails();
    scene.one_more().await;
    assert!(scene.meter.is_overloaded());

    scene.journal.is_full.store(false, Ordering::SeqCst);
    sleep(Duration::from_secs(3)).await;
    assert!(!scene.meter.is_overloaded(), "somebody made room");
    assert_eq!(scene.journal.records().len(), 1);

    scene.journal.is_full.store(true, Ordering::SeqCst);
    scene.one_more().await;
    assert!(scene.meter.is_overloaded());
    scene.log_is_back();
    scene.meter.flush().await;
    assert!(!scene.meter.is_overloaded());
    assert_eq!(scene.log.records().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_without_its_log_leaves_everything_to_the_next() {
    let Scene { log, journal, tracker, meter } = Scene::set();
    log.failures_left.store(FOREVER, Ordering::SeqCst);
    let records = [record(), record()];
    meter.record(records[0].clone(), None);
    sleep(Duration::from_secs(60)).await;
    meter.record(records[1].clone(), None);
    drop(meter);
    tracker.close();
    timeout(Duration::from_secs(10), tracker.wait()).await.expect("it does not wait for ever");

    let broken_off = replay(&*journal, &*log).await;
    assert!(broken_off.is_err());
    log.failures_left.store(0, Ordering::SeqCst);
    assert_eq!(replay(&*journal, &*log).await.unwrap(), 2);
    assert_eq!(log.records(), records);
    assert_eq!(replay(&*journal, &*log).await.unwrap(), 0, "nothing is left");
}

/// With nowhere else to go, records are waited for, as they are without a journal.
#[tokio::test(start_paused = true)]
async fn a_process_that_ends_with_neither_waits_for_its_log() {
    let Scene { log, journal, tracker, meter } = Scene::set();
    journal.is_full.store(true, Ordering::SeqCst);
    log.failures_left.store(100, Ordering::SeqCst);
    meter.record(record(), None);
    drop(meter);
    tracker.close();
    tracker.wait().await;
    assert_eq!(log.records().len(), 1);
}
