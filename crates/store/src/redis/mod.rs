//! What several nodes share from moment to moment, kept in Redis or Valkey.
//!
//! Nothing here is a record of anything: if the server forgets everything, permits that are held are entered
//! again and rates start anew.

mod claim;
mod keeper;
mod link;
mod permits;
mod scripts;
mod settings;

pub use permits::RedisPermits;
pub use settings::{RedisSettings, RedisSettingsError};
