//! One node: its pools, the requests it runs, and the records it has to write.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use ledger::{
    Ask, Exhausted, HoldOutcome, LeaseAmount, LeasePool, LeaseSettings, MoneyUse, QuotaUse, Reserve,
    Settlement, SliceOutcome, Ticket, Units, Upkeep,
};
use vocab::{HoldId, NanoUsd, NodeId, RequestId, Timestamp};

use crate::calls::{Answer, Call, Purse};
use crate::random::Random;
use crate::store::{Store, limits, starts};

pub struct Node {
    pub id: NodeId,
    /// How far its clock is off.
    pub skew_ms: i64,
    settings: Arc<LeaseSettings>,
    money: BTreeMap<usize, LeasePool<NanoUsd>>,
    quota: BTreeMap<usize, LeasePool<Units>>,
    pub running: BTreeMap<u64, Running>,
    pub waiting: Vec<Wish>,
    pub unsent: VecDeque<Ended>,
    pub group: Option<Vec<Ended>>,
    /// What an earlier node left on the disk and the store is not known to have.
    pub inherited: Vec<Settlement>,
    /// The store was late, and not everything that ended since is written.
    pub is_behind: bool,
    /// It lets nothing in any more and gives back what it has.
    pub is_closing: bool,
}

/// A request that comes in.
#[derive(Clone, Debug)]
pub struct Wish {
    pub purse: Purse,
    pub want: i64,
    pub least: i64,
    pub since: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Running {
    pub purse: Purse,
    pub slice: HoldId,
    pub amount: i64,
    pub started: Timestamp,
}

/// A request that ended and is not known to be written.
#[derive(Clone, Debug)]
pub struct Ended {
    pub purse: Purse,
    pub slice: HoldId,
    pub settlement: Settlement,
}

/// What became of a wish.
pub enum Fared {
    Admitted(Running),
    Refused,
    Waits(Option<Call>),
}

/// Leases as short as a run is.
fn settings() -> LeaseSettings {
    LeaseSettings {
        lease_for: Duration::from_secs(14),
        renew_before: Duration::from_secs(9),
        slices_max: 40,
        ..LeaseSettings::default()
    }
}

impl Node {
    pub fn new(id: NodeId, skew_ms: i64) -> Self {
        Self {
            id,
            skew_ms,
            settings: Arc::new(settings()),
            money: BTreeMap::new(),
            quota: BTreeMap::new(),
            running: BTreeMap::new(),
            waiting: Vec::new(),
            unsent: VecDeque::new(),
            group: None,
            inherited: Vec::new(),
            is_behind: false,
            is_closing: false,
        }
    }

    pub fn is_at_rest(&self) -> bool {
        self.is_idle() && self.unsent.is_empty() && self.group.is_none() && self.inherited.is_empty()
    }

    pub fn is_idle(&self) -> bool {
        self.running.is_empty() && self.waiting.is_empty()
    }

    pub fn lets_in(&self) -> bool {
        !self.is_closing && self.inherited.is_empty()
    }

    pub fn is_empty(&self, now: Timestamp) -> bool {
        self.money.values().all(|pool| pool.is_forgettable(now))
            && self.quota.values().all(|pool| pool.is_forgettable(now))
    }

    pub fn reserve(&mut self, wish: &Wish, now: Timestamp, random: &mut Random) -> Fared {
        let (id, purse) = (self.id, wish.purse);
        match purse {
            Purse::Money(account) => {
                let settings = &self.settings;
                let pool = self.money.entry(account).or_insert_with(|| LeasePool::new(settings.clone()));
                let reserve = pool.reserve(now, NanoUsd(wish.want), NanoUsd(wish.least), || random.hold_id());
                fared(purse, now, &reserve, |ask| Call::OpenMoney { account, ask, node: id, at: now })
            }
            Purse::Quota(pool) => {
                let settings = &self.settings;
                let of_pool = self.quota.entry(pool).or_insert_with(|| LeasePool::new(settings.clone()));
                let units = Units(wish.want);
                let reserve = of_pool.reserve(now, units, units, || random.hold_id());
                let limits = limits(now);
                fared(purse, now, &reserve, |ask| Call::OpenQuota { pool, ask, node: id, limits, at: now })
            }
        }
    }

