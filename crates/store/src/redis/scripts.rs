use std::time::Duration;

use gateway::{CONCURRENCY_RETRY_AFTER, Limit};
use redis::{RedisResult, Script};

use super::claim::{Claimed, Release};
use super::link::Connected;

/// The steps that happen in Redis, each at once and as a whole.
pub(super) struct Scripts {
    acquire: Script,
    renew: Script,
    release: Script,
    lease_ms: u64,
    utc_offset_ms: i64,
    prefix: String,
    node: String,
}

/// What came of an attempt to take a permit.
pub(super) enum Answer {
    Taken,
    /// Redis does not know this connection: it has forgotten everything, or the leases of this node ran out.
    Forgotten,
    /// The limit of that number has no room, and how long it is worth waiting.
    Refused(usize, Duration),
}

/// One limit of a request.
pub(super) struct Counter {
    pub(super) kind: Limit,
    pub(super) limit: u64,
    pub(super) key: String,
}

impl Scripts {
    pub(super) fn new(prefix: &str, node: &str, lease: Duration, utc_offset_minutes: i32) -> Self {
        Self {
            acquire: Script::new(concat!(include_str!("lua/minute.lua"), include_str!("lua/acquire.lua"))),
            renew: Script::new(include_str!("lua/renew.lua")),
            release: Script::new(concat!(include_str!("lua/minute.lua"), include_str!("lua/release.lua"))),
            lease_ms: u64::try_from(lease.as_millis()).unwrap_or(u64::MAX),
            utc_offset_ms: i64::from(utc_offset_minutes) * 60_000,
            prefix: prefix.to_owned(),
            node: node.to_owned(),
        }
    }

    /// Where a limit of a scope is counted.
    pub(super) fn key(&self, kind: Limit, scope: &str) -> String {
        format!("{{{}}}:permits:{}:{scope}", self.prefix, word(kind))
    }

    fn nodes_key(&self) -> String {
        format!("{{{}}}:nodes", self.prefix)
    }

    /// Where it stands which connection of this node counts.
    fn connection_key(&self) -> String {
        format!("{{{}}}:connection:{}", self.prefix, self.node)
    }

    fn permit_id(&self, number: u64) -> String {
        format!("{}:{number}", self.node)
    }

    /// Takes permit `number` from every counter, or from none.
    pub(super) async fn acquire(
        &self,
        connected: &mut Connected,
        number: u64,
        counters: &[Counter],
    ) -> RedisResult<Answer> {
        let wait_ms = u64::try_from(CONCURRENCY_RETRY_AFTER.as_millis()).unwrap_or(u64::MAX);
        let mut call = self.acquire.prepare_invoke();
        call.key(self.connection_key()).arg(connected.number);
        call.arg(self.permit_id(number)).arg(self.lease_ms).arg(self.utc_offset_ms).arg(wait_ms);
        for counter in counters {
            call.key(&counter.key).arg(word(counter.kind)).arg(counter.limit);
        }
        let (answer, wait_ms): (i64, u64) = call.invoke_async(&mut connected.connection).await?;
        Ok(match (answer, usize::try_from(answer - 1)) {
            (0, _) => Answer::Taken,
            (_, Ok(counter)) => Answer::Refused(counter, Duration::from_millis(wait_ms)),
            (_, Err(_)) => Answer::Forgotten,
        })
    }

    /// Renews the leases of `held` and says that this node is there. Returns how many nodes are.
    pub(super) async fn renew(&self, connected: &mut Connected, held: &[(u64, &str)]) -> RedisResult<u32> {
        let mut call = self.renew.prepare_invoke();
        call.key(self.nodes_key()).key(self.connection_key());
        call.arg(&self.node).arg(connected.number).arg(self.lease_ms);
        for (number, key) in held {
            call.key(*key).arg(self.permit_id(*number));
        }
        call.invoke_async(&mut connected.connection).await
    }

    /// Takes ended permits back.
    pub(super) async fn release(&self, connected: &mut Connected, ended: &[Release]) -> RedisResult<()> {
        let mut call = self.release.prepare_invoke();
        let mut is_empty = true;
        for Release { number, claimed, used } in ended {
            let Claimed { concurrency, tokens } = &**claimed;
            for key in concurrency {
                is_empty = false;
                call.key(key).arg(word(Limit::Concurrency)).arg(self.permit_id(*number));
            }
            for key in tokens.iter().filter(|_| used.0 > 0) {
                is_empty = false;
                call.key(key).arg(word(Limit::TokensPerMinute)).arg(used.0.min(TOKENS_MAX));
            }
        }
        if is_empty {
            return Ok(());
        }
        call.invoke_async::<i64>(&mut connected.connection).await.map(drop)
    }

    /// Says that this node is going.
    pub(super) async fn leave(&self, connected: &mut Connected) -> RedisResult<()> {
        let leave_nodes = redis::cmd("ZREM").arg(self.nodes_key()).arg(&self.node).to_owned();
        leave_nodes.query_async(&mut connected.connection).await
    }
}

/// Numbers in Redis' scripts are floating point; up to here, and many times over, they are exact. More tokens
/// than any request can have used.
const TOKENS_MAX: u64 = 1 << 40;

/// What the scripts call a limit.
fn word(kind: Limit) -> &'static str {
    match kind {
        Limit::Concurrency => "concurrency",
        Limit::RequestsPerMinute => "requests",
        Limit::TokensPerMinute => "tokens",
        Limit::RequestsPerDay => "day",
    }
}
