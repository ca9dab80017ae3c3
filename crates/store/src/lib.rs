//! All SQL and migrations.
//!
//! [`Store`] keeps accounts, keys, tasks and usage in one SQLite file or one PostgreSQL database. It implements the
//! ports of the crates that need them: `accounts::AccountStore`, `tasks::TaskQueue`, `gateway::UsageLog`.

mod accounts;
mod conduct;
mod db;
mod documents;
mod error;
mod idempotency;
mod journal;
mod keys;
mod ledger;
mod people;
mod quota;
mod redis;
mod rollup;
mod store;
mod subscriptions;
mod tasks;
mod usage;

pub use db::PostgresSettings;
pub use error::{OpenError, StoreError};
pub use journal::{FileJournal, JournalSettings, OpenJournalError};
pub use redis::{RedisPermits, RedisSettings, RedisSettingsError};
pub use store::Store;
