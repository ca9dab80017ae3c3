use std::path::Path;
use std::time::Duration;

use sqlx::migrate::Migrator;
use vocab::Secret;

use crate::db::postgres::{PostgresPool, PostgresSettings};
use crate::db::sqlite::SqliteFile;
use crate::db::{Executor, Tx};
use crate::{OpenError, StoreError};

/// The same for both databases.
pub(super) static MIGRATIONS: Migrator = sqlx::migrate!();

/// How long one statement of a [`Database::snapshot`] may take: it may look at everything.
const SNAPSHOT_STATEMENT_FOR_MAX: Duration = Duration::from_secs(600);

/// Either database, ready to use. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    Sqlite(SqliteFile),
    Postgres(PostgresPool),
}

impl Database {
    pub(crate) async fn open(path: &Path) -> Result<Self, OpenError> {
        SqliteFile::open(path).await.map(Self::Sqlite)
    }

    pub(crate) async fn connect(url: &Secret, settings: PostgresSettings) -> Result<Self, OpenError> {
        PostgresPool::connect(url, settings).await.map(Self::Postgres)
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(file) => file.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }

    /// For statements that only read.
    pub(crate) fn reader(&self) -> Executor<'_> {
        match self {
            Self::Sqlite(file) => Executor::Sqlite(&file.readers),
            Self::Postgres(pool) => Executor::Postgres(pool),
        }
    }

    /// For single statements that write.
    pub(crate) fn writer(&self) -> Executor<'_> {
        match self {
            Self::Sqlite(file) => Executor::Sqlite(&file.writer),
            Self::Postgres(pool) => Executor::Postgres(pool),
        }
    }

    /// For several statements that are kept together or not at all.
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        match self {
            // Takes the write lock at once. A transaction that begins by reading and then writes is refused
            // without any waiting if another process wrote in between.
            Self::Sqlite(file) => Ok(Tx::sqlite(file.writer.begin_with("BEGIN IMMEDIATE").await?)),
            Self::Postgres(pool) => Ok(Tx::postgres(pool.begin().await?)),
        }
    }

    /// For several statements that only read, and see the same moment.
    pub(crate) async fn snapshot(&self) -> Result<Tx, StoreError> {
        match self {
            Self::Sqlite(file) => Ok(Tx::sqlite(file.readers.begin().await?)),
            Self::Postgres(pool) => Ok(Tx::postgres(pool.snapshot(SNAPSHOT_STATEMENT_FOR_MAX).await?)),
        }
    }
}
