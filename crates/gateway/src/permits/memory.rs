use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use indexmap::IndexMap;
use vocab::{Clock, Timestamp, Tokens};

use super::counts::{Calendar, Counts};
use super::{Denied, GiveBack, Limits, Permit, PermitRequest, Permits, Scope};

/// Limits of what is remembered.
#[derive(Clone, Debug)]
pub struct MemoryPermitsSettings {
    /// The most scopes with counts. Scopes with nothing to count are forgotten anyway; beyond this, rates of
    /// scopes in which nothing runs are forgotten too early. Requests that run are never forgotten.
    pub scopes_max: usize,
    /// How many minutes the day of the daily limits is ahead of UTC.
    pub utc_offset_minutes: i32,
}

impl Default for MemoryPermitsSettings {
    fn default() -> Self {
        Self { scopes_max: 100_000, utc_offset_minutes: 8 * 60 }
    }
}

/// The permits of one node. Cheap to clone; clones share the counts.
///
/// A permit costs less than a microsecond for each scope, however many scopes there are, and nothing waits
/// but for another thread to finish the same.
#[derive(Clone)]
pub struct MemoryPermits(Arc<Table>);

/// Scopes are spread over shards, so that callers rarely meet at a lock.
struct Table {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    clock: Arc<dyn Clock>,
    calendar: Calendar,
    shard_scopes_max: usize,
}

const SHARDS: usize = 64;

/// How many known scopes a new one looks at to find some that can be forgotten: as more than one are looked
/// at, the table shrinks faster than it grows, and no request pays for a sweep.
const LOOKED_AT: usize = 2;
/// The same when there is no room.
const LOOKED_AT_WHEN_FULL: usize = 8;

#[derive(Default)]
struct Shard {
    scopes: IndexMap<Scope, Counts>,
    /// The next scope to look at.
    hand: usize,
}

impl MemoryPermits {
    /// Nothing is running yet.
    pub fn new(clock: Arc<dyn Clock>, settings: &MemoryPermitsSettings) -> Self {
        Self(Arc::new(Table {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
            clock,
            calendar: Calendar { utc_offset_minutes: settings.utc_offset_minutes },
            shard_scopes_max: settings.scopes_max.div_ceil(SHARDS),
        }))
    }

    /// Takes a permit at once, or says why not.
    pub fn try_acquire(&self, request: &PermitRequest) -> Result<Permit, Denied> {
        self.acquire_if(request, |denied| denied.map_or(Ok(()), Err))
    }

    /// Takes a permit whether the limits allow it or not: somebody else has given it.
    pub fn take(&self, request: &PermitRequest) -> Permit {
        self.acquire_if(request, |_| Ok(())).unwrap_or(Permit::unlimited())
    }

    /// How many scopes have counts.
    pub fn scopes(&self) -> usize {
        self.0.shards.iter().map(|shard| lock(shard).scopes.len()).sum()
    }

    fn acquire_if(
        &self,
        request: &PermitRequest,
        decide: impl FnOnce(Option<Denied>) -> Result<(), Denied>,
    ) -> Result<Permit, Denied> {
        let limited = request.limited();
        if limited.is_empty() {
            return Ok(Permit::unlimited());
        }
        let table = &*self.0;
        let now = table.clock.now();
        let mut shards = table.lock(limited);

        let mut refused: Option<Denied> = None;
        for (scope, limits) in limited {
            let shard = shards.of(scope);
            let refusal = match shard.scopes.get_mut(scope) {
                Some(counts) => counts.refusal(limits, now, table.calendar),
                None => Counts::default().refusal(limits, now, table.calendar),
            };
            if let Some((limit, wait)) = refusal
                && refused.as_ref().is_none_or(|known| known.retry_after < wait)
            {
                refused = Some(Denied { limit, scope: scope.clone(), retry_after: wait });
            }
        }
        decide(refused)?;

        for (scope, limits) in limited {
            let shard = shards.of(scope);
            shard.counts(scope, now, table).take(limits, now, table.calendar);
        }
        drop(shards);

        let taken: Box<[Taken]> = limited.iter().filter_map(Taken::of).collect();
        if taken.is_empty() {
            return Ok(Permit::unlimited());
        }
        Ok(Permit::holding(Box::new(InMemory { table: self.0.clone(), taken })))
    }
}

