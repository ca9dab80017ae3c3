use std::cmp::Reverse;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use inference::{ChatEngine, ChatRequest, ChatStream, EngineError, Message, Part};
use moka::sync::Cache;
use rand::RngExt;
use vocab::Tokens;

use crate::{Admission, ModelEntry, RouteTo};

/// How many conversation prefixes are remembered, over all models.
const REMEMBERED_PREFIXES_MAX: u64 = 100_000;
/// How many of a conversation's newest prefixes are looked up.
const PREFIXES_LOOKED_UP_MAX: usize = 64;
/// An engine may be this many requests busier than the idlest and still keep the conversations it knows: beyond
/// that, reading a prompt again is quicker than waiting.
const AFFINITY_LOAD_SLACK: usize = 8;
/// A shorter prefix than this is read again in no time and is no reason to prefer an engine.
const HELD_TOKENS_MIN: Tokens = Tokens(64);

/// Chooses the engine for a request: healthy first, then the one that holds the longest part of the prompt, then
/// the least loaded. Ties fall at random, in proportion to the weights.
pub(crate) struct Router {
    /// Which engine last answered a conversation that began like this.
    last_engine: Cache<u64, Arc<str>>,
}

/// An engine that has begun to answer.
pub(crate) struct Running {
    pub(crate) engine: Arc<dyn ChatEngine>,
    pub(crate) events: ChatStream,
}

impl Router {
    pub(crate) fn new() -> Self {
        Self { last_engine: Cache::new(REMEMBERED_PREFIXES_MAX) }
    }

    /// Runs the request on the best engine. Others are tried only as long as nothing was generated.
    pub(crate) async fn run(
        &self,
        _admission: &Admission,
        model: &ModelEntry,
        request: ChatRequest,
    ) -> Result<Running, EngineError> {
        let prefixes = if model.routes.len() > 1 { prefix_hashes(&request) } else { Vec::new() };
        let order = self.in_order(&model.routes, &prefixes, &request);
        let Some((last, others)) = order.split_last() else { return Err(unmapped()) };

        let mut failure = None;
        for route in others {
            // A prompt may be large; it is copied only as long as somebody else may need it.
            match self.ask(route, request.clone(), &prefixes).await {
                Err(error) if error.is_worth_retrying_elsewhere() => {
                    failure = Some(more_telling(failure, error));
                }
                answer => return answer,
            }
        }
        self.ask(last, request, &prefixes).await.map_err(|error| more_telling(failure, error))
    }

    /// Asks the engines, best first, until one counts the prompt or says what is wrong with it.
    pub(crate) async fn count_tokens(
        &self,
        model: &ModelEntry,
        request: &ChatRequest,
    ) -> Result<Tokens, EngineError> {
        let mut failure = None;
        for route in self.in_order(&model.routes, &[], request) {
            match route.engine.count_tokens(request).await {
                Err(error) if error.is_worth_retrying_elsewhere() => {
                    failure = Some(more_telling(failure, error));
                }
                answer => return answer,
            }
        }
        Err(failure.unwrap_or_else(unmapped))
    }

    async fn ask(
        &self,
        route: &RouteTo,
        request: ChatRequest,
        prefixes: &[u64],
    ) -> Result<Running, EngineError> {
        match route.engine.chat(request).await {
            Ok(events) => {
                self.remember(prefixes, &route.engine);
                Ok(Running { engine: route.engine.clone(), events })
            }
            Err(error) => {
                if error.is_worth_retrying_elsewhere() {
                    tracing::warn!(
                        engine.name = %route.engine.describe().name,
                        error = %error,
                        "engine did not take the request"
                    );
                }
                Err(error)
            }
        }
    }

