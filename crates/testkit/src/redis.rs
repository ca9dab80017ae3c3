//! A share of the Redis server that `AZIMUTH_TEST_REDIS` names, one for each test.

use std::env;

use uuid::Uuid;
use vocab::Secret;

const VARIABLE: &str = "AZIMUTH_TEST_REDIS";

/// Where the server is, and which keys on it belong to this test alone.
pub struct TestRedis {
    /// The server.
    pub url: Secret,
    /// What every key of the test begins with.
    pub prefix: String,
}

impl TestRedis {
    /// Draws a prefix; or says on the error output why not and returns nothing, if no server is named.
    pub fn draw() -> Option<Self> {
        let Ok(url) = env::var(VARIABLE) else {
            eprintln!("skipped: {VARIABLE} does not name a Redis server; `scripts/services.sh` starts one");
            return None;
        };
        Some(Self { url: Secret::new(url), prefix: format!("test-{}:", Uuid::now_v7().as_simple()) })
    }
}
