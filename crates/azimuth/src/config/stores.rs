//! `[store]` and `[redis]`: where things are kept when one machine is not enough.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where accounts, money, quotas and records are kept.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct StoreConfig {
    /// `postgres://user:password@host/database` for several nodes. Empty: one SQLite file in the data folder. A
    /// password is better kept out of the file: `AZIMUTH_STORE__URL` sets this too.
    pub(crate) url: String,
    /// PostgreSQL: the most connections of this node.
    pub(crate) connections_max: u32,
    /// PostgreSQL: the most disk space, in MiB, for what requests used while the database was away. It is kept in the data
    /// folder, so that a crash does not lose it, and written to the database when that is back, or at the next start of the
    /// node. 0 keeps it in memory only.
    pub(crate) journal_mib_max: u64,
}

/// What several nodes share from moment to moment: permits and rates.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RedisConfig {
    /// `redis://host:6379` (Redis or Valkey). Empty: this is the only node, and limits are kept in memory.
    pub(crate) url: String,
    /// Put before every key, so that installations can share a server.
    pub(crate) prefix: String,
    /// How many nodes there are at least. Where Redis is lost, each gives out its share of every limit, and a node that
    /// has only just started cannot know how many others there are.
    pub(crate) nodes_min: NonZeroU32,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { url: String::new(), connections_max: 16, journal_mib_max: 256 }
    }
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self { url: String::new(), prefix: "azimuth".to_owned(), nodes_min: NonZeroU32::MIN }
    }
}
