use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use gateway::{Denied, Limit, MemoryPermits, Permit, PermitRequest, Permits, Scope};
use redis::Client;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use vocab::{Clock, NodeId};

use super::claim::{Claim, Claimed, Held, Release};
use super::keeper::Keeper;
use super::link::{Link, Lost, within};
use super::scripts::{Answer, Counter, Scripts};
use super::{RedisSettings, RedisSettingsError};

/// Permits that all nodes share.
///
/// A permit is one step in Redis over all its scopes. What is held is a lease that this node renews while it
/// lives, so a node that is gone takes no place for longer than `lease`.
///
/// When Redis does not answer, this node at once gives out its share of every limit by itself, counting what
/// it has given before, until Redis is back and has been told what is held. What this is worth:
/// - While Redis is lost, all nodes together stay within each limit, or at one permit each if that is more.
/// - Requests that began meanwhile are missing from the rates, so the minute and the day of a loss may let
///   through one more limit's worth.
/// - If Redis comes back empty, permits that a node holds are missing until it notices, a third of the lease
///   later at most, and rates start anew.
#[derive(Clone)]
pub struct RedisPermits {
    shared: Arc<Shared>,
    alone: MemoryPermits,
    releases: mpsc::Sender<Release>,
    command_for_max: Duration,
}

/// What requests and the keeper both use.
pub(super) struct Shared {
    pub(super) link: Link,
    pub(super) scripts: Scripts,
    pub(super) held: Arc<Held>,
    /// How many nodes there were when Redis was last asked.
    pub(super) nodes: AtomicU32,
    nodes_min: NonZeroU32,
    next_number: AtomicU64,
}

impl RedisPermits {
    /// Starts to keep permits for `node`. Does not wait for Redis: until it is there, this node counts for
    /// itself.
    ///
    /// The keeper ends, with everything reported, when the last clone and the last permit are dropped.
    pub fn start(
        settings: &RedisSettings,
        node: NodeId,
        clock: Arc<dyn Clock>,
        tracker: &TaskTracker,
    ) -> Result<Self, RedisSettingsError> {
        let prefix = &settings.prefix;
        if prefix.is_empty() || prefix.contains(['{', '}']) {
            return Err(RedisSettingsError::Prefix(prefix.clone()));
        }
        let client = Client::open(settings.url.expose()).map_err(RedisSettingsError::Url)?;
        let utc_offset_minutes = settings.alone.utc_offset_minutes;
        let shared = Arc::new(Shared {
            link: Link::new(),
            scripts: Scripts::new(prefix, &node.to_string(), settings.lease, utc_offset_minutes),
            held: Arc::default(),
            nodes: AtomicU32::new(0),
            nodes_min: settings.nodes_min,
            next_number: AtomicU64::new(0),
        });
        let (releases, ended) = mpsc::channel(settings.releases_max);
        tracker.spawn(Keeper::new(client, shared.clone(), ended, settings).run());
        let alone = MemoryPermits::new(clock, &settings.alone);
        Ok(Self { shared, alone, releases, command_for_max: settings.command_for_max })
    }

    /// Whether Redis answers, as far as is known.
    pub fn is_connected(&self) -> bool {
        self.shared.link.connected().is_some()
    }

    /// Waits until Redis answers, but no longer than `limit`; says whether it does. At the start this keeps a
    /// node from counting for itself before it knows how many others there are.
    pub async fn connected_within(&self, limit: Duration) -> bool {
        tokio::time::timeout(limit, self.shared.link.found()).await.is_ok()
    }

    /// How many nodes share the limits, this one included.
    pub fn nodes(&self) -> NonZeroU32 {
        let known = NonZeroU32::new(self.shared.nodes.load(Ordering::Relaxed));
        known.map_or(self.shared.nodes_min, |known| known.max(self.shared.nodes_min))
    }

    fn counters(&self, request: &PermitRequest) -> (Vec<Counter>, Vec<Scope>) {
        let (mut counters, mut scopes) = (Vec::new(), Vec::new());
        for (scope, limits) in request.limited() {
            let each = [
                (Limit::Concurrency, limits.concurrency.map(u64::from)),
                (Limit::RequestsPerMinute, limits.requests_per_minute.map(u64::from)),
                (Limit::TokensPerMinute, limits.tokens_per_minute),
                (Limit::RequestsPerDay, limits.requests_per_day.map(u64::from)),
            ];
            for (kind, limit) in each {
                let Some(limit) = limit else { continue };
                counters.push(Counter { kind, limit, key: self.shared.scripts.key(kind, scope.as_str()) });
                scopes.push(scope.clone());
            }
        }
        (counters, scopes)
    }
}

#[async_trait]
impl Permits for RedisPermits {
    async fn acquire(&self, request: &PermitRequest) -> Result<Permit, Denied> {
        if request.is_unlimited() {
            return Ok(Permit::unlimited());
        }
        let shared = &*self.shared;
        let (counters, scopes) = self.counters(request);
        let number = shared.next_number.fetch_add(1, Ordering::Relaxed);
        let mut claim =
            Claim::new(number, Claimed::of(&counters), shared.held.clone(), self.releases.clone());

        if let Some(mut connected) = shared.link.connected() {
            claim.may_be_known();
            let answer = shared.scripts.acquire(&mut connected, number, &counters);
            match within(self.command_for_max, answer).await {
                Ok(Answer::Taken) => return Ok(claim.granted(self.alone.take(request))),
                Ok(Answer::Refused(refused, retry_after)) => {
                    claim.is_unknown();
                    let limit = counters.get(refused).map_or(Limit::Concurrency, |counter| counter.kind);
                    let scope = scopes.into_iter().nth(refused).unwrap_or_else(|| Scope::new(""));
                    return Err(Denied { limit, scope, retry_after });
                }
                Ok(Answer::Forgotten) => {
                    shared.link.lose(&connected, &Lost::Forgotten);
                    claim.is_unknown();
                }
                Err(why) => shared.link.lose(&connected, &why),
            }
        }

        let local = self.alone.try_acquire(&request.share_of(self.nodes()))?;
        Ok(claim.granted(local))
    }
}
