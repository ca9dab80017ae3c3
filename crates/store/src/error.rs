use std::path::PathBuf;

use sqlx::sqlite::SqliteError;

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
    /// The address of a server cannot be read. It is not repeated: it may hold a password.
    #[error("the address of the database is not of the form `postgres://user:password@host:port/name`")]
    Url {
        /// What is wrong with it.
        source: sqlx::Error,
    },
    /// It is not a database, or the server is not there or refused.
    #[error("cannot open the database `{name}`")]
    Database {
        /// The file, or the server and the database there.
        name: String,
        /// What the database said.
        source: sqlx::Error,
    },
    /// The schema could not be brought up to date, or is newer than this program.
    #[error("cannot bring the database `{name}` up to date")]
    Migration {
        /// The file, or the server and the database there.
        name: String,
        /// What went wrong.
        source: sqlx::migrate::MigrateError,
    },
}

/// Why the store did not do its work. Ports carry it as the source of their own errors.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database was not there, was busy for too long, or gave up in favour of others. Trying again later may help.
    #[error("the database did not answer in time")]
    Unavailable(#[source] sqlx::Error),
    /// The database refused.
    #[error("the database refused")]
    Database(#[source] sqlx::Error),
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
    /// A rule of the ledger does not allow it.
    #[error(transparent)]
    Ledger(#[from] ledger::BookError),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        let passes = match &error {
            E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed => true,
            E::Database(said) => match said.try_downcast_ref::<SqliteError>() {
                Some(_) => said.code().is_some_and(|code| is_passing_in_sqlite(&code)),
                None => said.code().is_some_and(|code| is_passing_in_postgres(&code)),
            },
            _ => false,
        };
        if passes { Self::Unavailable(error) } else { Self::Database(error) }
    }
}

/// `SQLITE_BUSY` and `SQLITE_LOCKED`; what is above the lowest byte of a code tells why.
fn is_passing_in_sqlite(code: &str) -> bool {
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6))
}

/// Classes of `SQLSTATE`: connections, resources, an operator's hand; and two transactions in each other's way.
fn is_passing_in_postgres(code: &str) -> bool {
    ["08", "53", "57"].iter().any(|class| code.starts_with(class))
        || matches!(code, "40001" | "40P01" | "55P03" | "25P03")
}

impl From<StoreError> for accounts::ConductStoreError {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
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

impl From<StoreError> for accounts::IdempotencyStoreError {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl From<StoreError> for accounts::DocumentStoreError {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl From<StoreError> for ledger::LedgerStoreError {
    fn from(error: StoreError) -> Self {
        match error {
            // Said as the reference ledger says it, so that whoever asks can tell a mistake from an outage.
            StoreError::Ledger(mistake) => mistake.into(),
            error => Self(error.into()),
        }
    }
}