    /// For when the store does not answer.
    pub fn reserve_at_hand(&mut self, wish: &Wish, now: Timestamp) -> Option<Running> {
        let (want, least) = (wish.want, wish.least);
        match wish.purse {
            Purse::Money(account) => {
                let ticket =
                    self.money.get_mut(&account)?.reserve_at_hand(now, NanoUsd(want), NanoUsd(least))?;
                Some(running(wish.purse, now, ticket))
            }
            Purse::Quota(pool) => {
                let ticket = self.quota.get_mut(&pool)?.reserve_at_hand(now, Units(want), Units(least))?;
                Some(running(wish.purse, now, ticket))
            }
        }
    }

    /// Ends a request that used `spent`, or nothing at all.
    pub fn end(
        &mut self,
        running: &Running,
        spent: Option<i64>,
        request: RequestId,
        now: Timestamp,
        store: &Store,
    ) {
        let Running { purse, slice, amount, started } = *running;
        let (mut money, mut quota, mut account) = (None, None, store.accounts[0]);
        match purse {
            Purse::Money(of) => {
                let pool = self.money.get_mut(&of).expect("a pool with a reservation");
                let ticket = Ticket { slice, amount: NanoUsd(amount) };
                let Some(cost) = spent.map(NanoUsd) else { return pool.returned(ticket) };
                pool.settled(now, ticket, cost);
                account = store.accounts[of];
                money = Some(MoneyUse { hold: Some(slice), cost, price_version: 1 });
            }
            Purse::Quota(of) => {
                let pool = self.quota.get_mut(&of).expect("a pool with a reservation");
                let ticket = Ticket { slice, amount: Units(amount) };
                let Some(units) = spent.map(Units) else { return pool.returned(ticket) };
                pool.settled(now, ticket, units);
                let anchored = vec![(limits(started)[1].name, starts(started))];
                let pool = store.pool(of);
                quota = Some(QuotaUse { pool, slice: Some(slice), units, used_at: started, anchored });
            }
        }
        let settlement = Settlement { request, account, at: now, money, quota };
        self.unsent.push_back(Ended { purse, slice, settlement });
    }

    fn pool(&mut self, purse: Purse) -> Option<&mut dyn AnyPool> {
        match purse {
            Purse::Money(account) => self.money.get_mut(&account).map(|pool| pool as &mut dyn AnyPool),
            Purse::Quota(pool) => self.quota.get_mut(&pool).map(|pool| pool as &mut dyn AnyPool),
        }
    }

    /// The group in the air is durable.
    pub fn written(&mut self) -> Vec<RequestId> {
        let group = self.group.take().unwrap_or_default();
        for ended in &group {
            if let Some(pool) = self.pool(ended.purse) {
                pool.written(ended.slice);
            }
        }
        group.into_iter().map(|ended| ended.settlement.request).collect()
    }

    pub fn upkeep(&mut self, now: Timestamp, random: &mut Random) -> Vec<Call> {
        let (id, is_closing) = (self.id, self.is_closing);
        let mut calls = Vec::new();
        for (&account, pool) in &mut self.money {
            let todo = if is_closing { pool.close(now) } else { pool.upkeep(now, || random.hold_id()) };
            let open = |ask| Call::OpenMoney { account, ask, node: id, at: now };
            calls.extend(todo.into_iter().map(|todo| call(Purse::Money(account), todo, now, open)));
        }
        for (&pool, of_pool) in &mut self.quota {
            let todo = if is_closing { of_pool.close(now) } else { of_pool.upkeep(now, || random.hold_id()) };
            let open = |ask| Call::OpenQuota { pool, ask, node: id, limits: limits(now), at: now };
            calls.extend(todo.into_iter().map(|todo| call(Purse::Quota(pool), todo, now, open)));
        }
        self.money.retain(|_, pool| !pool.is_forgettable(now));
        self.quota.retain(|_, pool| !pool.is_forgettable(now));
        calls
    }

