//! Nodes, a store, and a network between them that delays and loses; all of it follows from one seed.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use vocab::{NanoUsd, RequestId, Timestamp};

use crate::calls::{Answer, Call, Purse};
use crate::journal::Disks;
use crate::node::{Fared, Node, Running, Wish};
use crate::random::Random;
use crate::store::{ACCOUNTS, POOLS, Store};

const NODES: usize = 3;
/// As long as a request waits.
const PATIENCE: Duration = Duration::from_secs(2);
pub const TICK_MS: i64 = 250;

pub enum Event {
    Arrive,
    End { node: u64, request: u64 },
    Tick { node: u64 },
    Write { node: u64 },
    Deliver { node: u64, call: u64, what: Call },
    Answer { node: u64, call: u64, answer: Answer },
    Timeout { node: u64, call: u64 },
    Late { node: u64, call: u64 },
    Sweep,
    PayIn,
    StoreFails,
    StoreReturns,
    NodeEnds,
    NodeStarts,
    ClockTurns,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Fair,
    Rough,
}

pub struct World {
    pub random: Random,
    now_ms: i64,
    events: BTreeMap<(i64, u64), Event>,
    pub next: u64,
    pub nodes: BTreeMap<u64, Node>,
    pub calls: HashMap<(u64, u64), Call>,
    pub store: Store,
    pub disks: Disks,
    /// Requests whose record a node knows to be durable.
    pub acknowledged: Vec<RequestId>,
    pub is_rough: bool,
    /// From when on nothing goes wrong any more and nothing new comes in.
    pub is_calm: bool,
}

impl World {
    /// In fair weather the store answers, and soon; nodes crash and clocks differ all the same.
    pub fn new(seed: u64, weather: Weather) -> Self {
        let mut random = Random::new(seed);
        let now_ms = 1_790_000_000_000 + random.between(0, 60_000);
        let store = Store::new(&mut random, Timestamp::from_millis(now_ms));
        let mut world = Self {
            random,
            now_ms,
            events: BTreeMap::new(),
            next: 0,
            nodes: BTreeMap::new(),
            calls: HashMap::new(),
            store,
            disks: Disks::default(),
            acknowledged: Vec::new(),
            is_rough: weather == Weather::Rough,
            is_calm: false,
        };
        (0..NODES).for_each(|_| world.node_starts());
        world.after(0, Event::Arrive);
        world.after(1_000, Event::Sweep);
        world.after(3_000, Event::PayIn);
        world.after(2_000, Event::ClockTurns);
        world.after(6_000, Event::NodeEnds);
        if weather == Weather::Rough {
            world.after(9_000, Event::StoreFails);
        }
        world
    }

    /// Lives through so many events, and then until everything has come to rest.
    pub fn run(&mut self, steps: usize) {
        for step in 0..steps {
            self.step();
            if step % 500 == 0 {
                self.store.verify();
            }
        }
        self.come_to_rest();
        self.everyone_is_served_again();
        self.nodes.clear();
        self.pass(60_000);
        self.store.sweep(self.time());
        self.store.check_at_rest();
        for request in &self.acknowledged {
            assert!(self.store.book.settled(request).is_some(), "{request} was acknowledged and is lost");
        }
        for (request, cost) in &self.store.settled {
            let settled = self.store.book.settled(request).expect("what was settled stays settled");
            assert_eq!(settled.cost, *cost, "{request} was charged another cost");
        }
    }

    fn come_to_rest(&mut self) {
        self.is_calm = true;
        self.is_rough = false;
        self.store.is_up = true;
        let mut patience = 100_000;
        while self.disks.have_orphans() || !self.nodes.values().all(Node::is_at_rest) {
            if self.disks.have_orphans() {
                self.node_starts();
            }
            self.step();
            patience -= 1;
            assert!(patience > 0, "requests hang");
        }
    }

