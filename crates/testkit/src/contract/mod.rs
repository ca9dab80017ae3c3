//! One suite per storage port: what every adapter must do. Each suite is `all`, which is given a way
//! to make an empty store and runs every rule on one of its own.

pub mod accounts;
pub mod conduct;
pub mod documents;
pub mod idempotency;
pub mod ledger;
mod ledger_holds;
pub mod ledger_random;
pub mod ledger_writers;
pub mod people;
pub mod permits;
pub mod quota;
pub mod rollup;
pub mod subscriptions;
pub mod tasks;
pub mod usage;
