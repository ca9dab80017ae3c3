use std::str::FromStr;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{ColumnIndex, Decode, Postgres, Row as _, Sqlite, Type};
use vocab::{NanoUsd, RequestId, Timestamp, Tokens};

use crate::StoreError;

/// One row of an answer, read column by column.
///
/// What does not read back is an error that names the column, never a panic.
#[derive(Debug)]
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// A text.
    pub(crate) fn text(&self, column: &'static str) -> Result<String, StoreError> {
        self.get(column)
    }

    /// A text that may be missing.
    pub(crate) fn text_if_any(&self, column: &'static str) -> Result<Option<String>, StoreError> {
        self.get(column)
    }

    /// True or false.
    pub(crate) fn flag(&self, column: &'static str) -> Result<bool, StoreError> {
        self.get(column)
    }

    /// A whole number.
    pub(crate) fn integer(&self, column: &'static str) -> Result<i64, StoreError> {
        self.get(column)
    }

    /// A whole number that may be missing.
    pub(crate) fn integer_if_any(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        self.get(column)
    }

    /// A number that is never negative.
    pub(crate) fn count(&self, column: &'static str) -> Result<u64, StoreError> {
        u64::try_from(self.integer(column)?).map_err(|error| unreadable(column, error))
    }

    /// A count of tokens.
    pub(crate) fn tokens(&self, column: &'static str) -> Result<Tokens, StoreError> {
        self.count(column).map(Tokens)
    }

    /// An amount of money.
    pub(crate) fn money(&self, column: &'static str) -> Result<NanoUsd, StoreError> {
        self.integer(column).map(NanoUsd)
    }

    /// A text that parses: ids and names.
    pub(crate) fn parsed<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        self.borrowed(column)?.parse().map_err(|error: T::Err| unreadable(column, error))
    }

    /// A text that parses, or is missing.
    pub(crate) fn parsed_if_any<T>(&self, column: &'static str) -> Result<Option<T>, StoreError>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        let text = self.borrowed_if_any(column)?;
        text.map(|text| text.parse().map_err(|error: T::Err| unreadable(column, error))).transpose()
    }

    /// The id of a request.
    pub(crate) fn request_id(&self, column: &'static str) -> Result<RequestId, StoreError> {
        RequestId::parse(self.borrowed(column)?).ok_or(StoreError::Unreadable { column, source: None })
    }

    /// One of a few names.
    pub(crate) fn named<T: Copy>(
        &self,
        column: &'static str,
        values: &[T],
        name: impl Fn(T) -> &'static str,
    ) -> Result<T, StoreError> {
        let text = self.borrowed(column)?;
        let found = values.iter().copied().find(|value| name(*value) == text);
        found.ok_or(StoreError::Unreadable { column, source: None })
    }

    /// A moment.
    pub(crate) fn moment(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.integer(column).map(Timestamp::from_millis)
    }

    /// A moment that may be missing.
    pub(crate) fn moment_if_any(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.integer_if_any(column)?.map(Timestamp::from_millis))
    }

    /// A span of time, kept in microseconds.
    pub(crate) fn span(&self, column: &'static str) -> Result<Duration, StoreError> {
        self.count(column).map(Duration::from_micros)
    }

    /// A span of time that may be missing.
    pub(crate) fn span_if_any(&self, column: &'static str) -> Result<Option<Duration>, StoreError> {
        let micros = self.integer_if_any(column)?;
        Ok(micros.and_then(|micros| u64::try_from(micros).ok()).map(Duration::from_micros))
    }

    /// JSON.
    pub(crate) fn json(&self, column: &'static str) -> Result<Value, StoreError> {
        serde_json::from_str(self.borrowed(column)?).map_err(|error| unreadable(column, error))
    }

    /// JSON that may be missing.
    pub(crate) fn json_as<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        serde_json::from_str(self.borrowed(column)?).map_err(|error| unreadable(column, error))
    }

    pub(crate) fn json_if_any(&self, column: &'static str) -> Result<Option<Value>, StoreError> {
        let text = self.borrowed_if_any(column)?;
        text.map(|text| serde_json::from_str(text).map_err(|error| unreadable(column, error))).transpose()
    }

    fn borrowed(&self, column: &'static str) -> Result<&str, StoreError> {
        self.get(column)
    }

    fn borrowed_if_any(&self, column: &'static str) -> Result<Option<&str>, StoreError> {
        self.get(column)
    }

    fn get<'r, T>(&'r self, column: &'static str) -> Result<T, StoreError>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
        &'static str: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        let value = match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        };
        value.map_err(|error| unreadable(column, error))
    }
}

fn unreadable(column: &'static str, source: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unreadable { column, source: Some(source.into()) }
}
