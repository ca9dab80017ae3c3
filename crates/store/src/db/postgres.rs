//! Connections to PostgreSQL that never keep anyone waiting for long: to get one, to hear back on one, or to let go of
//! one.

use std::io;
use std::str::FromStr;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::{Connection, PgConnection, PgPool, Postgres};
use tokio::runtime::Handle;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use vocab::Secret;

use crate::db::database::MIGRATIONS;
use crate::db::dialect::PostgresQuery;
use crate::{OpenError, StoreError};

/// Statements that a connection keeps prepared: more than there are, without those that are put together.
const PREPARED_MAX: usize = 256;

/// How long to wait for a free connection, or for a server that is not there.
const ACQUIRE_FOR_MAX: Duration = Duration::from_secs(2);

/// A connection that rested for longer is tried before it is used: the server may have gone and come back.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// How much longer than the server itself to wait for its word that a statement took too long.
const GRACE: Duration = Duration::from_secs(1);

/// How long a connection that was left in the middle of something may take to end it.
const CLEAN_FOR_MAX: Duration = Duration::from_secs(5);

/// How to use a PostgreSQL server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostgresSettings {
    /// Connections of one process.
    pub connections_max: u32,
    /// How long one statement may take, waiting for others included.
    pub statement_for_max: Duration,
}

impl Default for PostgresSettings {
    fn default() -> Self {
        Self { connections_max: 16, statement_for_max: Duration::from_secs(5) }
    }
}

/// The connections of one process.
#[derive(Clone, Debug)]
pub(crate) struct PostgresPool {
    pool: PgPool,
    patience: Duration,
}

