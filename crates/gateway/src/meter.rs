use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::{Unwritten, UsageLog, UsageRecord};

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
}

impl Default for MeterSettings {
    fn default() -> Self {
        Self {
            group_records_max: 512,
            gather_for: Duration::from_millis(10),
            backlog_records_max: 50_000,
            retry_after: Duration::from_millis(100),
            retry_after_max: Duration::from_secs(2),
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
    backlog: Arc<AtomicUsize>,
    backlog_max: usize,
}

enum Item {
    Record(Box<UsageRecord>, Option<Unwritten>),
    Flush(oneshot::Sender<()>),
}

impl Meter {
    /// Starts the writer. It ends, with everything written, when the last `Meter` is dropped.
    pub fn start(log: Arc<dyn UsageLog>, settings: MeterSettings, tracker: &TaskTracker) -> Self {
        let (queue, items) = mpsc::unbounded_channel();
        let backlog = Arc::new(AtomicUsize::new(0));
        let backlog_max = settings.backlog_records_max;
        tracker.spawn(write_groups(log, settings, items, backlog.clone()));
        Self { queue, backlog, backlog_max }
    }

    /// Hands a record over. Never waits. What its settlement comes from is kept until it is written.
    pub(crate) fn record(&self, record: UsageRecord, unwritten: Option<Unwritten>) {
        self.backlog.fetch_add(1, Ordering::Relaxed);
        if self.queue.send(Item::Record(Box::new(record), unwritten)).is_err() {
            tracing::error!("a usage record came after metering had been shut down");
        }
    }

    /// Whether the store has fallen so far behind that further work must wait.
    pub(crate) fn is_overloaded(&self) -> bool {
        self.backlog.load(Ordering::Relaxed) >= self.backlog_max
    }

    /// Waits until every record handed over so far is durable.
    pub async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.queue.send(Item::Flush(done)).is_ok() {
            // The writer only drops the sender when it has ended, and then all is written too.
            let _ = written.await;
        }
    }
}

async fn write_groups(
    log: Arc<dyn UsageLog>,
    settings: MeterSettings,
    mut items: mpsc::UnboundedReceiver<Item>,
    backlog: Arc<AtomicUsize>,
) {
    let mut batch = Vec::new();
    while items.recv_many(&mut batch, settings.group_records_max).await > 0 {
        let mut records = Vec::with_capacity(batch.len());
        let mut kept = Vec::new();
        let mut waiting = Vec::new();
        for item in batch.drain(..) {
            match item {
                Item::Record(record, unwritten) => {
                    records.push(*record);
                    kept.extend(unwritten);
                }
                Item::Flush(done) => waiting.push(done),
            }
        }
        write(&*log, &records, &settings).await;
        drop(kept);
        backlog.fetch_sub(records.len(), Ordering::Relaxed);
        for done in waiting {
            // Whoever asked may have given up waiting.
            let _ = done.send(());
        }
        if records.len() < settings.group_records_max {
            tokio::time::sleep(settings.gather_for).await;
        }
    }
}

async fn write(log: &dyn UsageLog, records: &[UsageRecord], settings: &MeterSettings) {
    if records.is_empty() {
        return;
    }
    let mut pause = settings.retry_after;
    while let Err(error) = log.usage_append(records).await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            records = records.len(),
            "usage records could not be written and will be tried again"
        );
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(settings.retry_after_max);
    }
}

#[cfg(test)]
mod tests;
