use std::num::NonZeroU32;
use std::time::Duration;

use gateway::MemoryPermitsSettings;
use vocab::Secret;

/// Where Redis is and how long to wait for it. Nodes that share limits share the prefix, the lease and the day.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// `redis://user:password@host:6379/0`.
    pub url: Secret,
    /// Put before every key, so that installations can share a server.
    ///
    /// It is also the hash tag of every key: a permit is one step over several scopes, and in a cluster one
    /// step must stay on one server.
    pub prefix: String,
    /// The longest that a request waits for an answer. After that Redis counts as lost.
    pub command_for_max: Duration,
    /// The longest that a try to come back takes, and everything else that no request waits for.
    pub connect_for_max: Duration,
    /// The longest pause between two tries to come back.
    pub retry_pause_max: Duration,
    /// How long a permit outlives a node that is gone. A node that lives renews its leases three times as
    /// often; one that is suspended for longer than this may find its permits given to others.
    pub lease: Duration,
    /// The least number of nodes to assume when Redis is lost, also before it was ever reached.
    pub nodes_min: NonZeroU32,
    /// The most ended permits that wait to be reported. Beyond that their leases run out instead.
    pub releases_max: usize,
    /// How permits are kept when this node has to count for itself, and when the day begins.
    pub alone: MemoryPermitsSettings,
}

impl RedisSettings {
    /// The usual settings for the server at `url`.
    pub fn at(url: Secret) -> Self {
        Self {
            url,
            prefix: "azimuth".to_owned(),
            command_for_max: Duration::from_millis(80),
            connect_for_max: Duration::from_secs(1),
            retry_pause_max: Duration::from_secs(1),
            lease: Duration::from_secs(10),
            nodes_min: NonZeroU32::MIN,
            releases_max: 16_384,
            alone: MemoryPermitsSettings::default(),
        }
    }
}

/// Settings that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum RedisSettingsError {
    /// The text is left out, as it may hold a password.
    #[error("the address of Redis is not understood; expected `redis://host:6379`")]
    Url(#[source] redis::RedisError),
    /// Braces mark the hash tag of a key.
    #[error("the prefix `{0}` is empty or has braces")]
    Prefix(String),
}
