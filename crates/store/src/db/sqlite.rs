//! One SQLite file, which several processes may have open.
//!
//! There is one connection that writes, so that writers of this process queue instead of failing on each other, and a
//! few that only read. With a write-ahead log readers and the writer do not wait for one another.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::OpenError;
use crate::db::database::MIGRATIONS;

/// Reads that run beside each other. They are short, and each connection is a thread.
const READERS_MAX: u32 = 4;

/// Statements that a connection keeps prepared: more than there are, without those that are put together.
const PREPARED_MAX: usize = 256;

/// How long to wait for another process to finish its write.
const BUSY_FOR_MAX: Duration = Duration::from_secs(10);

/// How long to wait for a connection that others of this process use.
const ACQUIRE_FOR_MAX: Duration = Duration::from_secs(30);

/// The connections to one file.
#[derive(Clone, Debug)]
pub(crate) struct SqliteFile {
    pub(super) writer: SqlitePool,
    pub(super) readers: SqlitePool,
}

impl SqliteFile {
    pub(super) async fn open(path: &Path) -> Result<Self, OpenError> {
        let path = path.to_owned();
        let name = path.display().to_string();
        let in_database = |source| OpenError::Database { name: name.clone(), source };

        // Held until the end of this function: switching to the write-ahead log and migrating are
        // not for two processes at a time, and SQLite's own waiting covers neither.
        let _turn =
            take_turn(path.clone()).await.map_err(|source| OpenError::File { path: path.clone(), source })?;

        let options = SqliteConnectOptions::new()
            .filename(&path)
            .journal_mode(SqliteJournalMode::Wal)
            // What is acknowledged is on the disk, also when the power fails: with `NORMAL` the log is
            // only synced at checkpoints. Writes on hot paths come in groups, so a sync each is cheap.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_FOR_MAX)
            .statement_cache_capacity(PREPARED_MAX)
            .optimize_on_close(true, None);
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE_FOR_MAX)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone())
            .await
            .map_err(in_database)?;
        MIGRATIONS
            .run(&writer)
            .await
            .map_err(|source| OpenError::Migration { name: name.clone(), source })?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .acquire_timeout(ACQUIRE_FOR_MAX)
            .connect_with(options.optimize_on_close(false, None).pragma("query_only", "ON"))
            .await
            .map_err(in_database)?;
        Ok(Self { writer, readers })
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Makes the database file if it is missing, and waits until no other process is opening it.
async fn take_turn(path: PathBuf) -> io::Result<File> {
    let waiting = tokio::task::spawn_blocking(move || {
        private_file(&path)?;
        let mut lock_path = path.into_os_string();
        lock_path.push(".lock");
        let lock = private_file(Path::new(&lock_path))?;
        lock.lock()?;
        Ok(lock)
    });
    waiting.await.map_err(io::Error::other)?
}

/// Opens `path` for writing and makes it, if it is missing, for its owner only. SQLite gives the files
/// beside the database the same permissions.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
