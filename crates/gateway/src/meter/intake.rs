//! How single records become groups.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::{JournalSerial, Unwritten, UsageRecord};

/// What is handed to the writer.
pub(super) enum Item {
    Record(Box<UsageRecord>, Option<Unwritten>),
    Flush(oneshot::Sender<()>),
}

/// Records that go together, and everything that waits for them.
#[derive(Default)]
pub(super) struct Group {
    pub(super) records: Arc<Vec<UsageRecord>>,
    /// Where the group is in the journal, if it is there.
    pub(super) serial: Option<JournalSerial>,
    unwritten: Vec<Unwritten>,
    flushes: Vec<oneshot::Sender<()>>,
}

impl Group {
    fn of(items: impl Iterator<Item = Item>) -> Self {
        let (mut group, mut records) = (Self::default(), Vec::new());
        for item in items {
            match item {
                Item::Record(record, unwritten) => {
                    records.push(*record);
                    group.unwritten.extend(unwritten);
                }
                Item::Flush(done) => group.flushes.push(done),
            }
        }
        group.records = Arc::new(records);
        group
    }

    /// The group is in the log.
    pub(super) fn written(self) {
        drop(self.unwritten);
        for done in self.flushes {
            // Whoever asked may have given up waiting.
            let _ = done.send(());
        }
    }

    /// The process ends before the group is in the log.
    pub(super) fn left(self) {
        self.unwritten.into_iter().for_each(Unwritten::leave);
    }
}

/// Where records come in.
pub(super) struct Intake {
    items: mpsc::UnboundedReceiver<Item>,
    batch: Vec<Item>,
    group_items_max: usize,
    gather_for: Duration,
    /// Until then records gather.
    not_before: Option<Instant>,
}

impl Intake {
    pub(super) fn new(
        items: mpsc::UnboundedReceiver<Item>,
        group_items_max: usize,
        gather_for: Duration,
    ) -> Self {
        Self { items, batch: Vec::new(), group_items_max, gather_for, not_before: None }
    }

    /// The next group; none when nobody is left who could hand anything in. Nothing is lost if this is dropped half way.
    pub(super) async fn next(&mut self) -> Option<Group> {
        if let Some(moment) = self.not_before {
            sleep_until(moment).await;
            self.not_before = None;
        }
        self.items.recv_many(&mut self.batch, self.group_items_max).await;
        (!self.batch.is_empty()).then(|| Group::of(self.batch.drain(..)))
    }

    /// A group of so many records is dealt with. Unless it was as large as groups may be, the next takes its time.
    pub(super) fn rest_after(&mut self, records: usize) {
        if records < self.group_items_max {
            self.not_before = Some(Instant::now() + self.gather_for);
        }
    }
}
