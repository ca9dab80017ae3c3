//! The store: a book, and beside it a plain account of every slice, by which the book and the nodes are judged.

use std::collections::BTreeMap;
use std::time::Duration;

use ledger::{
    Applied, Book, Grant, GrantKind, HoldOutcome, HoldPurpose, HoldRequest, Pool, PoolKind, Settlement,
    SliceOutcome, SliceRequest, TopUp, Units, WindowLimit, WindowName, WindowSpan,
};
use vocab::{AccountId, GrantId, HoldId, NanoUsd, RequestId, Timestamp};

use crate::calls::{Answer, Call, Purse};
use crate::random::Random;

pub const ACCOUNTS: usize = 3;
pub const POOLS: usize = 2;
const ROLLING_LIMIT: Units = Units(3_000);
const ANCHORED_LIMIT: Units = Units(5_000);
const ROLLING: Duration = Duration::from_secs(20);
const PERIOD_MS: i64 = 40_000;

/// What really became of a slice.
#[derive(Clone, Debug)]
pub struct Fate {
    pub purse: Purse,
    pub left: i64,
    pub until: Timestamp,
    /// Ended by a sweep and not by its node: what is settled from it later is late.
    pub is_swept: bool,
    /// The anchored window it was measured by.
    pub starts: Timestamp,
}

pub struct Store {
    pub book: Book,
    pub is_up: bool,
    pub accounts: [AccountId; ACCOUNTS],
    pools: [Pool; POOLS],
    open: BTreeMap<HoldId, Fate>,
    ended: BTreeMap<HoldId, Fate>,
    /// Every request that was ever settled here, with its cost.
    pub settled: BTreeMap<RequestId, NanoUsd>,
    /// What each account was paid and given, less what ended unused and what was charged.
    worth: [i64; ACCOUNTS],
    grants: BTreeMap<GrantId, usize>,
    /// Units that were counted beyond their slices, because their slices had been swept or measured by another window.
    late: [i64; POOLS],
    /// The furthest that any node's clock ever was.
    latest: Timestamp,
    /// Whether requests may cost more than they had reserved.
    pub may_overrun: bool,
    pub counts: BTreeMap<&'static str, u64>,
}

pub fn overdraft(account: usize) -> NanoUsd {
    if account == 1 { NanoUsd(500) } else { NanoUsd::ZERO }
}

/// The windows as a node sees them whose clock shows `now`.
pub fn limits(now: Timestamp) -> Vec<WindowLimit> {
    let starts = now.as_millis() - now.as_millis().rem_euclid(PERIOD_MS);
    let (starts, ends) = (Timestamp::from_millis(starts), Timestamp::from_millis(starts + PERIOD_MS));
    let anchored = WindowSpan::Anchored { starts, ends };
    vec![
        WindowLimit { name: WindowName::FiveHours, span: WindowSpan::Rolling(ROLLING), limit: ROLLING_LIMIT },
        WindowLimit { name: WindowName::Week, span: anchored, limit: ANCHORED_LIMIT },
    ]
}

pub fn starts(now: Timestamp) -> Timestamp {
    match limits(now)[1].span {
        WindowSpan::Anchored { starts, .. } => starts,
        WindowSpan::Rolling(_) => now,
    }
}

impl Store {
    pub fn new(random: &mut Random, now: Timestamp) -> Self {
        let account = |n: usize| format!("acct_{n:032x}").parse().unwrap();
        let pool = |n: usize| Pool {
            subscription: format!("sub_{n:032x}").parse().unwrap(),
            kind: PoolKind::Prompts,
        };
        let mut store = Self {
            book: Book::default(),
            is_up: true,
            accounts: std::array::from_fn(account),
            pools: std::array::from_fn(pool),
            open: BTreeMap::new(),
            ended: BTreeMap::new(),
            settled: BTreeMap::new(),
            worth: [0; ACCOUNTS],
            grants: BTreeMap::new(),
            late: [0; POOLS],
            latest: now,
            may_overrun: random.chance(250),
            counts: BTreeMap::new(),
        };
        for account in 0..ACCOUNTS {
            store.book.overdraft_set(store.accounts[account], overdraft(account));
            store.top_up(random, account, NanoUsd(4_000), now);
        }
        store
    }

    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub fn times(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or_default()
    }

    pub fn pool(&self, pool: usize) -> Pool {
        self.pools[pool]
    }

    pub fn saw(&mut self, clock: Timestamp) {
        self.latest = self.latest.max(clock);
    }

