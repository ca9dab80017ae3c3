use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use vocab::{Clock, Secret, Timestamp};

use crate::{Seal, SealError, SealedSecret};

/// Longest key that a client may choose.
const KEY_CHARS_MAX: usize = 255;

/// Longest answer that is kept. None of those that are asked for with a key is longer.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Keys of one client that are remembered at once.
const KEYS_MAX: u32 = 1000;

/// How long an answer can be had again.
const KEPT_FOR: Duration = Duration::from_secs(24 * 3600);

/// After this a request without an answer counts as lost with the process that ran it, and may be tried again.
const RUNS_FOR: Duration = Duration::from_secs(120);

/// How many records one sweep removes.
const SWEEP_MAX: u32 = 10_000;

/// Lets clients ask for something again without it happening twice: the second request gets the first one's answer.
///
/// Everything that is kept is sealed. An answer may hold the secret of a key that was made, and a request a password:
/// its digest would let someone who reads the store try passwords out.
pub struct Idempotency {
    store: Arc<dyn IdempotencyStore>,
    seal: Seal,
    clock: Arc<dyn Clock>,
}

/// What becomes of a request that has a key.
#[derive(Debug)]
pub enum Idempotent {
    /// It is the first: run it, then [`keep`](Idempotency::keep) its answer or [`give_up`](Idempotency::give_up).
    First(Claim),
    /// It ran before, with this answer.
    Again(KeptAnswer),
    /// The key was used for another request.
    Another,
    /// The first one is still running.
    Running,
    /// This client has too many keys that are not a day old.
    Full,
}

/// The right to run a request.
#[derive(Debug)]
pub struct Claim {
    scope: String,
    key: String,
    fingerprint: String,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body; may hold secrets, and is not printed.
    pub body: Secret,
}

/// One key of one client, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// Whose key: the id of a person or of an account.
    pub scope: String,
    /// The key.
    pub key: String,
    /// The request's fingerprint and its answer, if there is one; sealed.
    pub sealed: SealedSecret,
    /// From when on it counts as unused.
    pub expires: Timestamp,
}

/// What became of a record that was to be the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdempotencyBegun {
    /// It is the first, and written.
    Written,
    /// There is one already.
    Known(IdempotencyRecord),
    /// The scope has as many as it may have.
    Full,
}

/// Why nobody knows whether a request was made before.
#[derive(Debug, thiserror::Error)]
pub enum IdempotencyError {
    /// A key that cannot be kept.
    #[error("an `Idempotency-Key` is 1 to 255 visible ASCII characters")]
    InvalidKey,
    /// What is kept cannot be opened.
    #[error("an earlier answer cannot be read")]
    Seal(#[from] SealError),
    /// What is kept is of another program.
    #[error("an earlier answer cannot be understood")]
    Unreadable(#[from] serde_json::Error),
    /// The store failed.
    #[error("idempotency keys are not available")]
    Store(#[from] IdempotencyStoreError),
}

/// Where keys and answers are kept for a day.
#[async_trait]
pub trait IdempotencyStore: Send + Sync + 'static {
    /// Writes `record` unless its scope has that key and it is not over at `now`, or has `keys_max` keys that are not
    /// over. Of several that try at once, one writes.
    async fn idempotency_begin(
        &self,
        record: &IdempotencyRecord,
        now: Timestamp,
        keys_max: u32,
    ) -> Result<IdempotencyBegun, IdempotencyStoreError>;

    /// Writes `record` in the place of the one that its scope has under that key.
    async fn idempotency_finish(&self, record: &IdempotencyRecord) -> Result<(), IdempotencyStoreError>;

    /// Removes a key, so that it counts as unused.
    async fn idempotency_remove(&self, scope: &str, key: &str) -> Result<(), IdempotencyStoreError>;

    /// Removes at most `limit` records that are over at `now`, and says how many.
    async fn idempotency_expire(&self, now: Timestamp, limit: u32) -> Result<u64, IdempotencyStoreError>;
}

/// The store of idempotency keys did not do its work.
#[derive(Debug, thiserror::Error)]
#[error("the store of idempotency keys did not answer")]
pub struct IdempotencyStoreError(#[from] pub Box<dyn std::error::Error + Send + Sync>);

/// What is inside the seal.
#[derive(Serialize, Deserialize)]
struct Kept {
    fingerprint: String,
    answer: Option<(u16, String)>,
}

impl Idempotency {
    /// Keys kept in `store` under `seal`.
    pub fn new(store: Arc<dyn IdempotencyStore>, seal: Seal, clock: Arc<dyn Clock>) -> Self {
        Self { store, seal, clock }
    }

    /// Looks whether `scope` has used `key`. `request` is everything that must be the same the second time.
    pub async fn begin(
        &self,
        scope: &str,
        key: &str,
        request: &[u8],
    ) -> Result<Idempotent, IdempotencyError> {
        let is_key =
            (1..=KEY_CHARS_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_key {
            return Err(IdempotencyError::InvalidKey);
        }
        let fingerprint = blake3::hash(request).to_hex().to_string();
        let claim = Claim { scope: scope.to_owned(), key: key.to_owned(), fingerprint };
        let now = self.clock.now();
        let record = self.record(&claim, None, now.plus(RUNS_FOR))?;
        match self.store.idempotency_begin(&record, now, KEYS_MAX).await? {
            IdempotencyBegun::Written => Ok(Idempotent::First(claim)),
            IdempotencyBegun::Full => Ok(Idempotent::Full),
            IdempotencyBegun::Known(known) => {
                let opened = self.seal.open_for(&purpose(&claim), &known.sealed)?;
                let kept: Kept = serde_json::from_str(opened.expose())?;
                Ok(match kept.answer {
                    _ if kept.fingerprint != claim.fingerprint => Idempotent::Another,
                    Some((status, body)) => Idempotent::Again(KeptAnswer { status, body: Secret::new(body) }),
                    None => Idempotent::Running,
                })
            }
        }
    }

    /// Keeps the answer for a day. One that is too long to keep is not, and its key counts as unused.
    pub async fn keep(&self, claim: Claim, answer: KeptAnswer) -> Result<(), IdempotencyError> {
        if answer.body.expose().len() > ANSWER_BYTES_MAX {
            return self.give_up(claim).await;
        }
        let expires = self.clock.now().plus(KEPT_FOR);
        let record = self.record(&claim, Some((answer.status, answer.body.expose().to_owned())), expires)?;
        Ok(self.store.idempotency_finish(&record).await?)
    }

    /// Forgets a request that did not come to an end, so that it can be tried again.
    pub async fn give_up(&self, claim: Claim) -> Result<(), IdempotencyError> {
        Ok(self.store.idempotency_remove(&claim.scope, &claim.key).await?)
    }

    /// Removes some of what is over. For the schedule.
    pub async fn expire(&self) -> Result<u64, IdempotencyError> {
        Ok(self.store.idempotency_expire(self.clock.now(), SWEEP_MAX).await?)
    }

    fn record(
        &self,
        claim: &Claim,
        answer: Option<(u16, String)>,
        expires: Timestamp,
    ) -> Result<IdempotencyRecord, IdempotencyError> {
        let kept = Kept { fingerprint: claim.fingerprint.clone(), answer };
        let sealed = self.seal.seal_for(&purpose(claim), &Secret::new(serde_json::to_string(&kept)?))?;
        Ok(IdempotencyRecord { scope: claim.scope.clone(), key: claim.key.clone(), sealed, expires })
    }
}

fn purpose(claim: &Claim) -> String {
    format!("idempotency key of {}: {}", claim.scope, claim.key)
}
