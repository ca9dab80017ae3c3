//! Groups on their way into the log, and into the journal while the log does not take them.
//!
//! ```text
//!            quick                              late, or failed
//!  intake ──────────▶ log            intake ──────────▶ journal ──▶ (a crash) ──▶ replay at the next start
//!                                        ╰──▶ waiting ──▶ log, again and again
//! ```
//!
//! What waits stays in memory too, with everything that hangs on it: the slices that its settlements name are not given
//! back before it is in the log. The journal is only read by the next start.

use std::collections::VecDeque;
use std::error::Error;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::intake::{Group, Intake};
use super::{Backlog, MeterSettings};
use crate::{Journal, UsageLog, UsageLogError, UsageRecord};

pub(super) struct Writer {
    log: Arc<dyn UsageLog>,
    journal: Option<Arc<dyn Journal>>,
    settings: MeterSettings,
    backlog: Arc<Backlog>,
    intake: Intake,
    /// Not in the log yet, oldest first. Those in the journal come before those that are not.
    waiting: VecDeque<Group>,
    /// From when the log was late or failed until nothing waits. What comes meanwhile is journalled.
    is_behind: bool,
    /// When the journal may be used: later than now if it has just failed.
    journal_from: Instant,
    /// When it was first seen, while behind, that nothing will come in any more.
    closed: Option<Instant>,
}

/// The groups of one transaction.
struct Oldest {
    groups: usize,
    records: Arc<Vec<UsageRecord>>,
}

impl Writer {
    pub(super) fn new(
        log: Arc<dyn UsageLog>,
        journal: Option<Arc<dyn Journal>>,
        settings: MeterSettings,
        backlog: Arc<Backlog>,
        intake: Intake,
    ) -> Self {
        Self {
            log,
            journal,
            settings,
            backlog,
            intake,
            waiting: VecDeque::new(),
            is_behind: false,
            journal_from: Instant::now(),
            closed: None,
        }
    }

    /// Returns when nobody is left who could hand anything in, and everything is written or left to the journal.
    pub(super) async fn run(mut self) {
        while let Some(group) = self.intake.next().await {
            let records = group.records.len();
            self.waiting.push_back(group);
            self.write_waiting().await;
            self.intake.rest_after(records);
        }
    }

    /// Returns when nothing waits any more.
    async fn write_waiting(&mut self) {
        let mut pause = Duration::ZERO;
        let mut has_failed = false;
        while let Some(oldest) = self.oldest() {
            let attempt = append_after(pause, self.log.clone(), &oldest.records);
            match self.meanwhile(pin!(attempt)).await {
                Some(Ok(())) => {
                    pause = Duration::ZERO;
                    self.written(oldest.groups).await;
                }
                Some(Err(error)) => {
                    tracing::error!(
                        error = &error as &dyn Error,
                        records = oldest.records.len(),
                        "usage records could not be written and will be tried again"
                    );
                    has_failed = true;
                    self.is_behind = self.journal.is_some();
                    let longer = (pause * 2).min(self.settings.retry_after_max);
                    pause = longer.max(self.settings.retry_after);
                }
                None => return self.leave(),
            }
        }
        self.is_behind = false;
        if has_failed {
            tracing::info!("all usage records that waited are written");
        }
    }

    /// As many groups as one transaction takes.
    fn oldest(&self) -> Option<Oldest> {
        let first = self.waiting.front()?;
        let (mut groups, mut count) = (1, first.records.len());
        while let Some(next) = self.waiting.get(groups)
            && count + next.records.len() <= self.settings.group_records_max
        {
            count += next.records.len();
            groups += 1;
        }
        let records = if groups == 1 {
            first.records.clone()
        } else {
            Arc::new(
                self.waiting.iter().take(groups).flat_map(|group| group.records.iter().cloned()).collect(),
            )
        };
        Some(Oldest { groups, records })
    }

    /// Sees `attempt` through. If it takes long, what waits is journalled, and what comes in meanwhile as well. `None` if
    /// the process is to end and should not wait for it any longer.
    async fn meanwhile<T>(&mut self, mut attempt: Pin<&mut impl Future<Output = T>>) -> Option<T> {
        let late_at = Instant::now() + self.settings.journal_after;
        let has_journal = self.journal.is_some();
        loop {
            let must_journal = self.is_behind && self.has_unjournalled();
            let leave_at = self.closed.map(|closed| closed + self.settings.close_for);
            tokio::select! {
                biased;
                outcome = &mut attempt => return Some(outcome),
                () = sleep_until(late_at), if has_journal && !self.is_behind => self.is_behind = true,
                () = sleep_until(self.journal_from), if must_journal => self.journal_waiting().await,
                group = self.intake.next(), if self.is_behind && self.closed.is_none() => self.take_in(group),
                () = sleep_until(leave_at.unwrap_or(late_at)), if leave_at.is_some() && !must_journal => return None,
            }
        }
    }

    fn take_in(&mut self, group: Option<Group>) {
        match group {
            Some(group) => {
                self.intake.rest_after(group.records.len());
                self.waiting.push_back(group);
            }
            None => self.closed = Some(Instant::now()),
        }
    }

    fn has_unjournalled(&self) -> bool {
        let newest = self.waiting.iter().rev().find(|group| !group.records.is_empty());
        newest.is_some_and(|group| group.serial.is_none())
    }

    async fn journal_waiting(&mut self) {
        let Some(journal) = self.journal.clone() else { return };
        let kept = self.waiting.iter().rposition(|group| group.serial.is_some()).map_or(0, |last| last + 1);
        for group in self.waiting.range_mut(kept..).filter(|group| !group.records.is_empty()) {
            match journal.journal_append(&group.records).await {
                Ok(serial) => group.serial = Some(serial),
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn Error,
                        "usage records can be kept neither in the store nor in the journal; until they can, no request \
                         is admitted"
                    );
                    self.backlog.is_stuck.store(true, Ordering::Relaxed);
                    self.journal_from = Instant::now() + self.settings.retry_after_max;
                    return;
                }
            }
        }
        self.backlog.is_stuck.store(false, Ordering::Relaxed);
    }

    /// So many of the oldest groups are in the log.
    async fn written(&mut self, groups: usize) {
        let mut journalled = None;
        for group in self.waiting.drain(..groups) {
            self.backlog.records.fetch_sub(group.records.len(), Ordering::Relaxed);
            journalled = group.serial.or(journalled);
            group.written();
        }
        if !self.has_unjournalled() {
            self.backlog.is_stuck.store(false, Ordering::Relaxed);
        }
        if let (Some(journal), Some(upto)) = (&self.journal, journalled)
            && let Err(error) = journal.journal_forget(upto).await
        {
            // Nothing is wrong with the books: the next start hands them in again, and they count once.
            tracing::warn!(error = &error as &dyn Error, "written usage records stay in the journal");
        }
    }

    /// The next start hands in what waits. Slices that it names are not given back; the next start is before they expire,
    /// or what they held has to be taken from the account again.
    fn leave(&mut self) {
        let records: usize = self.waiting.iter().map(|group| group.records.len()).sum();
        self.waiting.drain(..).for_each(Group::left);
        tracing::warn!(
            records,
            "usage records that the store did not take are left in the journal for the next start"
        );
    }
}

async fn append_after(
    pause: Duration,
    log: Arc<dyn UsageLog>,
    records: &[UsageRecord],
) -> Result<(), UsageLogError> {
    if records.is_empty() {
        return Ok(());
    }
    if !pause.is_zero() {
        sleep(pause).await;
    }
    log.usage_append(records).await
}