    pub fn top_up(&mut self, random: &mut Random, account: usize, amount: NanoUsd, at: Timestamp) {
        let reference = random.reference();
        let top_up = TopUp { reference, account: self.accounts[account], amount, at };
        assert_eq!(self.book.top_up(&top_up).unwrap(), Applied::Now);
        assert_eq!(self.book.top_up(&top_up).unwrap(), Applied::Before);
        self.worth[account] += amount.0;
    }

    pub fn grant(&mut self, random: &mut Random, account: usize, amount: NanoUsd, at: Timestamp) {
        let grant = Grant {
            id: random.grant_id(),
            account: self.accounts[account],
            kind: GrantKind::Promotion,
            note: String::new(),
            amount,
            priority: 0,
            expires: Some(at.plus(Duration::from_secs(15))),
            at,
        };
        assert_eq!(self.book.grant(&grant).unwrap(), Applied::Now);
        self.grants.insert(grant.id, account);
        self.worth[account] += amount.0;
    }

    pub fn apply(&mut self, call: &Call) -> Answer {
        match call {
            Call::OpenMoney { account, ask, node, at } => {
                let request = HoldRequest {
                    id: ask.id,
                    account: self.accounts[*account],
                    purpose: HoldPurpose::Lease(*node),
                    want: ask.want,
                    least: ask.least,
                    at: *at,
                    until: ask.until,
                };
                let outcome = self.book.hold_open(&request).unwrap();
                if let HoldOutcome::Opened(amount) = outcome {
                    self.opened(Purse::Money(*account), ask.id, amount.0, ask.until, starts(*at));
                }
                Answer::Money(outcome)
            }
            Call::OpenQuota { pool, ask, node, limits, at } => {
                let request = SliceRequest {
                    id: ask.id,
                    pool: self.pools[*pool],
                    node: *node,
                    limits: limits.clone(),
                    want: ask.want,
                    least: ask.least,
                    at: *at,
                    until: ask.until,
                };
                let outcome = self.book.slice_open(&request).unwrap();
                if let SliceOutcome::Opened(units) = outcome {
                    self.opened(Purse::Quota(*pool), ask.id, units.0, ask.until, starts(*at));
                }
                Answer::Quota(outcome)
            }
            Call::Renew { purse, slice, until } => {
                match purse {
                    Purse::Money(_) => self.book.hold_renew(&[*slice], *until),
                    Purse::Quota(_) => self.book.slice_renew(&[*slice], *until),
                }
                if let Some(fate) = self.open.get_mut(slice) {
                    fate.until = fate.until.max(*until);
                }
                self.count("renewals");
                Answer::Done
            }
            Call::Release { purse, slice, at } => {
                let released = match purse {
                    Purse::Money(_) => self.book.hold_release(*slice, *at).unwrap().0,
                    Purse::Quota(_) => self.book.slice_release(*slice).0,
                };
                let fate = self.open.remove(slice);
                let left = fate.as_ref().map_or(0, |fate| fate.left);
                assert_eq!(released, left, "{slice} gave back another amount");
                self.ended.extend(fate.map(|fate| (*slice, fate)));
                self.count("releases");
                Answer::Done
            }
            Call::Settle(settlements) => {
                self.settle(settlements);
                Answer::Done
            }
        }
    }

    fn opened(&mut self, purse: Purse, slice: HoldId, left: i64, until: Timestamp, starts: Timestamp) {
        let fate = Fate { purse, left, until, is_swept: false, starts };
        if !self.ended.contains_key(&slice) {
            self.open.entry(slice).or_insert(fate);
        }
        self.count("slices");
    }

    fn settle(&mut self, settlements: &[Settlement]) {
        let answers = self.book.settle(settlements).unwrap();
        assert_eq!(answers.len(), settlements.len());
        for (settlement, answer) in settlements.iter().zip(answers) {
            let cost = settlement.money.as_ref().map_or(NanoUsd::ZERO, |money| money.cost);
            assert_eq!((&answer.request, answer.cost), (&settlement.request, cost));
            assert_eq!(NanoUsd(answer.charged.0 + answer.waived().0), cost);
            if self.settled.insert(settlement.request.clone(), cost).is_some() {
                self.count("repeated settlements");
                continue;
            }
            if let Some(money) = &settlement.money {
                let account =
                    self.accounts.iter().position(|account| *account == settlement.account).unwrap();
                self.worth[account] -= answer.charged.0;
                let (covered, is_excused) = self.spend(money.hold.unwrap(), money.cost.0);
                assert!(answer.charged.0 >= covered, "{} was not charged what its hold had", answer.request);
                let is_charged = answer.charged == cost;
                assert!(is_charged || is_excused, "{} was waived without a cause", answer.request);
                if !is_charged {
                    self.count("waived");
                }
            }
            if let Some(quota) = &settlement.quota {
                let pool = self.pools.iter().position(|pool| *pool == quota.pool).unwrap();
                let (covered, _) = self.spend(quota.slice.unwrap(), quota.units.0);
                let is_measured = self.starts(quota.slice.unwrap()) == quota.anchored[0].1;
                self.late[pool] += if is_measured { quota.units.0 - covered } else { quota.units.0 };
            }
        }
    }

