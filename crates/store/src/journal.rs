//! Usage records on this machine's disk, while the database that they belong to is away.
//!
//! A folder with a file per some megabytes of groups. Groups are only ever added at the end of the newest file; a file whose
//! groups have all been forgotten is deleted, so that a journal with nothing in it is an empty folder. Forgetting is not
//! written down: after a crash a few groups may be read that were forgotten, and the log counts them once.

mod files;
mod frame;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use gateway::{Journal, JournalError, JournalSerial, Journalled, UsageRecord};

use files::{Files, Payloads};

/// Limits of a journal.
#[derive(Clone, Debug)]
pub struct JournalSettings {
    /// The most disk space, in bytes. What does not fit is refused.
    pub bytes_max: u64,
    /// When a file has this many bytes, the next is begun.
    pub file_bytes: u64,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self { bytes_max: 256 * 1024 * 1024, file_bytes: 8 * 1024 * 1024 }
    }
}

/// Why a journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenJournalError {
    /// Another process has it open.
    #[error("another node uses the journal `{}`; each node needs a data folder of its own", folder.display())]
    InUse {
        /// The journal.
        folder: PathBuf,
    },
    /// The folder, or a file in it, cannot be made, read or locked.
    #[error("cannot use `{}` as a journal", path.display())]
    File {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is whole, but another version of this program wrote it.
    #[error("`{}` holds usage records that this version cannot read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is not understood in it; none if it is the form of the whole file.
        source: Option<serde_json::Error>,
    },
}

/// A [`Journal`] in a folder, which belongs to one process at a time.
///
/// What an append has acknowledged is on the disk, also when the power fails.
#[derive(Clone)]
pub struct FileJournal {
    files: Arc<Mutex<Files>>,
}

impl FileJournal {
    /// Opens the journal in `folder`, or makes it, and reads what is there. An append that a crash cut short was never
    /// acknowledged, and is cut off.
    pub async fn open(
        folder: impl Into<PathBuf>,
        settings: JournalSettings,
    ) -> Result<Self, OpenJournalError> {
        let folder = folder.into();
        let opened = {
            let folder = folder.clone();
            tokio::task::spawn_blocking(move || Files::open(folder, settings)).await
        };
        let files = opened.unwrap_or_else(|error| {
            Err(OpenJournalError::File { path: folder, source: io::Error::other(error) })
        })?;
        Ok(Self { files: Arc::new(Mutex::new(files)) })
    }

    /// Runs `work` where waiting for the disk holds nobody up.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Files) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let files = self.files.clone();
        let done = tokio::task::spawn_blocking(move || {
            // A panic in between leaves at worst an append that is not counted.
            work(&mut files.lock().unwrap_or_else(PoisonError::into_inner))
        });
        done.await.map_err(failed)?
    }
}

#[async_trait]
impl Journal for FileJournal {
    async fn journal_append(&self, records: &[UsageRecord]) -> Result<JournalSerial, JournalError> {
        let payload = serde_json::to_vec(records).map_err(failed)?;
        let count = records.len();
        self.with(move |files| files.append(&payload, count)).await
    }

    async fn journal_oldest(&self, records_max: usize) -> Result<Option<Journalled>, JournalError> {
        let Some(Payloads { groups, upto }) = self.with(move |files| files.oldest(records_max)).await? else {
            return Ok(None);
        };
        let mut records = Vec::new();
        for payload in groups {
            records.extend(parse(&payload).map_err(failed)?);
        }
        Ok(Some(Journalled { records, upto }))
    }

    async fn journal_forget(&self, upto: JournalSerial) -> Result<(), JournalError> {
        self.with(move |files| files.forget(upto)).await
    }
}

fn parse(payload: &[u8]) -> Result<Vec<UsageRecord>, serde_json::Error> {
    serde_json::from_slice(payload)
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> JournalError {
    JournalError::Failed(Box::new(error))
}

/// Makes the names in a folder survive a power failure.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { std::fs::File::open(folder)?.sync_all() } else { Ok(()) }
}
