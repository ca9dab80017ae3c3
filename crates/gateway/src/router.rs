use std::hash::{DefaultHasher, Hash, Hasher};

use inference::{ChatEngine, ChatRequest, ChatStream, EngineError};
use moka::sync::Cache;
use rand::seq::SliceRandom;
use std::sync::Arc;

use crate::{Admission, ModelEntry, RouteTo};

/// How many conversation prefixes are remembered, over all models.
const REMEMBERED_PREFIXES_MAX: u64 = 100_000;
/// How many of a conversation's newest prefixes are looked up.
const PREFIXES_LOOKED_UP_MAX: usize = 64;
/// An engine may be this many requests busier than the idlest and still keep the conversations it knows: beyond
/// that, reading a prompt again is quicker than waiting.
const AFFINITY_LOAD_SLACK: usize = 8;

/// Chooses the engine for a request: healthy first, then the one that holds the longest part of the prompt, then
/// the least loaded. Ties fall at random.
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
        request: &ChatRequest,
    ) -> Result<Running, EngineError> {
        let prefixes = if model.routes.len() > 1 { prefix_hashes(request) } else { Vec::new() };
        let mut failure = EngineError::Unavailable { reason: "no engine is mapped".to_owned() };

        for route in self.in_order(&model.routes, &prefixes, request) {
            match route.engine.chat(request.clone()).await {
                Ok(events) => {
                    self.remember(&prefixes, &route.engine);
                    return Ok(Running { engine: route.engine.clone(), events });
                }
                Err(error) if error.is_worth_retrying_elsewhere() => {
                    tracing::warn!(
                        engine.name = %route.engine.describe().name,
                        error = %error,
                        "engine did not take the request"
                    );
                    failure = error;
                }
                Err(error) => return Err(error),
            }
        }
        Err(failure)
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
        let mut scored: Vec<(Score, &RouteTo)> =
            routes.iter().map(|route| (Score::of(route, known_by.as_deref(), request), route)).collect();
        let idlest = scored.iter().map(|(score, _)| score.in_flight).min().unwrap_or(0);
        for (score, _) in &mut scored {
            score.knows_prompt &= score.in_flight <= idlest + AFFINITY_LOAD_SLACK;
        }
        scored.shuffle(&mut rand::rng());
        scored.sort_by(|(a, _), (b, _)| a.rank().total_cmp(&b.rank()));
        scored.into_iter().map(|(_, route)| route).collect()
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

struct Score {
    unhealthy: bool,
    full: bool,
    knows_prompt: bool,
    in_flight: usize,
    weight: u32,
}

impl Score {
    fn of(route: &RouteTo, known_by: Option<&str>, request: &ChatRequest) -> Self {
        let about = route.engine.describe();
        Self {
            unhealthy: !route.engine.is_healthy(),
            full: about.capacity.is_some_and(|capacity| about.in_flight >= capacity),
            knows_prompt: known_by == Some(about.name.as_str()) || route.engine.cached_prefix(request).0 > 0,
            in_flight: about.in_flight,
            weight: route.weight.max(1),
        }
    }

    /// Lower is better. The steps are further apart than any load.
    fn rank(&self) -> f64 {
        let step = |condition: bool, size: f64| if condition { size } else { 0.0 };
        #[expect(clippy::cast_precision_loss, reason = "loads are small")]
        let load = self.in_flight as f64 / f64::from(self.weight);
        step(self.unhealthy, 1e12) + step(self.full, 1e9) + step(!self.knows_prompt, 1e6) + load.min(1e5)
    }
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

fn hash_message(message: &inference::Message, hasher: &mut DefaultHasher) {
    use inference::Message;
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

fn hash_part(part: &inference::Part, hasher: &mut DefaultHasher) {
    use inference::Part;
    match part {
        Part::Text { text } => text.hash(hasher),
        Part::Image { url } | Part::Video { url } | Part::File { url } => url.hash(hasher),
        Part::Audio { data, .. } => data.hash(hasher),
    }
}