#[async_trait]
impl Permits for MemoryPermits {
    async fn acquire(&self, request: &PermitRequest) -> Result<Permit, Denied> {
        self.try_acquire(request)
    }
}

/// What one permit holds.
struct InMemory {
    table: Arc<Table>,
    taken: Box<[Taken]>,
}

/// A scope in which the end of a request matters. The limits may be others by then.
struct Taken {
    scope: Scope,
    concurrency: bool,
    tokens: bool,
}

impl Taken {
    fn of((scope, limits): &(Scope, Limits)) -> Option<Self> {
        let (concurrency, tokens) = (limits.concurrency.is_some(), limits.tokens_per_minute.is_some());
        (concurrency || tokens).then(|| Self { scope: scope.clone(), concurrency, tokens })
    }
}

impl GiveBack for InMemory {
    fn give_back(self: Box<Self>, used: Tokens) {
        let table = &*self.table;
        let now = table.clock.now();
        for taken in &self.taken {
            let used = Some(used).filter(|used| taken.tokens && *used > Tokens::ZERO);
            if !taken.concurrency && used.is_none() {
                continue;
            }
            let mut shard = lock(&table.shards[table.shard_of(&taken.scope)]);
            let counts = shard.counts(&taken.scope, now, table);
            counts.give_back(taken.concurrency, used, now);
            if counts.is_idle(now, table.calendar) {
                shard.scopes.swap_remove(&taken.scope);
            }
        }
    }
}

impl Table {
    fn shard_of(&self, scope: &Scope) -> usize {
        usize::try_from(self.hasher.hash_one(scope) % SHARDS as u64).unwrap_or(0)
    }

    /// Locks every shard that the scopes live in. All callers lock in ascending order, so none waits in a
    /// circle.
    fn lock(&self, limited: &[(Scope, Limits)]) -> LockedShards<'_> {
        let places: Vec<usize> = limited.iter().map(|(scope, _)| self.shard_of(scope)).collect();
        let set = places.iter().fold(0_u64, |set, place| set | 1 << place);
        let mut guards = Vec::with_capacity(places.len());
        let mut rest = set;
        while rest != 0 {
            guards.push(lock(&self.shards[rest.trailing_zeros() as usize]));
            rest &= rest - 1;
        }
        LockedShards { table: self, set, guards }
    }
}

struct LockedShards<'a> {
    table: &'a Table,
    /// A bit for each shard that is locked.
    set: u64,
    guards: Vec<MutexGuard<'a, Shard>>,
}

impl LockedShards<'_> {
    fn of(&mut self, scope: &Scope) -> &mut Shard {
        let below = (1_u64 << self.table.shard_of(scope)) - 1;
        &mut self.guards[(self.set & below).count_ones() as usize]
    }
}

impl Shard {
    /// The counts of a scope, which is remembered from now on.
    fn counts(&mut self, scope: &Scope, now: Timestamp, table: &Table) -> &mut Counts {
        let place = match self.scopes.get_index_of(scope) {
            Some(place) => place,
            None => {
                self.forget_some(now, table);
                self.scopes.insert_full(scope.clone(), Counts::default()).0
            }
        };
        &mut self.scopes[place]
    }

    fn forget_some(&mut self, now: Timestamp, table: &Table) {
        let is_full = self.scopes.len() >= table.shard_scopes_max;
        for _ in 0..if is_full { LOOKED_AT_WHEN_FULL } else { LOOKED_AT } {
            if self.hand >= self.scopes.len() {
                self.hand = 0;
            }
            let Some((_, counts)) = self.scopes.get_index_mut(self.hand) else { return };
            if counts.is_idle(now, table.calendar) || (is_full && !counts.is_in_use()) {
                // The last scope takes the place of the forgotten one and is looked at next.
                self.scopes.swap_remove_index(self.hand);
                if is_full {
                    return;
                }
            } else {
                self.hand += 1;
            }
        }
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
