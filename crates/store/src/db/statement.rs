use std::borrow::Cow;
use std::fmt::Write;

use crate::StoreError;
use crate::db::dialect::{Dialect, PostgresQuery, SqliteQuery, postgres_query, sqlite_query};
use crate::db::{Executor, Row, ToValue, Value};

/// Begins a statement. Its parameters are `$1`, `$2` …, bound in this order.
///
/// The text is the program's own, from the first word to the last: values are bound, never written into it.
pub(crate) fn sql(text: &'static str) -> Statement {
    Statement { text: Cow::Borrowed(text), values: Vec::new() }
}

/// See [`sql`].
#[derive(Debug)]
#[must_use = "a statement does nothing until it is executed or fetched"]
pub(crate) struct Statement {
    text: Cow<'static, str>,
    values: Vec<Value>,
}

impl Statement {
    /// Binds the next parameter of the text.
    pub(crate) fn bind(mut self, value: impl ToValue) -> Self {
        self.values.push(value.to_value());
        self
    }

    /// Adds to the text.
    pub(crate) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// Adds a parameter to the end of the text and binds it.
    pub(crate) fn push_bind(&mut self, value: impl ToValue) -> &mut Self {
        self.values.push(value.to_value());
        let number = self.values.len();
        // Writing to a text cannot fail.
        let _ = write!(self.text.to_mut(), "${number}");
        self
    }

    /// Adds parameters with commas between them, for `IN (…)`. For a handful of values; many are rows of a
    /// [`bulk`](super::bulk).
    pub(crate) fn push_list<T: ToValue>(&mut self, values: impl IntoIterator<Item = T>) -> &mut Self {
        let mut between = "";
        for value in values {
            self.push(between).push_bind(value);
            between = ", ";
        }
        self
    }

    /// Runs it. Says how many rows it made, changed or removed.
    pub(crate) async fn execute<'a>(self, on: impl Into<Executor<'a>>) -> Result<u64, StoreError> {
        on.into().execute(self).await
    }

    /// All its rows.
    pub(crate) async fn fetch_all<'a>(self, on: impl Into<Executor<'a>>) -> Result<Vec<Row>, StoreError> {
        on.into().fetch(self).await
    }

    /// Its first row, if it has any. The statement runs to its end all the same.
    pub(crate) async fn fetch_optional<'a>(
        self,
        on: impl Into<Executor<'a>>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch_all(on).await?.into_iter().next())
    }

    /// Its only row.
    pub(crate) async fn fetch_one<'a>(self, on: impl Into<Executor<'a>>) -> Result<Row, StoreError> {
        let row = self.fetch_optional(on).await?;
        row.ok_or(StoreError::Database(sqlx::Error::RowNotFound))
    }
}

impl Dialect for Statement {
    fn for_sqlite(self) -> Result<SqliteQuery, sqlx::Error> {
        sqlite_query(self.text, self.values)
    }

    fn for_postgres(self) -> Result<PostgresQuery, sqlx::Error> {
        postgres_query(self.text, self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_numbered_after_what_was_bound() {
        let mut statement = sql("SELECT name FROM task WHERE account = $1").bind("ana");
        statement.push(" AND state IN (").push_list(["queued", "running"]).push(") LIMIT ").push_bind(5_i64);
        assert_eq!(statement.text, "SELECT name FROM task WHERE account = $1 AND state IN ($2, $3) LIMIT $4");
        assert_eq!(statement.values.len(), 4);
    }
}
