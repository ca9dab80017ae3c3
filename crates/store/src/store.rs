use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqlitePool, Transaction};

use crate::OpenError;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Reads that run beside each other. They are short, and each connection is a thread.
const READERS_MAX: u32 = 4;

/// How long to wait for another process to finish its write.
const BUSY_FOR_MAX: Duration = Duration::from_secs(10);

/// How long to wait for a connection that others of this process use.
const ACQUIRE_FOR_MAX: Duration = Duration::from_secs(30);

/// One SQLite file, which several processes may have open. Cheap to clone.
///
/// There is one connection that writes, so that writers of this process queue instead of failing on
/// each other, and a few that only read. With a write-ahead log readers and the writer do not wait for
/// one another.
#[derive(Clone, Debug)]
pub struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Store {
    /// Opens the database at `path`, or makes it, readable by its owner only, and brings its schema up
    /// to date. Safe for several processes at once.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref().to_owned();
        let in_file = |source| OpenError::File { path: path.clone(), source };
        let in_database = |source| OpenError::Database { path: path.clone(), source };

        // Held until the end of this function: switching to the write-ahead log and migrating are
        // not for two processes at a time, and SQLite's own waiting covers neither.
        let _turn = take_turn(path.clone()).await.map_err(in_file)?;

        let options = SqliteConnectOptions::new()
            .filename(&path)
            .journal_mode(SqliteJournalMode::Wal)
            // What is acknowledged is on the disk, also when the power fails: with `NORMAL` the log is
            // only synced at checkpoints. Writes on hot paths come in groups, so a sync each is cheap.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_FOR_MAX)
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
            .map_err(|source| OpenError::Migration { path: path.clone(), source })?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .acquire_timeout(ACQUIRE_FOR_MAX)
            .connect_with(options.optimize_on_close(false, None).pragma("query_only", "ON"))
            .await
            .map_err(in_database)?;
        Ok(Self { writer, readers })
    }

    /// Finishes what is under way and closes the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// For statements that only read.
    pub(crate) fn reader(&self) -> &SqlitePool {
        &self.readers
    }

    /// For single statements that write.
    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    /// For several statements that are kept together or not at all.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        // Takes the write lock at once. A transaction that begins by reading and then writes is refused
        // without any waiting if another process wrote in between.
        self.writer.begin_with("BEGIN IMMEDIATE").await
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
