//! A share of the Redis server that `AZIMUTH_TEST_REDIS` names, one for each test.

use std::env;

use uuid::Uuid;
use vocab::Secret;

use crate::gate::Gate;

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

    /// The server itself.
    pub fn server_address(&self) -> String {
        address_in(self.url.expose()).to_owned()
    }

    /// The same server by way of `gate`.
    pub fn url_through(&self, gate: &Gate) -> Secret {
        Secret::new(self.url.expose().replace(&self.server_address(), &gate.address().to_string()))
    }
}

/// Host and port in `redis://user:password@host:port/0`.
fn address_in(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.split('/').next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_behind_a_password() {
        assert_eq!(address_in("redis://:p@ss/word@127.0.0.1:6379/0"), "127.0.0.1:6379");
        assert_eq!(address_in("redis://localhost:6379"), "localhost:6379");
    }
}
