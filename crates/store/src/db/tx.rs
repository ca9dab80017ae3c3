use sqlx::{Sqlite, Transaction};

use crate::StoreError;
use crate::db::dialect::Dialect;
use crate::db::postgres::Held;
use crate::db::{Executor, Row, sql};

/// Several statements that are kept together or not at all. Dropped, it takes back what was done.
#[derive(Debug)]
pub(crate) struct Tx {
    on: On,
    /// Whether every statement so far ended well. PostgreSQL takes everything back at the end if one did not, without
    /// saying so; with SQLite it is made so.
    sound: bool,
}

#[derive(Debug)]
enum On {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Held),
}

impl Tx {
    pub(super) fn sqlite(transaction: Transaction<'static, Sqlite>) -> Self {
        Self { on: On::Sqlite(transaction), sound: true }
    }

    pub(super) fn postgres(connection: Held) -> Self {
        Self { on: On::Postgres(connection), sound: true }
    }

    /// Keeps what was done. An error may also mean that it was kept and the answer was lost, so what is done in a
    /// transaction must be harmless to repeat.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        if !self.sound {
            return Err(StoreError::Database(sqlx::Error::Protocol(
                "a statement of the transaction failed".into(),
            )));
        }
        match self.on {
            On::Sqlite(transaction) => transaction.commit().await?,
            On::Postgres(mut connection) => connection.commit().await?,
        }
        Ok(())
    }

    /// Waits until no other transaction holds `name`, and holds it until the end of this one: for decisions about rows
    /// that are not there yet, which cannot be read `{for update}`. On SQLite the transaction holds everything already.
    pub(crate) async fn hold(&mut self, name: &str) -> Result<(), StoreError> {
        if self.is_postgres() {
            sql("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))").bind(name).execute(self).await?;
        }
        Ok(())
    }

    pub(super) fn is_postgres(&self) -> bool {
        matches!(self.on, On::Postgres(_))
    }

    pub(super) fn executor(&mut self) -> Executor<'_> {
        Executor::Tx(self)
    }

    pub(super) async fn execute(&mut self, statement: impl Dialect) -> Result<u64, StoreError> {
        // Said before the statement runs: one that is dropped half way did not end well either.
        let sound = std::mem::replace(&mut self.sound, false);
        let done = match &mut self.on {
            On::Sqlite(transaction) => {
                statement.for_sqlite()?.execute(&mut **transaction).await?.rows_affected()
            }
            On::Postgres(connection) => connection.execute(statement.for_postgres()?).await?,
        };
        self.sound = sound;
        Ok(done)
    }

    pub(super) async fn fetch(&mut self, statement: impl Dialect) -> Result<Vec<Row>, StoreError> {
        let sound = std::mem::replace(&mut self.sound, false);
        let rows = match &mut self.on {
            On::Sqlite(transaction) => {
                let rows = statement.for_sqlite()?.fetch_all(&mut **transaction).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            On::Postgres(connection) => {
                let rows = connection.fetch(statement.for_postgres()?).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        };
        self.sound = sound;
        Ok(rows)
    }
}
