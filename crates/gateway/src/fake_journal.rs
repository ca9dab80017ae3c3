//! A journal in memory that can be told to fail.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;

use crate::{Journal, JournalError, JournalSerial, Journalled, UsageRecord};

/// Keeps groups until they are forgotten, unless its disk is full.
#[derive(Default)]
pub(crate) struct FakeJournal {
    pub(crate) is_full: AtomicBool,
    groups: Mutex<VecDeque<(JournalSerial, Vec<UsageRecord>)>>,
    appended: AtomicU64,
}

impl FakeJournal {
    /// How many groups were ever appended.
    pub(crate) fn appended(&self) -> u64 {
        self.appended.load(Ordering::SeqCst)
    }

    pub(crate) fn records(&self) -> Vec<UsageRecord> {
        self.groups.lock().unwrap().iter().flat_map(|(_, records)| records.clone()).collect()
    }
}

#[async_trait]
impl Journal for FakeJournal {
    async fn journal_append(&self, records: &[UsageRecord]) -> Result<JournalSerial, JournalError> {
        if self.is_full.load(Ordering::SeqCst) {
            return Err(JournalError::Full);
        }
        let serial = JournalSerial(self.appended.fetch_add(1, Ordering::SeqCst));
        self.groups.lock().unwrap().push_back((serial, records.to_vec()));
        Ok(serial)
    }

    async fn journal_oldest(&self, _: usize) -> Result<Option<Journalled>, JournalError> {
        let groups = self.groups.lock().unwrap();
        Ok(groups.front().map(|(upto, records)| Journalled { records: records.clone(), upto: *upto }))
    }

    async fn journal_forget(&self, upto: JournalSerial) -> Result<(), JournalError> {
        self.groups.lock().unwrap().retain(|(serial, _)| *serial > upto);
        Ok(())
    }
}
