use sqlx::Arguments;
use sqlx::postgres::PgArguments;

use crate::StoreError;
use crate::db::dialect::{Dialect, PostgresQuery, SqliteQuery, in_postgres_words, safe, sqlite_query};
use crate::db::{Row, ToValue, Tx, Value};

/// As many rows as one SQLite statement has; metering writes no more in one group.
const ROWS_PER_STATEMENT: usize = 512;

/// As many parameters as SQLite takes.
const PARAMETERS_MAX: usize = 32_766;

/// Begins a statement about many rows. `{rows}` in the text stands for them: `INSERT INTO … {rows}`, or
/// `UPDATE … FROM ({rows}) AS new WHERE id = new.column1`, where they are a table with the columns `column1`,
/// `column2` … . There are no other parameters.
///
/// Where rows of the batch meet each other, fold them first: PostgreSQL refuses to update one row twice
/// (`ON CONFLICT DO UPDATE`), and both take either of two that match (`UPDATE … FROM`).
pub(crate) fn bulk(text: &'static str) -> Bulk {
    let (before, after) = text.split_once("{rows}").unwrap_or((text, ""));
    Bulk { before, after, values: Vec::new(), rows: 0 }
}

/// See [`bulk`].
#[derive(Debug)]
#[must_use = "a statement does nothing until it is executed or fetched"]
pub(crate) struct Bulk {
    before: &'static str,
    after: &'static str,
    values: Vec<Value>,
    rows: usize,
}

impl Bulk {
    /// Begins the next row; its values follow, the same kinds in the same order as in the rows before.
    pub(crate) fn row(&mut self) -> &mut Self {
        self.rows += 1;
        self
    }

    /// Binds the next value of the row.
    pub(crate) fn bind(&mut self, value: impl ToValue) -> &mut Self {
        self.values.push(value.to_value());
        self
    }

    /// Runs it. Says how many rows were made or changed; without rows, nothing is asked of the database.
    ///
    /// It takes a transaction because SQLite needs several statements for very many rows.
    pub(crate) async fn execute(self, tx: &mut Tx) -> Result<u64, StoreError> {
        let mut done = 0;
        for chunk in self.chunks(tx) {
            done += tx.executor().execute(chunk).await?;
        }
        Ok(done)
    }

    /// Runs it and returns what it says with `RETURNING`, in no particular order.
    pub(crate) async fn fetch_all(self, tx: &mut Tx) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        for chunk in self.chunks(tx) {
            rows.append(&mut tx.executor().fetch(chunk).await?);
        }
        Ok(rows)
    }

    fn chunks(self, tx: &Tx) -> Vec<Chunk> {
        let Self { before, after, values, rows } = self;
        let columns = values.len().checked_div(rows).unwrap_or(0);
        debug_assert_eq!(columns * rows, values.len(), "every row has the same columns");
        if columns == 0 {
            return Vec::new();
        }
        let rows_max = if tx.is_postgres() { rows } else { ROWS_PER_STATEMENT.min(PARAMETERS_MAX / columns) };
        let mut values = values.into_iter();
        let mut chunks = Vec::with_capacity(rows.div_ceil(rows_max));
        for from in (0..rows).step_by(rows_max) {
            let rows = rows_max.min(rows - from);
            let values = values.by_ref().take(rows * columns).collect();
            // Full chunks are all the same statement and worth keeping prepared, as single rows are; other lengths
            // are not.
            chunks.push(Chunk {
                before,
                after,
                values,
                columns,
                keep_prepared: rows == rows_max || rows == 1,
            });
        }
        chunks
    }
}

/// The rows of one statement.
struct Chunk {
    before: &'static str,
    after: &'static str,
    values: Vec<Value>,
    columns: usize,
    keep_prepared: bool,
}

