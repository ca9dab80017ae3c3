use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use moka::future::Cache;
use vocab::Secret;

use crate::{AccountStore, ApiKey, AuthError, Caller, PublicId, Seal};

/// A request never trusts what was read from the store longer ago than this. It is how long a
/// revocation by another process may take to be noticed here (rule AUTH-08).
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// How long an answer stays in the cache: a little less, because the read before it took time too.
const CACHED_FOR: Duration = Duration::from_millis(900);

/// How many answers are remembered, known keys and unknown ids together. When strangers try ids
/// without end, the cache keeps those that are asked for often.
const ANSWERS_MAX: u64 = 65_536;

/// What the store lately said about public ids, one read at a time for each.
///
/// Measured on the machine's monotonic clock: how old an answer is must not depend on a clock that
/// people, or tests, can turn.
pub(crate) struct KeyCache {
    store: Arc<dyn AccountStore>,
    seal: Arc<Seal>,
    answers: Cache<PublicId, Answer>,
}

#[derive(Clone)]
struct Answer {
    read_began: Instant,
    key: Option<Arc<OpenedKey>>,
}

/// A key with its secret unsealed, for as long as it is trusted.
pub(crate) struct OpenedKey {
    pub(crate) key: ApiKey,
    pub(crate) secret: Secret,
    pub(crate) caller: Caller,
    used: AtomicBool,
}

impl OpenedKey {
    /// Whether this is the first use since the key was read.
    pub(crate) fn is_first_use(&self) -> bool {
        // Most uses are not the first: a plain load keeps the line shared between cores.
        !self.used.load(Ordering::Relaxed) && !self.used.swap(true, Ordering::Relaxed)
    }
}

impl KeyCache {
    pub(crate) fn new(store: Arc<dyn AccountStore>, seal: Arc<Seal>) -> Self {
        let answers = Cache::builder().max_capacity(ANSWERS_MAX).time_to_live(CACHED_FOR).build();
        Self { store, seal, answers }
    }

    /// The key that `id` names, as the store knew it no longer ago than [`TRUSTED_FOR`].
    pub(crate) async fn find(&self, id: PublicId) -> Result<Option<Arc<OpenedKey>>, AuthError> {
        let arrived = Instant::now();
        let answer =
            self.answers.try_get_with(id, self.read(id)).await.map_err(|error| AuthError::clone(&error))?;

        // A read may itself have been slow, and this request may have joined it late.
        let is_trusted = arrived.saturating_duration_since(answer.read_began) <= TRUSTED_FOR;
        if is_trusted { Ok(answer.key) } else { Ok(self.read(id).await?.key) }
    }

    /// Makes the next request read `id` anew.
    pub(crate) async fn forget(&self, id: PublicId) {
        self.answers.invalidate(&id).await;
    }

    async fn read(&self, id: PublicId) -> Result<Answer, AuthError> {
        let read_began = Instant::now();
        let known = self.store.key_find_by_public_id(id).await.map_err(AuthError::unavailable)?;
        let Some(known) = known else { return Ok(Answer { read_began, key: None }) };

        let secret = self.seal.open(id, &known.key.sealed_secret).map_err(AuthError::unavailable)?;
        let caller = Caller {
            account: known.account.id,
            key: known.key.id,
            project: known.key.project,
            scope: known.key.scope.clone(),
            monthly_spend_max: known.key.monthly_spend_max,
            is_operator: known.account.is_operator,
        };
        let opened = OpenedKey { key: known.key, secret, caller, used: AtomicBool::new(false) };
        Ok(Answer { read_began, key: Some(Arc::new(opened)) })
    }
}