    /// With money there and windows past, no node has lost its way to them.
    fn everyone_is_served_again(&mut self) {
        let now = self.time();
        for account in 0..ACCOUNTS {
            self.store.top_up(&mut self.random, account, NanoUsd(1_000_000), now);
        }
        self.pass(90_000);
        let nodes: Vec<u64> = self.nodes.keys().copied().collect();
        for node in nodes {
            for purse in (0..ACCOUNTS).map(Purse::Money).chain((0..POOLS).map(Purse::Quota)) {
                let since = self.time();
                let admitted = self.store.times("admitted");
                self.reserve(node, Wish { purse, want: 100, least: 100, since });
                self.pass(1_000);
                assert!(self.store.times("admitted") > admitted, "a node serves {purse:?} no more");
            }
        }
        self.come_to_rest();
    }

    fn pass(&mut self, span_ms: i64) {
        let end = self.now_ms + span_ms;
        while self.events.first_key_value().is_some_and(|((at, _), _)| *at <= end) {
            self.step();
        }
        self.now_ms = end;
    }

    fn step(&mut self) {
        let Some(((at, _), event)) = self.events.pop_first() else { return };
        self.now_ms = at;
        let changes_the_store = matches!(event, Event::Deliver { .. } | Event::Sweep | Event::PayIn);
        self.happen(event);
        if changes_the_store {
            self.store.check();
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Arrive => self.arrive(),
            Event::End { node, request } => self.end(node, request),
            Event::Tick { node } => self.tick(node),
            Event::Write { node } => self.write(node),
            Event::Deliver { node, call, what } => self.deliver(node, call, &what),
            Event::Answer { node, call, answer } => self.answer(node, call, Some(&answer)),
            Event::Timeout { node, call } => self.answer(node, call, None),
            Event::Late { node, call } => self.late(node, call),
            Event::Sweep => self.sweep(),
            Event::PayIn => self.pay_in(),
            Event::StoreFails => {
                if !self.is_calm {
                    self.store.is_up = false;
                    self.store.count("outages");
                    let span = self.random.between(500, 20_000);
                    self.after(span, Event::StoreReturns);
                }
            }
            Event::StoreReturns => {
                self.store.is_up = true;
                let span = self.random.between(5_000, 30_000);
                self.after(span, Event::StoreFails);
            }
            Event::NodeEnds => self.node_ends(),
            Event::NodeStarts => self.node_starts(),
            Event::ClockTurns => self.clock_turns(),
        }
    }

    fn arrive(&mut self) {
        if self.is_calm {
            return;
        }
        // Now a trickle, now a flood.
        let is_flood = (self.now_ms / 4_000) % 3 == 0;
        let pause = if is_flood { self.random.between(0, 20) } else { self.random.between(10, 300) };
        self.after(pause, Event::Arrive);
        let open: Vec<u64> =
            self.nodes.iter().filter(|(_, node)| node.lets_in()).map(|(key, _)| *key).collect();
        if open.is_empty() {
            return;
        }
        let node = open[self.random.below(open.len())];
        let since = self.time();
        let wish = if self.random.chance(500) {
            let want = self.random.between(20, 300);
            let least = if self.random.chance(300) { want } else { self.random.between(1, 20) };
            Wish { purse: Purse::Money(self.random.below(ACCOUNTS)), want, least, since }
        } else {
            let units = 50 * self.random.between(1, 3);
            Wish { purse: Purse::Quota(self.random.below(POOLS)), want: units, least: units, since }
        };
        self.reserve(node, wish);
    }

    pub fn reserve(&mut self, key: u64, wish: Wish) {
        let now = self.clock(key);
        let Some(node) = self.nodes.get_mut(&key) else { return };
        match node.reserve(&wish, now, &mut self.random) {
            Fared::Admitted(running) => self.admitted(key, running),
            Fared::Refused => self.store.count("refused"),
            Fared::Waits(call) => {
                node.waiting.push(wish);
                call.into_iter().for_each(|call| self.send(key, call));
            }
        }
    }