    /// What a slice has for a settlement, and whether it may have too little.
    fn spend(&mut self, slice: HoldId, wanted: i64) -> (i64, bool) {
        let may_overrun = self.may_overrun;
        let Some(fate) = self.open.get_mut(&slice) else {
            assert!(self.ended[&slice].is_swept, "{slice} was given back before all of it was settled");
            self.count("late settlements");
            return (0, true);
        };
        let covered = wanted.min(fate.left);
        fate.left -= covered;
        assert!(covered == wanted || may_overrun, "more was reserved in {slice} than it had");
        (covered, may_overrun)
    }

    /// Ends what is over at `at`, as a node does whose clock shows that.
    pub fn sweep(&mut self, at: Timestamp) {
        let expired = self.book.expire(at, 10_000).unwrap();
        self.book.slices_expire(at, Timestamp::from_millis(at.as_millis() - 60_000), 10_000);
        let mut swept = 0;
        for (id, mut fate) in self.open.extract_if(.., |_, fate| fate.until <= at) {
            if let Purse::Money(_) = fate.purse {
                let is_told = expired.holds.contains(&(id, NanoUsd(fate.left)));
                assert!(is_told, "{id} should have been swept, with {} left: {:?}", fate.left, expired.holds);
                swept += 1;
            }
            fate.is_swept = true;
            self.ended.insert(id, fate);
        }
        assert_eq!(swept, expired.holds.len(), "a hold was swept before its time");
        for (grant, unused) in &expired.grants {
            self.worth[self.grants[grant]] -= unused.0;
            self.count("grants ended");
        }
        self.count("sweeps");
    }

    /// Whether requests may be let in on this slice, as things really are.
    pub fn is_open(&self, slice: HoldId) -> bool {
        self.open.contains_key(&slice)
    }

    fn starts(&self, slice: HoldId) -> Timestamp {
        self.open.get(&slice).unwrap_or_else(|| &self.ended[&slice]).starts
    }

    /// Everything that must hold at any time.
    pub fn check(&mut self) {
        for account in 0..ACCOUNTS {
            let funds = self.book.funds(self.accounts[account], self.latest);
            assert!(
                funds.cash.0 >= -overdraft(account).0,
                "account {account} owes more than it may: {funds:?}"
            );
            let held = self.open_in(Purse::Money(account));
            assert_eq!(funds.held.0, held, "account {account}: what is held differs");
        }
        let limits = limits(self.latest);
        for pool in 0..POOLS {
            // A slice that a slow clock took from the window before is spent in this one.
            let open = self.open_in(Purse::Quota(pool));
            for state in self.book.quota_used(self.pools[pool], &limits, self.latest) {
                let excused = self.late[pool] + self.measured_elsewhere(pool);
                assert!(
                    state.used.0 + open <= state.limit.limit.0 + excused,
                    "pool {pool}: {} used and {open} open in {:?}, {excused} excused",
                    state.used.0,
                    state.limit
                );
            }
        }
    }

    pub fn verify(&self) {
        let verified = self.book.verify();
        assert!(verified.is_clean(), "{verified:#?}");
    }

    /// What must hold when every node is gone and everything that was over has been swept.
    pub fn check_at_rest(&mut self) {
        self.check();
        self.verify();
        for (account, worth) in self.worth.into_iter().enumerate() {
            let funds = self.book.funds(self.accounts[account], self.latest);
            assert_eq!(funds.held, NanoUsd::ZERO, "account {account}: something is held for ever");
            assert_eq!(funds.cash.0 + funds.credits.0, worth, "account {account}: money was made or lost");
        }
        assert!(self.open.is_empty(), "slices are open for ever: {:?}", self.open);
    }

    fn open_in(&self, purse: Purse) -> i64 {
        self.open.values().filter(|fate| fate.purse == purse).map(|fate| fate.left).sum()
    }

    fn measured_elsewhere(&self, pool: usize) -> i64 {
        let this = starts(self.latest);
        let of_pool = self.open.values().filter(|fate| fate.purse == Purse::Quota(pool));
        of_pool.filter(|fate| fate.starts != this).map(|fate| fate.left).sum()
    }
}
