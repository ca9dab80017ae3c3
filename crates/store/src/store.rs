use std::path::Path;

use vocab::Secret;

use crate::db::{Database, Executor, Tx};
use crate::{OpenError, PostgresSettings, StoreError};

/// One SQLite file, which several processes may have open, or one PostgreSQL database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
}

impl Store {
    /// Opens the database at `path`, or makes it, readable by its owner only, and brings its schema up
    /// to date. Safe for several processes at once.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Ok(Self { database: Database::open(path.as_ref()).await? })
    }

    /// Connects to the PostgreSQL database of a `postgres://user:password@host:port/name` address and brings its schema
    /// up to date. Safe for several processes at once.
    ///
    /// `?sslmode=verify-full` in the address insists on TLS; without it TLS is used where the server offers it. If the
    /// server goes away later, calls fail within seconds, and succeed again when it is back.
    pub async fn connect(url: &Secret, settings: PostgresSettings) -> Result<Self, OpenError> {
        Ok(Self { database: Database::connect(url, settings).await? })
    }

    /// Finishes what is under way and closes the database.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// For statements that only read.
    pub(crate) fn reader(&self) -> Executor<'_> {
        self.database.reader()
    }

    /// For single statements that write.
    pub(crate) fn writer(&self) -> Executor<'_> {
        self.database.writer()
    }

    /// For several statements that are kept together or not at all.
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        self.database.begin().await
    }

    /// For several statements that only read, and see the same moment.
    pub(crate) async fn snapshot(&self) -> Result<Tx, StoreError> {
        self.database.snapshot().await
    }
}