impl PostgresPool {
    pub(super) async fn connect(url: &Secret, settings: PostgresSettings) -> Result<Self, OpenError> {
        let options = read(url)
            .map_err(|source| OpenError::Url { source })?
            .application_name("azimuth")
            .statement_cache_capacity(PREPARED_MAX);
        let name =
            format!("{}:{}/{}", options.get_host(), options.get_port(), options.get_database().unwrap_or(""));
        let in_database = |source| OpenError::Database { name: name.clone(), source };

        // Migrations may take their time and wait for those of another process, so they have a connection of their
        // own. The migrator holds an advisory lock while it looks and while it works.
        let mut migrating = timeout(ACQUIRE_FOR_MAX, PgConnection::connect_with(&options))
            .await
            .map_err(|_| in_database(silent()))?
            .map_err(in_database)?;
        MIGRATIONS
            .run(&mut migrating)
            .await
            .map_err(|source| OpenError::Migration { name: name.clone(), source })?;
        // What was to be said is said; how the connection ends does not matter.
        let _ = timeout(CLEAN_FOR_MAX, migrating.close()).await;

        let statement_for_max = settings.statement_for_max;
        let options = options.options([
            ("statement_timeout", statement_for_max.as_millis()),
            // Nobody thinks for that long between two statements; a node that vanished must not keep its locks.
            ("idle_in_transaction_session_timeout", statement_for_max.as_millis()),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(settings.connections_max)
            .acquire_timeout(ACQUIRE_FOR_MAX)
            // Asking every time would double the round trips.
            .test_before_acquire(false)
            .before_acquire(|connection, state| {
                Box::pin(async move {
                    if state.idle_for > TRUSTED_FOR {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_with(options)
            .await
            .map_err(in_database)?;
        Ok(Self { pool, patience: statement_for_max + GRACE })
    }

    pub(super) async fn close(&self) {
        // A server that is gone does not say goodbye.
        let _ = timeout(CLEAN_FOR_MAX, self.pool.close()).await;
    }

    pub(super) async fn acquire(&self) -> Result<Held, StoreError> {
        // There was a connection when the store was opened; that there is none now will pass, whatever the words.
        let connection = self.pool.acquire().await.map_err(StoreError::Unavailable)?;
        Ok(Held {
            connection: Some(connection),
            patience: self.patience,
            state: State::Resting,
            in_transaction: false,
        })
    }

    /// A connection with a transaction in *read committed*, which is PostgreSQL's own default.
    pub(super) async fn begin(&self) -> Result<Held, StoreError> {
        let mut held = self.acquire().await?;
        held.begin("BEGIN").await?;
        Ok(held)
    }

    /// A connection with a transaction that sees one moment, and may take `patience` for a statement.
    pub(super) async fn snapshot(&self, patience: Duration) -> Result<Held, StoreError> {
        let mut held = self.acquire().await?;
        held.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        held.patience = patience + GRACE;
        let limit = sqlx::query("SELECT set_config('statement_timeout', $1, TRUE)");
        held.execute(limit.bind(patience.as_millis().to_string())).await?;
        Ok(held)
    }
}

/// A connection in use. What it was doing when it is dropped decides what becomes of it.
#[derive(Debug)]
pub(crate) struct Held {
    /// There until it is dropped.
    connection: Option<PoolConnection<Postgres>>,
    patience: Duration,
    state: State,
    in_transaction: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is under way.
    Resting,
    /// A statement was begun and not heard of since.
    Waiting,
    /// The server does not answer.
    Lost,
}

impl Held {
    pub(super) async fn execute(&mut self, query: PostgresQuery) -> Result<u64, sqlx::Error> {
        let (patience, connection) = self.ask()?;
        let answer = timeout(patience, query.execute(connection)).await;
        Ok(self.hear(answer)?.rows_affected())
    }

    pub(super) async fn fetch(&mut self, query: PostgresQuery) -> Result<Vec<PgRow>, sqlx::Error> {
        let (patience, connection) = self.ask()?;
        let answer = timeout(patience, query.fetch_all(connection)).await;
        self.hear(answer)
    }

    async fn begin(&mut self, how: &'static str) -> Result<(), sqlx::Error> {
        // Said before it is so: a transaction that was begun without anyone hearing of it must end as well.
        self.in_transaction = true;
        self.execute(sqlx::query(how)).await?;
        Ok(())
    }

    pub(super) async fn commit(&mut self) -> Result<(), sqlx::Error> {
        self.execute(sqlx::query("COMMIT")).await?;
        self.in_transaction = false;
        Ok(())
    }

    fn ask(&mut self) -> Result<(Duration, &mut PgConnection), sqlx::Error> {
        let connection = self.connection.as_mut().ok_or(sqlx::Error::PoolClosed)?;
        self.state = State::Waiting;
        Ok((self.patience, connection))
    }

    fn hear<T>(&mut self, answer: Result<Result<T, sqlx::Error>, Elapsed>) -> Result<T, sqlx::Error> {
        self.state = if answer.is_ok() { State::Resting } else { State::Lost };
        answer.unwrap_or_else(|_| Err(silent()))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        match (self.state, Handle::try_current()) {
            // The pool takes it back.
            (State::Resting, _) if !self.in_transaction => {}
            (State::Resting | State::Waiting, Ok(runtime)) => {
                runtime.spawn(async move {
                    // Hears out what is under way first. Without a transaction it is a warning that nobody reads.
                    let cleaned =
                        timeout(CLEAN_FOR_MAX, sqlx::query("ROLLBACK").execute(&mut *connection)).await;
                    if !matches!(cleaned, Ok(Ok(_))) {
                        connection.close_on_drop();
                    }
                });
            }
            (State::Lost, _) | (_, Err(_)) => connection.close_on_drop(),
        }
    }
}

/// An address without `//` would be read as the name of a database here, and repeated as such.
fn read(url: &Secret) -> Result<PgConnectOptions, sqlx::Error> {
    let url = url.expose();
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(sqlx::Error::Configuration("it begins with something else".into()));
    }
    PgConnectOptions::from_str(url)
}

fn silent() -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the server does not answer"))
}
