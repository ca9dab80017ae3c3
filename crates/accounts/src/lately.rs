use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use moka::future::Cache;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

/// What is asked for was read from the store no longer ago than this. It is how long what another process changed may take
/// to be noticed here (rule AUTH-08).
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// How long an answer is handed out without asking: a little less, because the read before it took time too.
const FRESH_FOR: Duration = Duration::from_millis(900);

/// How long an answer still counts when the store does not answer. Nobody can change anything while the store is down, so
/// old answers are true; where only this process is cut off from it, they are wrong for so long at most.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// How long a request waits for the store if it has an old answer, and if it has none. A store that stays silent for longer
/// counts as down: several of these waits, and one for money, must together stay below what callers bear.
const WAIT_WITH_OLD: Duration = Duration::from_millis(750);
const WAIT_WITHOUT: Duration = Duration::from_secs(2);

/// While the store does not answer, one request tries it this often; the others do not wait for it.
const TRY_EVERY: Duration = Duration::from_millis(500);

/// How many answers are remembered. When strangers try ids without end, those that are asked for often stay.
const ANSWERS_MAX: u64 = 65_536;

/// What a store lately said, one read at a time for each key.
///
/// Measured on the machine's monotonic clock: how old an answer is must not depend on a clock that people, or tests, can
/// turn.
pub(crate) struct Lately<K, V, E> {
    fresh: Cache<K, Answer<V>>,
    kept: Cache<K, V>,
    outage: Mutex<Option<Outage<E>>>,
}

#[derive(Clone)]
struct Answer<V> {
    read_began: Instant,
    value: V,
}

struct Outage<E> {
    tried: Instant,
    error: Arc<E>,
}

impl<K, V, E> Lately<K, V, E>
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    E: From<Elapsed> + Send + Sync + 'static,
{
    pub(crate) fn new() -> Self {
        Self {
            fresh: Cache::builder().max_capacity(ANSWERS_MAX).time_to_live(FRESH_FOR).build(),
            kept: Cache::builder().max_capacity(ANSWERS_MAX).time_to_live(KEPT_FOR).build(),
            outage: Mutex::default(),
        }
    }

    /// What `read` says of `key`, or said less than a second ago. While it fails, what it said less than a minute ago.
    pub(crate) async fn find<F>(&self, key: K, read: impl Fn() -> F + Sync) -> Result<V, Arc<E>>
    where
        F: Future<Output = Result<V, E>> + Send,
    {
        let arrived = Instant::now();
        if let Some(answer) = self.fresh.get(&key).await {
            return Ok(answer.value);
        }
        if let Some(error) = self.known_outage(arrived) {
            return self.kept.get(&key).await.ok_or(error);
        }
        let patience = if self.kept.contains_key(&key) { WAIT_WITH_OLD } else { WAIT_WITHOUT };
        let result = timeout(patience, self.read_anew(key, arrived, read)).await;
        match result.unwrap_or_else(|elapsed| Err(Arc::new(elapsed.into()))) {
            Ok(answer) => {
                *self.outage() = None;
                Ok(answer.value)
            }
            Err(error) => {
                *self.outage() = Some(Outage { tried: Instant::now(), error: error.clone() });
                self.kept.get(&key).await.ok_or(error)
            }
        }
    }

    /// Makes the next request read `key` anew.
    pub(crate) async fn forget(&self, key: K) {
        self.fresh.invalidate(&key).await;
        self.kept.invalidate(&key).await;
    }

    async fn read_anew<F>(
        &self,
        key: K,
        arrived: Instant,
        read: impl Fn() -> F + Sync,
    ) -> Result<Answer<V>, Arc<E>>
    where
        F: Future<Output = Result<V, E>> + Send,
    {
        match self.fresh.try_get_with(key, self.read(key, read())).await {
            // A read may itself have been slow, and this request may have joined it late.
            Ok(answer) if arrived.saturating_duration_since(answer.read_began) > TRUSTED_FOR => {
                self.read(key, read()).await.map_err(Arc::new)
            }
            result => result,
        }
    }

    async fn read(&self, key: K, read: impl Future<Output = Result<V, E>> + Send) -> Result<Answer<V>, E> {
        let read_began = Instant::now();
        let value = read.await?;
        self.kept.insert(key, value.clone()).await;
        Ok(Answer { read_began, value })
    }

    /// The store's last error, unless it is this request's turn to try it again.
    fn known_outage(&self, now: Instant) -> Option<Arc<E>> {
        let mut outage = self.outage();
        let known = outage.as_mut()?;
        if now.saturating_duration_since(known.tried) < TRY_EVERY {
            return Some(known.error.clone());
        }
        known.tried = now;
        None
    }

    fn outage(&self) -> std::sync::MutexGuard<'_, Option<Outage<E>>> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;

    #[derive(Default)]
    struct Source {
        is_down: AtomicBool,
        is_silent: AtomicBool,
        reads: AtomicU32,
    }

    #[derive(Debug, PartialEq)]
    enum Failed {
        Down,
        Silent,
    }

    impl From<Elapsed> for Failed {
        fn from(_: Elapsed) -> Self {
            Self::Silent
        }
    }

    impl Source {
        async fn read(&self) -> Result<u32, Failed> {
            let reads = self.reads.fetch_add(1, Ordering::SeqCst) + 1;
            if self.is_silent.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            if self.is_down.load(Ordering::SeqCst) { Err(Failed::Down) } else { Ok(reads) }
        }
    }

    /// A store that is down costs a request that has an old answer nothing, and one that has none an error at once.
    #[tokio::test]
    async fn old_answers_count_while_the_store_is_down() {
        let (lately, source) = (Lately::new(), Source::default());
        let find = async |key: u8| lately.find(key, || source.read()).await;

        assert_eq!(find(1).await, Ok(1));
        assert_eq!(find(1).await, Ok(1), "remembered");
        source.is_down.store(true, Ordering::SeqCst);
        lately.fresh.invalidate(&1).await;
        assert_eq!(find(1).await, Ok(1), "the store fails, and the old answer counts");
        let reads = source.reads.load(Ordering::SeqCst);
        assert_eq!(find(1).await, Ok(1));
        assert_eq!(*find(2).await.unwrap_err(), Failed::Down);
        assert_eq!(source.reads.load(Ordering::SeqCst), reads, "nobody waited for the store");

        source.is_down.store(false, Ordering::SeqCst);
        tokio::time::sleep(TRY_EVERY).await;
        assert!(find(2).await.is_ok(), "it is back");
        lately.forget(1).await;
        assert!(find(1).await.unwrap() > 1, "what is forgotten is read anew");
    }

    /// A store that says nothing keeps a request for a moment, and those after it not at all.
    #[tokio::test(start_paused = true)]
    async fn a_silent_store_keeps_nobody_for_long() {
        let (lately, source) = (Lately::new(), Source::default());
        let find = async |key: u8| lately.find(key, || source.read()).await;

        assert_eq!(find(1).await, Ok(1));
        source.is_silent.store(true, Ordering::SeqCst);
        lately.fresh.invalidate(&1).await;
        let asked = tokio::time::Instant::now();
        let (one, other) = tokio::join!(find(1), find(1));
        assert_eq!((one, other), (Ok(1), Ok(1)));
        assert!(asked.elapsed() < WAIT_WITHOUT);
        assert_eq!(*find(2).await.unwrap_err(), Failed::Silent);
        assert!(asked.elapsed() < WAIT_WITHOUT, "it is known to be silent");
    }
}
