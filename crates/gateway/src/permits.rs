//! How much may run at once and how often: concurrency permits and rate limits.
//!
//! [`Permits`] is the port. [`MemoryPermits`] keeps the counts of one node; an adapter keeps those of
//! several, with the same meaning. [`Queued`] lets callers wait for a permit instead of being refused.

mod counts;
mod memory;
mod minute;
mod queue;

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use vocab::Tokens;

pub use memory::{MemoryPermits, MemoryPermitsSettings};
pub use queue::{QueueSettings, Queued};

/// Gives out permits, never more than the limits allow.
#[async_trait]
pub trait Permits: Send + Sync + 'static {
    /// Takes a permit from every scope of the request, or from none of them: a refusal counts nowhere.
    ///
    /// Returns within a bounded time, also when whatever keeps the counts is lost; then limits become stricter,
    /// never looser.
    async fn acquire(&self, request: &PermitRequest) -> Result<Permit, Denied>;
}

#[async_trait]
impl<P: Permits + ?Sized> Permits for Arc<P> {
    async fn acquire(&self, request: &PermitRequest) -> Result<Permit, Denied> {
        (**self).acquire(request).await
    }
}

/// Leave to run one request for as long as this lives.
///
/// Dropping it gives back what it holds, once and without waiting: at the last byte of the answer, or when the
/// caller hangs up.
#[must_use = "a permit is given back when it is dropped"]
pub struct Permit {
    held: Option<Box<dyn GiveBack>>,
    used: Tokens,
}

/// What a [`Permit`] holds, for those who make permits.
pub trait GiveBack: Send + Sync {
    /// Gives everything back and counts the tokens that were used. Must not wait.
    fn give_back(self: Box<Self>, used: Tokens);
}

impl Permit {
    /// A permit that holds nothing, so that there is nothing to give back.
    pub const fn unlimited() -> Self {
        Self { held: None, used: Tokens::ZERO }
    }

    /// A permit that gives `held` back in the end.
    pub fn holding(held: Box<dyn GiveBack>) -> Self {
        Self { held: Some(held), used: Tokens::ZERO }
    }

    /// Adds tokens that the request used. They count against tokens per minute from the moment the permit is
    /// given back.
    pub fn used(&mut self, tokens: Tokens) {
        self.used += tokens;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            held.give_back(self.used);
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("used", &self.used).finish_non_exhaustive()
    }
}

/// The limits that a request must fit into, each in its scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PermitRequest {
    limited: Vec<(Scope, Limits)>,
}

impl PermitRequest {
    /// A request that nothing limits yet. Costs nothing.
    pub const fn new() -> Self {
        Self { limited: Vec::new() }
    }

    /// Adds what limits the request within `scope`. If the scope is there already, the tighter of each limit
    /// holds.
    #[must_use]
    pub fn within(mut self, scope: Scope, limits: Limits) -> Self {
        if limits.is_none() {
            return self;
        }
        match self.limited.iter_mut().find(|(known, _)| *known == scope) {
            Some((_, known)) => *known = known.tighter(limits),
            None => self.limited.push((scope, limits)),
        }
        self
    }

    /// Every scope that has a limit, once.
    pub fn limited(&self) -> &[(Scope, Limits)] {
        &self.limited
    }

    /// Whether nothing limits this request; then nobody need be asked for a permit.
    pub fn is_unlimited(&self) -> bool {
        self.limited.is_empty()
    }

    /// The same request, with the share of each limit that one of `nodes` nodes may give out by itself.
    #[must_use]
    pub fn share_of(&self, nodes: NonZeroU32) -> Self {
        let limited =
            self.limited.iter().map(|(scope, limits)| (scope.clone(), limits.share_of(nodes))).collect();
        Self { limited }
    }
}

/// What is counted together: `acct_…`, `acct_…/glm-5.1`, `key_…`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(Arc<str>);

/// Part of a scope may be a caller's own text.
const SCOPE_BYTES_MAX: usize = 512;