    /// Takes an answer in, or that none came. Says what has to be put to the store because of it.
    pub fn answered(&mut self, call: &Call, answer: Option<&Answer>, now: Timestamp) -> Vec<Call> {
        match call {
            Call::OpenMoney { account, ask, .. } => {
                let Some(pool) = self.money.get_mut(account) else { return Vec::new() };
                match answer {
                    Some(Answer::Money(HoldOutcome::Opened(amount))) => pool.opened(now, ask.id, *amount),
                    Some(Answer::Money(HoldOutcome::Insufficient { available })) => {
                        let crumbs = pool.refused(now, ask.id, *available);
                        return releases(Purse::Money(*account), crumbs, now);
                    }
                    _ => pool.unanswered(ask.id),
                }
            }
            Call::OpenQuota { pool, ask, .. } => {
                let purse = Purse::Quota(*pool);
                let Some(pool) = self.quota.get_mut(pool) else { return Vec::new() };
                match answer {
                    Some(Answer::Quota(SliceOutcome::Opened(units))) => pool.opened(now, ask.id, *units),
                    Some(Answer::Quota(SliceOutcome::Exhausted { window, resets })) => {
                        let lack = Exhausted { window: *window, resets: *resets };
                        return releases(purse, pool.refused(now, ask.id, lack), now);
                    }
                    _ => pool.unanswered(ask.id),
                }
            }
            Call::Renew { purse, slice, until } => {
                if let Some(pool) = self.pool(*purse) {
                    pool.renewed(now, *slice, answer.map(|_| *until));
                }
            }
            Call::Release { purse, slice, .. } => {
                if let Some(pool) = self.pool(*purse) {
                    pool.released(*slice, answer.is_some());
                }
            }
            Call::Settle(_) => {}
        }
        Vec::new()
    }
}

/// What is the same for money and quota.
trait AnyPool {
    fn written(&mut self, slice: HoldId);
    fn renewed(&mut self, now: Timestamp, slice: HoldId, answered: Option<Timestamp>);
    fn released(&mut self, slice: HoldId, answered: bool);
}

impl<A: LeaseAmount> AnyPool for LeasePool<A> {
    fn written(&mut self, slice: HoldId) {
        LeasePool::written(self, slice);
    }

    fn renewed(&mut self, now: Timestamp, slice: HoldId, answered: Option<Timestamp>) {
        LeasePool::renewed(self, now, slice, answered);
    }

    fn released(&mut self, slice: HoldId, answered: bool) {
        LeasePool::released(self, slice, answered);
    }
}

fn fared<A: LeaseAmount>(
    purse: Purse,
    now: Timestamp,
    reserve: &Reserve<A>,
    open: impl FnOnce(Ask<A>) -> Call,
) -> Fared {
    match reserve {
        Reserve::Reserved(ticket) => Fared::Admitted(running(purse, now, *ticket)),
        Reserve::Short(ask) => Fared::Waits(Some(open(*ask))),
        Reserve::Awaited => Fared::Waits(None),
        Reserve::Refused(_) | Reserve::Crowded => Fared::Refused,
    }
}

fn running<A: LeaseAmount>(purse: Purse, now: Timestamp, ticket: Ticket<A>) -> Running {
    Running { purse, slice: ticket.slice, amount: ticket.amount.count(), started: now }
}

fn call<A>(purse: Purse, todo: Upkeep<A>, now: Timestamp, open: impl FnOnce(Ask<A>) -> Call) -> Call {
    match todo {
        Upkeep::Open(ask) => open(ask),
        Upkeep::Renew { slice, until } => Call::Renew { purse, slice, until },
        Upkeep::Release(slice) => Call::Release { purse, slice, at: now },
    }
}

fn releases(purse: Purse, slices: Vec<HoldId>, now: Timestamp) -> Vec<Call> {
    slices.into_iter().map(|slice| Call::Release { purse, slice, at: now }).collect()
}
