mod intake;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::{Journal, Unwritten, UsageLog, UsageRecord};
use intake::{Intake, Item};
use writer::Writer;

/// Limits of the metering queue.
#[derive(Clone, Debug)]
pub struct MeterSettings {
    /// The most records written in one transaction.
    pub group_records_max: usize,
    /// How long records gather after a group was written. A group costs about as much as a hundred records, so
    /// under load this halves what metering costs; it is also the most that a crash loses beside the group being
    /// written.
    pub gather_for: Duration,
    /// When this many records wait to be written, no further request is admitted: metering may delay work, never
    /// lose it.
    pub backlog_records_max: usize,
    /// How long to wait before a failed write is tried again; doubled each time.
    pub retry_after: Duration,
    /// The longest such wait. Holds and slices stay taken until what they paid for is written, so when the store is back
    /// this should be a matter of moments.
    pub retry_after_max: Duration,
    /// A group that the store has not taken after so long is journalled, where there is a journal. While the store is
    /// quick, the journal costs nothing.
    pub journal_after: Duration,
    /// How long the end of the process waits for a store that is away, if everything that waits is journalled.
    pub close_for: Duration,
}

impl Default for MeterSettings {
    fn default() -> Self {
        Self {
            group_records_max: 512,
            gather_for: Duration::from_millis(10),
            backlog_records_max: 50_000,
            retry_after: Duration::from_millis(100),
            retry_after_max: Duration::from_secs(2),
            journal_after: Duration::from_millis(100),
            close_for: Duration::from_secs(5),
        }
    }
}

/// Takes usage records off the request path and writes them in groups.
///
/// While one group is being written, and for a moment after, the next gathers, so the busier it is the larger the
/// groups are, and an idle server writes at once.
#[derive(Clone)]
pub struct Meter {
    queue: mpsc::UnboundedSender<Item>,
    backlog: Arc<Backlog>,
    backlog_max: usize,
}

/// What waits to be written.
#[derive(Default)]
struct Backlog {
    records: AtomicUsize,
    /// Neither the log nor the journal takes records.
    is_stuck: AtomicBool,
}

impl Meter {
    /// Starts the writer. It ends, with everything written, when the last `Meter` is dropped.
    pub fn start(log: Arc<dyn UsageLog>, settings: MeterSettings, tracker: &TaskTracker) -> Self {
        Self::launch(log, None, settings, tracker)
    }

    /// Starts a writer that keeps records in `journal` while the log is away. It ends, with everything written or left in
    /// the journal for [`replay`](crate::replay), when the last `Meter` is dropped.
    ///
    /// What an earlier run left in the journal should have been replayed before.
    pub fn with_journal(
        log: Arc<dyn UsageLog>,
        journal: Arc<dyn Journal>,
        settings: MeterSettings,
        tracker: &TaskTracker,
    ) -> Self {
        Self::launch(log, Some(journal), settings, tracker)
    }

    fn launch(
        log: Arc<dyn UsageLog>,
        journal: Option<Arc<dyn Journal>>,
        settings: MeterSettings,
        tracker: &TaskTracker,
    ) -> Self {
        let (queue, items) = mpsc::unbounded_channel();
        let backlog = Arc::new(Backlog::default());
        let backlog_max = settings.backlog_records_max;
        let intake = Intake::new(items, settings.group_records_max, settings.gather_for);
        tracker.spawn(Writer::new(log, journal, settings, backlog.clone(), intake).run());
        Self { queue, backlog, backlog_max }
    }

    /// Hands a record over. Never waits. What its settlement comes from is kept until it is written.
    pub(crate) fn record(&self, record: UsageRecord, unwritten: Option<Unwritten>) {
        self.backlog.records.fetch_add(1, Ordering::Relaxed);
        if self.queue.send(Item::Record(Box::new(record), unwritten)).is_err() {
            tracing::error!("a usage record came after metering had been shut down");
        }
    }

    /// Whether further work must wait: the store has fallen too far behind, or takes nothing and nor does the journal.
    pub(crate) fn is_overloaded(&self) -> bool {
        self.backlog.is_stuck.load(Ordering::Relaxed)
            || self.backlog.records.load(Ordering::Relaxed) >= self.backlog_max
    }

    /// Waits until every record handed over so far is in the log.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.queue.send(Item::Flush(done)).is_ok() {
            // The writer only drops the sender when it has ended, and then nothing more will be written.
            let _ = written.await;
        }
    }
}

#[cfg(test)]
mod outages;
#[cfg(test)]
mod tests;
