//! Columns as domain values. What does not read back is an error that names the column, never a panic.

use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use vocab::{RequestId, Timestamp, Tokens};

use crate::StoreError;

/// More tokens than any request has. Counts are cut to it, so that a host that reports nonsense cannot
/// make a sum overflow.
const TOKENS_MAX: u64 = 1 << 40;

/// A column whose text parses: ids and names.
pub(crate) fn parsed<T>(row: &SqliteRow, column: &'static str) -> Result<T, StoreError>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|error: T::Err| StoreError::Unreadable { column, source: Some(error.into()) })
}

pub(crate) fn request_id(row: &SqliteRow, column: &'static str) -> Result<RequestId, StoreError> {
    RequestId::parse(row.try_get(column)?).ok_or(StoreError::Unreadable { column, source: None })
}

/// A column that holds one of a few names.
pub(crate) fn named<T: Copy>(
    row: &SqliteRow,
    column: &'static str,
    values: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, StoreError> {
    let text: &str = row.try_get(column)?;
    let found = values.iter().copied().find(|value| name(*value) == text);
    found.ok_or(StoreError::Unreadable { column, source: None })
}

pub(crate) fn moment(row: &SqliteRow, column: &'static str) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_millis(row.try_get(column)?))
}

pub(crate) fn moment_if_any(row: &SqliteRow, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_millis))
}

pub(crate) fn json_if_any(row: &SqliteRow, column: &'static str) -> Result<Option<Value>, StoreError> {
    let Some(text) = row.try_get::<Option<&str>, _>(column)? else { return Ok(None) };
    let value = serde_json::from_str(text)
        .map_err(|error| StoreError::Unreadable { column, source: Some(error.into()) })?;
    Ok(Some(value))
}

pub(crate) fn tokens(row: &SqliteRow, column: &'static str) -> Result<Tokens, StoreError> {
    count(row, column).map(Tokens)
}

/// A column that is never negative.
pub(crate) fn count(row: &SqliteRow, column: &'static str) -> Result<u64, StoreError> {
    let count: i64 = row.try_get(column)?;
    u64::try_from(count).map_err(|error| StoreError::Unreadable { column, source: Some(error.into()) })
}

pub(crate) fn span_if_any(row: &SqliteRow, column: &'static str) -> Result<Option<Duration>, StoreError> {
    let micros: Option<i64> = row.try_get(column)?;
    Ok(micros.and_then(|micros| u64::try_from(micros).ok()).map(Duration::from_micros))
}

/// A count of tokens as it is written.
pub(crate) fn tokens_written(tokens: Tokens) -> i64 {
    tokens.0.min(TOKENS_MAX).cast_signed()
}

/// A span of time as it is written, in microseconds.
pub(crate) fn span_written(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