impl Dialect for Chunk {
    /// `VALUES (?, ?), (?, ?)`: nameless, because SQLite looks for numbered ones by going through them all.
    fn for_sqlite(self) -> Result<SqliteQuery, sqlx::Error> {
        let rows = self.values.len() / self.columns;
        let row = format!("({})", vec!["?"; self.columns].join(","));
        let text = format!("{}VALUES {}{}", self.before, vec![row.as_str(); rows].join(","), self.after);
        Ok(sqlite_query(text.into(), self.values)?.persistent(self.keep_prepared))
    }

    /// An array a column: one statement for any number of rows, prepared once.
    fn for_postgres(self) -> Result<PostgresQuery, sqlx::Error> {
        let columns = transpose(self.values, self.columns)?;
        let mut arguments = PgArguments::default();
        let (mut arrays, mut names) = (Vec::new(), Vec::new());
        for (number, column) in (1..).zip(columns) {
            names.push(format!("column{number}"));
            let (kind, added) = match column {
                Column::Bool(flags) => ("boolean", arguments.add(flags)),
                Column::Int(numbers) => ("bigint", arguments.add(numbers)),
                Column::Text(texts) => ("text", arguments.add(texts)),
            };
            added.map_err(sqlx::Error::Encode)?;
            arrays.push(format!("${number}::{kind}[]"));
        }
        let (before, after) = (self.before, self.after);
        let rows = format!("SELECT * FROM UNNEST({}) AS given ({})", arrays.join(", "), names.join(", "));
        Ok(sqlx::query_with(safe(in_postgres_words(format!("{before}{rows}{after}").into())), arguments))
    }
}

/// One column of all rows.
enum Column {
    Bool(Vec<Option<bool>>),
    Int(Vec<Option<i64>>),
    Text(Vec<Option<String>>),
}

fn transpose(values: Vec<Value>, width: usize) -> Result<Vec<Column>, sqlx::Error> {
    let height = values.len() / width;
    let mut columns: Vec<Column> = Vec::with_capacity(width);
    for (index, value) in values.into_iter().enumerate() {
        match (columns.get_mut(index % width), value) {
            (None, Value::Bool(flag)) => columns.push(Column::Bool(first_of(height, flag))),
            (None, Value::Int(number)) => columns.push(Column::Int(first_of(height, number))),
            (None, Value::Text(text)) => columns.push(Column::Text(first_of(height, text))),
            (Some(Column::Bool(flags)), Value::Bool(flag)) => flags.push(flag),
            (Some(Column::Int(numbers)), Value::Int(number)) => numbers.push(number),
            (Some(Column::Text(texts)), Value::Text(text)) => texts.push(text),
            _ => return Err(sqlx::Error::Encode("a column of a batch has values of two kinds".into())),
        }
    }
    Ok(columns)
}

fn first_of<T>(height: usize, value: T) -> Vec<T> {
    let mut column = Vec::with_capacity(height);
    column.push(value);
    column
}

#[cfg(test)]
mod tests {
    use sqlx::Execute;

    use super::*;

    fn two_rows() -> Chunk {
        let values = vec!["a".to_value(), 1_i64.to_value(), "b".to_value(), None::<i64>.to_value()];
        let (before, after) = ("INSERT INTO tag (name, weight) ", " ON CONFLICT DO NOTHING");
        Chunk { before, after, values, columns: 2, keep_prepared: false }
    }

    #[test]
    fn the_same_rows_in_two_dialects() {
        assert_eq!(
            two_rows().for_sqlite().unwrap().sql().as_str(),
            "INSERT INTO tag (name, weight) VALUES (?,?),(?,?) ON CONFLICT DO NOTHING"
        );
        assert_eq!(
            two_rows().for_postgres().unwrap().sql().as_str(),
            "INSERT INTO tag (name, weight) SELECT * FROM UNNEST($1::text[], $2::bigint[]) AS given (column1, column2) \
             ON CONFLICT DO NOTHING"
        );
    }

    #[test]
    fn a_column_has_one_kind() {
        assert!(transpose(vec!["a".to_value(), 1_i64.to_value()], 1).is_err());
    }
}
