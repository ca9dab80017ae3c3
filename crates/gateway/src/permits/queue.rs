use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout_at};
use vocab::Tokens;

use crate::rate_rules::WAIT_MAX;

use super::{CONCURRENCY_RETRY_AFTER, Denied, GiveBack, Limit, Permit, PermitRequest, Permits, Scope};

/// How long and how many may wait for a permit.
#[derive(Clone, Debug)]
pub struct QueueSettings {
    /// The longest wait; then the request is refused as it would have been at once.
    pub wait_max: Duration,
    /// The most requests that wait on this node. Further ones are refused at once.
    pub waiting_max: usize,
    /// The most requests that wait for the same scope, so that one caller does not take every place.
    pub waiting_per_scope_max: usize,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self { wait_max: WAIT_MAX, waiting_max: 10_000, waiting_per_scope_max: 256 }
    }
}

/// Lets requests over the concurrency limit wait for a permit instead of refusing them (rule RATE-03).
///
/// Each scope has a line, first come, first served; on several nodes each node has its own. Whoever stops
/// waiting leaves the line. Rates do not queue: what comes too often is refused at once.
pub struct Queued<P> {
    permits: P,
    settings: QueueSettings,
    lines: Arc<Lines>,
}

/// Whoever is first in line tries again when a permit is given back here, and now and then, as another node
/// may have given one back. The pause between tries doubles from the one to the other.
const RETRY_PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(100));

impl<P: Permits> Queued<P> {
    /// Puts a queue before `permits`.
    pub fn new(permits: P, settings: QueueSettings) -> Self {
        Self { permits, settings, lines: Arc::default() }
    }

    /// How many requests are waiting.
    pub fn waiting(&self) -> usize {
        self.lines.waiting.load(Ordering::SeqCst)
    }

    async fn wait_in_line(&self, request: &PermitRequest, mut refused: Denied) -> Result<Permit, Denied> {
        let deadline = Instant::now() + self.settings.wait_max;
        loop {
            let Some(place) = self.lines.join(&refused.scope, &self.settings) else { return Err(refused) };
            match timeout_at(deadline, self.try_when_first(&place, request)).await {
                Err(_) => return Err(refused),
                Ok(Ok(permit)) => return Ok(permit),
                // There is room here now, but not in another scope: the next in this line need not wait for
                // that.
                Ok(Err(denied)) if denied.limit == Limit::Concurrency => refused = denied,
                Ok(Err(denied)) => return Err(denied),
            }
        }
    }

    /// Ends with a permit, or with a refusal that waiting in this line does not help against.
    async fn try_when_first(&self, place: &Place, request: &PermitRequest) -> Result<Permit, Denied> {
        let (pause_min, pause_max) = RETRY_PAUSE;
        let mut pause = pause_min;
        loop {
            if !place.is_first() {
                place.turn.notified().await;
                continue;
            }
            match self.permits.acquire(request).await {
                Err(denied) if denied.limit == Limit::Concurrency && denied.scope == place.scope => {}
                answer => return answer,
            }
            tokio::select! {
                () = place.turn.notified() => pause = pause_min,
                () = sleep(pause) => pause = pause_max.min(pause * 2),
            }
        }
    }
}

#[async_trait]
impl<P: Permits> Permits for Queued<P> {
    async fn acquire(&self, request: &PermitRequest) -> Result<Permit, Denied> {
        let queues = request.limited().iter().any(|(_, limits)| limits.concurrency.is_some());
        if !queues {
            return self.permits.acquire(request).await;
        }
        let refused = match self.lines.line_of(request) {
            // Others came first.
            Some(scope) => Denied { limit: Limit::Concurrency, scope, retry_after: CONCURRENCY_RETRY_AFTER },
            None => match self.permits.acquire(request).await {
                Err(denied) if denied.limit == Limit::Concurrency => denied,
                answer => return Ok(self.lines.watch(answer?, request)),
            },
        };
        let permit = self.wait_in_line(request, refused).await?;
        Ok(self.lines.watch(permit, request))
    }
}

/// Those who wait, by the scope they wait for.
#[derive(Default)]
struct Lines {
    by_scope: Mutex<HashMap<Scope, VecDeque<Waiter>>>,
    /// All of them, so that nobody takes the lock while nobody waits.
    waiting: AtomicUsize,
    next_number: AtomicU64,
}

struct Waiter {
    number: u64,
    turn: Arc<Notify>,
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, HashMap<Scope, VecDeque<Waiter>>> {
        self.by_scope.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A scope of the request that somebody waits for already.
    fn line_of(&self, request: &PermitRequest) -> Option<Scope> {
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return None;
        }
        let lines = self.lock();
        let mut limited = request.limited().iter().filter(|(_, limits)| limits.concurrency.is_some());
        limited.find(|(scope, _)| lines.contains_key(scope)).map(|(scope, _)| scope.clone())
    }

    /// A place at the end of the line, unless the line is full.
    fn join(self: &Arc<Self>, scope: &Scope, settings: &QueueSettings) -> Option<Place> {
        let mut lines = self.lock();
        let in_line = lines.get(scope).map_or(0, VecDeque::len);
        let has_room = self.waiting.load(Ordering::SeqCst) < settings.waiting_max
            && in_line < settings.waiting_per_scope_max;
        if !has_room {
            return None;
        }
        // Before the first try: a permit that is given back after a failed try must find somebody waiting.
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let turn = Arc::new(Notify::new());
        lines.entry(scope.clone()).or_default().push_back(Waiter { number, turn: turn.clone() });
        Some(Place { lines: self.clone(), scope: scope.clone(), number, turn })
    }

    fn watch(self: &Arc<Self>, permit: Permit, request: &PermitRequest) -> Permit {
        let scopes = (request.limited().iter())
            .filter(|(_, limits)| limits.concurrency.is_some())
            .map(|(scope, _)| scope.clone())
            .collect();
        Permit::holding(Box::new(Watched { permit, lines: self.clone(), scopes }))
    }
}

/// A place in a line, left when dropped.
struct Place {
    lines: Arc<Lines>,
    scope: Scope,
    number: u64,
    turn: Arc<Notify>,
}

impl Place {
    fn is_first(&self) -> bool {
        let lines = self.lines.lock();
        let first = lines.get(&self.scope).and_then(VecDeque::front);
        first.is_some_and(|waiter| waiter.number == self.number)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = self.lines.lock();
        let Some(line) = lines.get_mut(&self.scope) else { return };
        line.retain(|waiter| waiter.number != self.number);
        self.lines.waiting.fetch_sub(1, Ordering::SeqCst);
        match line.front() {
            Some(first) => first.turn.notify_one(),
            None => {
                lines.remove(&self.scope);
            }
        }
    }
}

/// A permit whose end tells those who wait.
struct Watched {
    permit: Permit,
    lines: Arc<Lines>,
    scopes: Box<[Scope]>,
}

impl GiveBack for Watched {
    fn give_back(self: Box<Self>, used: Tokens) {
        let Self { mut permit, lines, scopes } = *self;
        permit.used(used);
        drop(permit);
        if lines.waiting.load(Ordering::SeqCst) == 0 {
            return;
        }
        let lines = lines.lock();
        for first in scopes.iter().filter_map(|scope| lines.get(scope)?.front()) {
            first.turn.notify_one();
        }
    }
}

#[cfg(test)]
mod tests;
