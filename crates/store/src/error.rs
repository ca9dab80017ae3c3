use std::path::PathBuf;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or its folder cannot be made or written.
    #[error("cannot use `{}` as a database", path.display())]
    File {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// SQLite refused it, for instance because it is not a database.
    #[error("cannot open the database `{}`", path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// The schema could not be brought up to date, or is newer than this program.
    #[error("cannot bring the database `{}` up to date", path.display())]
    Migration {
        /// The database file.
        path: PathBuf,
        /// What went wrong.
        source: sqlx::migrate::MigrateError,
    },
}

/// Why the store did not do its work. Ports carry it as the source of their own errors.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or did not answer in time.
    #[error("the database did not answer")]
    Database(#[from] sqlx::Error),
    /// A column holds something this program never writes.
    #[error("column `{column}` holds something that cannot be read")]
    Unreadable {
        /// The column.
        column: &'static str,
        /// Why not, if a parser said so.
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// A value cannot be written as text.
    #[error("a value cannot be written")]
    Unwritable(#[from] serde_json::Error),
}

impl From<StoreError> for accounts::AccountStoreError {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl From<StoreError> for tasks::TaskQueueError {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl From<StoreError> for gateway::UsageLogError {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}
