//! One way to speak to two databases.
//!
//! A statement is written once, in the words SQLite and PostgreSQL share, and runs on whichever the store was opened on:
//!
//! ```ignore
//! // One statement. `reader` is for what only reads, `writer` for one statement that writes.
//! let row = sql("SELECT id, name FROM project WHERE id = $1").bind(id).fetch_optional(store.reader()).await?;
//! let name = row.map(|row| row.text("name")).transpose()?;
//!
//! // Several that are kept together or not at all. Dropping `tx` takes everything back.
//! let mut tx = store.begin().await?;
//! let row = sql("SELECT cash FROM wallet WHERE account = $1 {for update}").bind(account).fetch_one(&mut tx).await?;
//! sql("UPDATE wallet SET cash = $1 WHERE account = $2").bind(cash).bind(account).execute(&mut tx).await?;
//! tx.commit().await?;
//!
//! // Many rows at once: one statement on PostgreSQL, a few large ones on SQLite.
//! let mut insert = bulk("INSERT INTO tag (project, name) {rows} ON CONFLICT DO NOTHING");
//! for tag in tags {
//!     insert.row().bind(project).bind(tag);
//! }
//! insert.execute(&mut tx).await?;
//! ```
//!
//! What keeps a statement at home on both:
//!
//! - Parameters are `$1`, `$2` …; columns are `BIGINT`, `TEXT`, `BOOLEAN`. A sum or a literal that is read back is
//!   `CAST(… AS BIGINT)`.
//! - Columns are named, never `*`: a node that runs while a newer one adds a column must not notice.
//! - A row that is read to be changed is read `{for update}`. SQLite has one writer at a time and leaves the words out;
//!   PostgreSQL is in *read committed*, so what was read without them may have changed since.
//! - Rows of several transactions are locked in one order (sorted by id), or PostgreSQL ends one of the two.
//! - A statement that fails ends its transaction; what may be there already is met with `ON CONFLICT`, not with an error.

mod bulk;
mod database;
mod dialect;
mod executor;
mod postgres;
mod row;
mod sqlite;
mod statement;
mod tx;
mod value;

pub(crate) use bulk::{Bulk, bulk};
pub(crate) use database::Database;
pub(crate) use executor::Executor;
pub use postgres::PostgresSettings;
pub(crate) use row::Row;
pub(crate) use statement::{Statement, sql};
pub(crate) use tx::Tx;
pub(crate) use value::{ToValue, Value};
