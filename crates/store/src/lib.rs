//! All SQL and migrations.
//!
//! [`Store`] keeps accounts, keys, tasks and usage in one SQLite file. It implements the ports of the
//! crates that need them: `accounts::AccountStore`, `tasks::TaskQueue`, `gateway::UsageLog`.

mod accounts;
mod error;
mod keys;
mod row;
mod store;
mod tasks;
mod usage;

pub use error::{OpenError, StoreError};
pub use store::Store;
