use sqlx::SqlitePool;

use crate::StoreError;
use crate::db::dialect::Dialect;
use crate::db::postgres::PostgresPool;
use crate::db::{Row, Tx};

/// Where a statement runs: a pool, or a transaction.
#[derive(Debug)]
pub(crate) enum Executor<'a> {
    Sqlite(&'a SqlitePool),
    Postgres(&'a PostgresPool),
    Tx(&'a mut Tx),
}

impl<'a> From<&'a mut Tx> for Executor<'a> {
    fn from(tx: &'a mut Tx) -> Self {
        Self::Tx(tx)
    }
}

impl Executor<'_> {
    pub(super) async fn execute(self, statement: impl Dialect) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(pool) => Ok(statement.for_sqlite()?.execute(pool).await?.rows_affected()),
            Self::Postgres(pool) => Ok(pool.acquire().await?.execute(statement.for_postgres()?).await?),
            Self::Tx(tx) => tx.execute(statement).await,
        }
    }

    pub(super) async fn fetch(self, statement: impl Dialect) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Sqlite(pool) => {
                let rows = statement.for_sqlite()?.fetch_all(pool).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(pool) => {
                let rows = pool.acquire().await?.fetch(statement.for_postgres()?).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
            Self::Tx(tx) => tx.fetch(statement).await,
        }
    }
}
