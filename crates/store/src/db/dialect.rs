//! Where the two databases differ in words, and nothing else.

use std::borrow::Cow;

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments, AssertSqlSafe, Postgres, Sqlite};

use crate::db::Value;

pub(super) type SqliteQuery = Query<'static, Sqlite, SqliteArguments>;
pub(super) type PostgresQuery = Query<'static, Postgres, PgArguments>;

/// What a row that is read to be changed is marked with. SQLite has one writer at a time and needs no mark.
const FOR_UPDATE: [(&str, &str); 2] =
    [("{for update}", "FOR UPDATE"), ("{for update skip locked}", "FOR UPDATE SKIP LOCKED")];

/// Something that either database can run, in its own words.
pub(super) trait Dialect {
    fn for_sqlite(self) -> Result<SqliteQuery, sqlx::Error>;
    fn for_postgres(self) -> Result<PostgresQuery, sqlx::Error>;
}

pub(super) fn sqlite_query(text: Cow<'static, str>, values: Vec<Value>) -> Result<SqliteQuery, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        let added = match value {
            Value::Bool(flag) => arguments.add(flag),
            Value::Int(number) => arguments.add(number),
            Value::Text(text) => arguments.add(text),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    let text = marked(text, |_| "");
    Ok(sqlx::query_with(safe(text), arguments))
}

pub(super) fn postgres_query(
    text: Cow<'static, str>,
    values: Vec<Value>,
) -> Result<PostgresQuery, sqlx::Error> {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Value::Bool(flag) => arguments.add(flag),
            Value::Int(number) => arguments.add(number),
            Value::Text(text) => arguments.add(text),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(sqlx::query_with(safe(in_postgres_words(text)), arguments))
}

/// A text with its marks said in PostgreSQL's words.
pub(super) fn in_postgres_words(text: Cow<'static, str>) -> Cow<'static, str> {
    marked(text, |words| words)
}

/// Gives a text to the driver. All of it comes from literals of this crate, see [`sql`](super::sql).
pub(super) fn safe(text: Cow<'static, str>) -> AssertSqlSafe<Cow<'static, str>> {
    AssertSqlSafe(text)
}

/// Most texts have no mark and are passed on as they are.
fn marked(text: Cow<'static, str>, words: impl Fn(&'static str) -> &'static str) -> Cow<'static, str> {
    if !text.contains("{for update") {
        return text;
    }
    let said =
        FOR_UPDATE.into_iter().fold(text.into_owned(), |text, (mark, said)| text.replace(mark, words(said)));
    Cow::Owned(said)
}

#[cfg(test)]
mod tests {
    use sqlx::Execute;

    use super::*;

    #[test]
    fn rows_are_locked_where_that_means_something() {
        let text = "SELECT id FROM task LIMIT 1 {for update skip locked}";
        let query = postgres_query(text.into(), Vec::new()).unwrap();
        assert_eq!(query.sql().as_str(), "SELECT id FROM task LIMIT 1 FOR UPDATE SKIP LOCKED");
        let query = sqlite_query(text.into(), Vec::new()).unwrap();
        assert_eq!(query.sql().as_str(), "SELECT id FROM task LIMIT 1 ");
    }
}