impl Scope {
    /// The scope of that name. Scopes that agree in their first 512 bytes are one.
    pub fn new(text: &str) -> Self {
        Self(text[..text.floor_char_boundary(SCOPE_BYTES_MAX)].into())
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// How much may happen within one scope. `None` is no limit; zero lets nothing through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Requests that run at the same time.
    pub concurrency: Option<u32>,
    /// Requests that begin within any sixty seconds.
    pub requests_per_minute: Option<u32>,
    /// Tokens of requests that ended within the last sixty seconds: when they have reached this, no further
    /// request begins.
    pub tokens_per_minute: Option<u64>,
    /// Requests that begin on one calendar day.
    pub requests_per_day: Option<u32>,
}

impl Limits {
    /// Whether there is no limit at all.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    fn tighter(self, other: Self) -> Self {
        fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
            one.into_iter().chain(other).min()
        }
        Self {
            concurrency: least(self.concurrency, other.concurrency),
            requests_per_minute: least(self.requests_per_minute, other.requests_per_minute),
            tokens_per_minute: least(self.tokens_per_minute, other.tokens_per_minute),
            requests_per_day: least(self.requests_per_day, other.requests_per_day),
        }
    }

    /// Rounded down, so that all nodes together stay within the limit, but at least one: a node that may do
    /// nothing would turn callers away who are far from their limit.
    fn share_of(self, nodes: NonZeroU32) -> Self {
        let share = |limit: u32| (limit / nodes).max(limit.min(1));
        let share_of_tokens = |limit: u64| (limit / u64::from(nodes.get())).max(limit.min(1));
        Self {
            concurrency: self.concurrency.map(share),
            requests_per_minute: self.requests_per_minute.map(share),
            tokens_per_minute: self.tokens_per_minute.map(share_of_tokens),
            requests_per_day: self.requests_per_day.map(share),
        }
    }
}

/// A kind of limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Too many at once.
    Concurrency,
    /// Too many within a minute.
    RequestsPerMinute,
    /// Too many on one day.
    RequestsPerDay,
    /// Too many tokens within a minute.
    TokensPerMinute,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Concurrency => "concurrency",
            Self::RequestsPerMinute => "requests per minute",
            Self::RequestsPerDay => "requests per day",
            Self::TokensPerMinute => "tokens per minute",
        })
    }
}

/// A permit that was not given. Of several limits that refuse, this is the one that takes longest to come back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the limit of {limit} of `{scope}` is reached")]
pub struct Denied {
    /// What was reached.
    pub limit: Limit,
    /// Where.
    pub scope: Scope,
    /// When it is worth another try. For concurrency this is a guess.
    pub retry_after: Duration,
}

/// How long to wait for one of the requests under way to end, which nobody knows.
pub const CONCURRENCY_RETRY_AFTER: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn concurrency(limit: u32) -> Limits {
        Limits { concurrency: Some(limit), ..Limits::default() }
    }

    #[test]
    fn a_node_alone_gives_out_its_share_and_at_least_one() {
        let share =
            |limit, nodes: u32| concurrency(limit).share_of(nodes.try_into().unwrap()).concurrency.unwrap();
        assert_eq!([share(10, 1), share(10, 3), share(2, 3), share(0, 3)], [10, 3, 1, 0]);
    }

    #[test]
    fn a_scope_named_twice_is_limited_once_by_the_tighter_limit() {
        let scope = Scope::new("acct_1");
        let rate = Limits { requests_per_minute: Some(7), ..concurrency(9) };
        let request = PermitRequest::new()
            .within(scope.clone(), concurrency(3))
            .within(scope.clone(), Limits::default())
            .within(scope.clone(), rate);
        let both = Limits { concurrency: Some(3), requests_per_minute: Some(7), ..Limits::default() };
        assert_eq!(request.limited(), [(scope, both)]);
    }

    #[test]
    fn a_scope_made_of_a_callers_text_is_bounded() {
        let long = Scope::new(&"用户".repeat(1_000));
        assert!(long.as_str().len() <= SCOPE_BYTES_MAX && long.as_str().ends_with('户'));
    }
}