    fn in_order<'a>(
        &self,
        routes: &'a [RouteTo],
        prefixes: &[u64],
        request: &ChatRequest,
    ) -> Vec<&'a RouteTo> {
        if let [only] = routes {
            return vec![only];
        }
        let known_by =
            prefixes.iter().rev().take(PREFIXES_LOOKED_UP_MAX).find_map(|hash| self.last_engine.get(hash));
        let about: Vec<_> = routes.iter().map(|route| route.engine.describe()).collect();
        let idlest = about.iter().map(|about| about.in_flight).min().unwrap_or(0);

        let mut ranked: Vec<(Rank, &RouteTo)> = (routes.iter().zip(&about))
            .map(|(route, about)| {
                let held = if about.in_flight > idlest + AFFINITY_LOAD_SLACK {
                    Tokens::ZERO
                } else if known_by.as_deref() == Some(about.name.as_str()) {
                    Tokens(u64::MAX)
                } else {
                    Some(route.engine.cached_prefix(request))
                        .filter(|held| *held >= HELD_TOKENS_MIN)
                        .unwrap_or(Tokens::ZERO)
                };
                let rank = Rank {
                    is_unhealthy: !route.engine.is_healthy(),
                    is_full: about.capacity.is_some_and(|capacity| about.in_flight >= capacity),
                    held: Reverse(held),
                    load: load(about.in_flight, route.weight),
                };
                (rank, route)
            })
            .collect();
        shuffle(&mut ranked);
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, route)| route).collect()
    }

    fn remember(&self, prefixes: &[u64], engine: &Arc<dyn ChatEngine>) {
        if prefixes.is_empty() {
            return;
        }
        let name: Arc<str> = engine.describe().name.into();
        for hash in prefixes.iter().rev().take(PREFIXES_LOOKED_UP_MAX) {
            self.last_engine.insert(*hash, name.clone());
        }
    }
}

/// What decides between engines, the weightiest first. Lower is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    is_unhealthy: bool,
    is_full: bool,
    /// How much of the prompt it need not read again.
    held: Reverse<Tokens>,
    load: u64,
}

/// Requests under way for each unit of weight, in thousandths.
fn load(in_flight: usize, weight: u32) -> u64 {
    (in_flight as u64).saturating_mul(1000) / u64::from(weight.max(1))
}

/// Puts the routes into a random order in which each comes first as often as its weight says.
fn shuffle(ranked: &mut [(Rank, &RouteTo)]) {
    let mut generator = rand::rng();
    ranked.sort_by_cached_key(|(_, route)| {
        // The shortest of exponential waits belongs to a route in proportion to its rate. Waits are positive, and
        // positive floats are in the order of their bits.
        let wait = -(1.0 - generator.random::<f64>()).ln() / f64::from(route.weight.max(1));
        wait.to_bits()
    });
}

/// Of several failures, the one that the caller can do something about: an engine that is merely busy is worth
/// waiting for, and the shortest wait is enough.
fn more_telling(earlier: Option<EngineError>, later: EngineError) -> EngineError {
    use EngineError::Busy;
    match (earlier, later) {
        (Some(Busy { retry_after: one }), Busy { retry_after: other }) => {
            Busy { retry_after: one.into_iter().chain(other).min() }
        }
        (Some(busy @ Busy { .. }), later) if later.is_worth_retrying_elsewhere() => busy,
        (_, later) => later,
    }
}

fn unmapped() -> EngineError {
    EngineError::Unavailable { reason: "no engine is mapped".to_owned() }
}

/// A hash for each beginning of the conversation that may come again: after each message. The scope is part of
/// it, so that one account's conversations do not steer another's.
fn prefix_hashes(request: &ChatRequest) -> Vec<u64> {
    let mut hasher = DefaultHasher::new();
    request.cache_scope.hash(&mut hasher);
    request.model.hash(&mut hasher);
    for tool in &request.tools {
        tool.name.hash(&mut hasher);
    }
    request
        .messages
        .iter()
        .map(|message| {
            hash_message(message, &mut hasher);
            hasher.finish()
        })
        .collect()
}

fn hash_message(message: &Message, hasher: &mut DefaultHasher) {
    std::mem::discriminant(message).hash(hasher);
    match message {
        Message::System { content } | Message::User { content } | Message::Tool { content, .. } => {
            for part in content {
                hash_part(part, hasher);
            }
        }
        Message::Assistant { content, tool_calls, .. } => {
            content.hash(hasher);
            for call in tool_calls {
                call.name.hash(hasher);
                call.arguments.hash(hasher);
            }
        }
    }
}

fn hash_part(part: &Part, hasher: &mut DefaultHasher) {
    match part {
        Part::Text { text } => text.hash(hasher),
        Part::Image { url } | Part::Video { url } | Part::File { url } => url.hash(hasher),
        Part::Audio { data, .. } => data.hash(hasher),
    }
}

#[cfg(test)]
mod tests;
