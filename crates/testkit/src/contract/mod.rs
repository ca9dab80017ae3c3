//! One suite per storage port: what every adapter must do. Each suite is `all`, which is given a way
//! to make an empty store and runs every rule on one of its own.

pub mod accounts;
pub mod tasks;
pub mod usage;