    fn admitted(&mut self, key: u64, running: Running) {
        assert!(
            self.store.is_open(running.slice),
            "a request was let in on {}, which has ended",
            running.slice
        );
        let span = if self.random.chance(30) {
            self.random.between(5_000, 40_000)
        } else {
            self.random.between(20, 2_000)
        };
        self.next += 1;
        let request = self.next;
        self.nodes.get_mut(&key).unwrap().running.insert(request, running);
        self.after(span, Event::End { node: key, request });
        self.store.count("admitted");
    }

    fn end(&mut self, key: u64, request: u64) {
        let now = self.clock(key);
        let Some(node) = self.nodes.get_mut(&key) else { return };
        let Some(running) = node.running.remove(&request) else { return };
        let random = &mut self.random;
        let spent = match running.purse {
            _ if random.chance(100) => None,
            Purse::Quota(_) => Some(if random.chance(50) { 0 } else { running.amount }),
            Purse::Money(_) if self.store.may_overrun && random.chance(50) => {
                Some(running.amount + random.between(1, 200))
            }
            Purse::Money(_) => Some(random.between(0, running.amount)),
        };
        node.end(&running, spent, random.request_id(), now, &self.store);
        let gather = self.random.between(0, 20);
        self.after(gather, Event::Write { node: key });
    }

    /// Puts a group of records to the store, unless one is out.
    pub fn write(&mut self, key: u64) {
        self.journal(key);
        let Some(node) = self.nodes.get_mut(&key) else { return };
        if node.group.is_none() && !node.unsent.is_empty() {
            let most = node.unsent.len().min(8);
            node.group = Some(node.unsent.drain(..most).collect());
            self.write_group(key);
        }
    }

    pub fn write_group(&mut self, key: u64) {
        let Some(group) = self.nodes.get(&key).and_then(|node| node.group.as_ref()) else { return };
        let settlements = group.iter().map(|ended| ended.settlement.clone()).collect();
        self.send(key, Call::Settle(settlements));
    }

    fn tick(&mut self, key: u64) {
        let (time, now) = (self.time(), self.clock(key));
        let Some(node) = self.nodes.get_mut(&key) else { return };
        let calls = node.upkeep(now, &mut self.random);
        let (given_up, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut node.waiting)
            .into_iter()
            .partition(|wish| time.since(wish.since) >= PATIENCE);
        node.waiting = waiting;
        let is_journalled = node.is_closing && node.is_idle() && node.is_behind;
        let has_left = node.is_closing && node.is_at_rest() && calls.is_empty() && node.is_empty(now);
        for wish in given_up {
            if let Some(running) = self.nodes.get_mut(&key).unwrap().reserve_at_hand(&wish, now) {
                self.admitted(key, running);
            } else {
                self.store.count("given up");
            }
        }
        calls.into_iter().for_each(|call| self.send(key, call));
        if has_left {
            self.nodes.remove(&key);
            self.store.count("nodes that left in order");
        } else if is_journalled && self.random.chance(100) {
            // It has waited long enough for the store. The slices that its settlements name are not given back.
            self.journal(key);
            self.nodes.remove(&key);
            self.disks.orphan(key);
            self.store.count("journals left in order");
        } else {
            self.after(TICK_MS, Event::Tick { node: key });
        }
    }

    pub fn any_node(&mut self) -> Option<u64> {
        let place = self.random.below(self.nodes.len().max(1));
        self.nodes.keys().copied().nth(place)
    }

    pub fn after(&mut self, span_ms: i64, event: Event) {
        self.next += 1;
        self.events.insert((self.now_ms + span_ms, self.next), event);
    }

    pub fn time(&self) -> Timestamp {
        Timestamp::from_millis(self.now_ms)
    }

    /// What the node's clock shows.
    pub fn clock(&mut self, node: u64) -> Timestamp {
        let skew_ms = self.nodes.get(&node).map_or(0, |node| node.skew_ms);
        let clock = Timestamp::from_millis(self.now_ms + skew_ms);
        self.store.saw(clock);
        clock
    }
}
