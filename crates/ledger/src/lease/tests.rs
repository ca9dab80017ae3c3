use vocab::{NanoUsd, NodeId, SubscriptionId};

use super::*;
use crate::{Book, Pool, PoolKind, SliceOutcome, SliceRequest, Units, WindowLimit, WindowName, WindowSpan};

const LITE: Units = Units(80_000);
const CALL: Units = Units(50);

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + millis)
}

fn money() -> LeasePool<NanoUsd> {
    LeasePool::new(Arc::new(LeaseSettings::default()))
}

/// The ask that a request for so much leads to.
fn ask(pool: &mut LeasePool<NanoUsd>, now: Timestamp, want: i64, least: i64) -> Ask<NanoUsd> {
    match pool.reserve(now, NanoUsd(want), NanoUsd(least), HoldId::generate) {
        Reserve::Short(ask) => ask,
        other => panic!("{other:?}"),
    }
}

fn ticket(pool: &mut LeasePool<NanoUsd>, now: Timestamp, want: i64, least: i64) -> Ticket<NanoUsd> {
    match pool.reserve(now, NanoUsd(want), NanoUsd(least), HoldId::generate) {
        Reserve::Reserved(ticket) => ticket,
        other => panic!("{other:?}"),
    }
}

/// A node that spends one pool of a book, and is answered at once.
struct Node {
    id: NodeId,
    pool: LeasePool<Units>,
    asked: u32,
}

impl Node {
    fn new() -> Self {
        Self { id: NodeId::generate(), pool: LeasePool::new(Arc::new(LeaseSettings::default())), asked: 0 }
    }

    fn reserve(&mut self, book: &mut Book, of: Pool, now: Timestamp, units: Units) -> Option<Ticket<Units>> {
        loop {
            match self.pool.reserve(now, units, units, HoldId::generate) {
                Reserve::Reserved(ticket) => return Some(ticket),
                Reserve::Refused(_) => return None,
                Reserve::Short(ask) => self.put(book, of, now, ask),
                other => panic!("{other:?}"),
            }
        }
    }

    fn put(&mut self, book: &mut Book, pool: Pool, now: Timestamp, ask: Ask<Units>) {
        self.asked += 1;
        let five_hours = WindowSpan::Rolling(Duration::from_secs(5 * 3600));
        let request = SliceRequest {
            id: ask.id,
            pool,
            node: self.id,
            limits: vec![WindowLimit { name: WindowName::FiveHours, span: five_hours, limit: LITE }],
            want: ask.want,
            least: ask.least,
            at: now,
            until: ask.until,
        };
        match book.slice_open(&request).unwrap() {
            SliceOutcome::Opened(units) => self.pool.opened(now, ask.id, units),
            SliceOutcome::Exhausted { window, resets } => {
                for crumb in self.pool.refused(now, ask.id, Exhausted { window, resets }) {
                    book.slice_release(crumb);
                    self.pool.released(crumb, true);
                }
            }
        }
    }
}

fn pool() -> Pool {
    Pool { subscription: SubscriptionId::generate(), kind: PoolKind::Prompts }
}

/// QUOTA-02: Lite has 1,600 calls in five hours, and the 1,601st is refused, however they are spread over time; the
/// store is asked far less often than that.
#[test]
fn the_1601st_call_is_refused() {
    for pause_ms in [0, 3, 90] {
        let (mut book, mut node, of) = (Book::default(), Node::new(), pool());
        for call in 0..1600 {
            let now = at(call * pause_ms);
            assert!(node.reserve(&mut book, of, now, CALL).is_some(), "call {call}, every {pause_ms} ms");
        }
        assert!(node.reserve(&mut book, of, at(1600 * pause_ms), CALL).is_none());
        assert!(node.asked < 160, "{} asks", node.asked);
    }
}

/// QUOTA-02: calls that are worth two and three count as that, and nothing is left over that could have been used.
#[test]
fn calls_of_different_worth_use_the_quota_up_to_the_last_unit() {
    let (mut book, mut node, of) = (Book::default(), Node::new(), pool());
    let mut used = 0;
    for call in 0.. {
        let units = Units(50 * (1 + call % 3));
        let now = at(call * 7);
        let Some(ticket) = node.reserve(&mut book, of, now, units) else { break };
        node.pool.settled(now, ticket, units);
        node.pool.written(ticket.slice);
        // What the settlement does at the store, as far as the slice goes.
        let quota = crate::QuotaUse {
            pool: of,
            slice: Some(ticket.slice),
            units,
            used_at: now,
            anchored: Vec::new(),
        };
        let settlement = crate::Settlement {
            request: vocab::RequestId::generate(now),
            account: vocab::AccountId::generate(),
            at: now,
            money: None,
            quota: Some(quota),
        };
        book.settle(&[settlement]).unwrap();
        used += units.0;
    }
    assert!(LITE.0 - used < 150, "{} units could not be used", LITE.0 - used);
}

/// QUOTA-02: ten nodes share the quota, and together never exceed it.
#[test]
fn ten_nodes_together_never_exceed_the_limit() {
    let (mut book, of) = (Book::default(), pool());
    let mut nodes: Vec<Node> = (0..10).map(|_| Node::new()).collect();
    let mut admitted = [0; 10];
    for call in 0..4000 {
        let place = usize::try_from(call * 7 % 10).unwrap();
        if nodes[place].reserve(&mut book, of, at(call * 2), CALL).is_some() {
            admitted[place] += 1;
        }
    }
    let total: i64 = admitted.iter().sum();
    assert_eq!(total, 1600);
    assert!(admitted.iter().all(|calls| *calls > 80), "shared unfairly: {admitted:?}");
}

/// One request asks for itself; a flood is foreseen.
#[test]
fn slices_grow_with_the_pace_and_shrink_when_little_is_left() {
    let mut pool = money();
    let first = ask(&mut pool, at(0), 100, 1);
    assert_eq!(first.want, NanoUsd(100));
    pool.opened(at(1), first.id, first.want);
    let mut wants = vec![first.want];
    for request in 0..100 {
        if let Reserve::Short(ask) = pool.reserve(at(2 + request), NanoUsd(100), NanoUsd(1), HoldId::generate)
        {
            wants.push(ask.want);
            pool.opened(at(2 + request), ask.id, ask.want);
        }
    }
    assert!(wants.len() < 10 && wants.is_sorted(), "{wants:?}");

    let mut poor = loop {
        if let Reserve::Short(ask) = pool.reserve(at(200), NanoUsd(100), NanoUsd(1), HoldId::generate) {
            break ask;
        }
    };
    pool.opened(at(200), poor.id, NanoUsd(130));
    ticket(&mut pool, at(200), 100, 1);
    // The store had no more: what is left is taken for what it is.
    assert_eq!(ticket(&mut pool, at(201), 100, 1).amount, NanoUsd(30));
    poor = ask(&mut pool, at(202), 100, 1);
    assert_eq!(poor.want, NanoUsd(100));
}

/// A request settles for less only when there is no more.
#[test]
fn less_is_taken_only_when_the_store_has_no_more() {
    let mut pool = money();
    let first = ask(&mut pool, at(0), 60, 1);
    pool.opened(at(0), first.id, NanoUsd(60));
    ticket(&mut pool, at(1), 20, 1);
    let more = ask(&mut pool, at(2), 50, 10);
    assert_eq!(pool.refused(at(3), more.id, NanoUsd(0)), []);
    assert_eq!(ticket(&mut pool, at(4), 50, 10).amount, NanoUsd(40));
    assert_eq!(pool.reserve(at(5), NanoUsd(50), NanoUsd(10), HoldId::generate), Reserve::Refused(NanoUsd(0)));
}

/// BILL-10: a client that tries again and again does not reach the database; a top-up is noticed within a second.
#[test]
fn a_refusal_is_believed_for_half_a_second() {
    let mut pool = money();
    let first = ask(&mut pool, at(0), 50, 10);
    pool.refused(at(0), first.id, NanoUsd(7));
    for now in [1, 100, 499] {
        let again = pool.reserve(at(now), NanoUsd(50), NanoUsd(10), HoldId::generate);
        assert_eq!(again, Reserve::Refused(NanoUsd(7)));
    }
    // What is there is enough for a smaller one.
    let smaller = ask(&mut pool, at(499), 50, 7);
    pool.opened(at(499), smaller.id, NanoUsd(7));
    assert_eq!(ticket(&mut pool, at(499), 50, 7).amount, NanoUsd(7));
    ask(&mut pool, at(1000), 50, 10);
}

/// What lies about in pieces too small for a request goes back before that request is refused.
#[test]
fn crumbs_are_swept_up_before_anyone_is_refused() {
    let mut pool = money();
    let first = ask(&mut pool, at(0), 60, 60);
    pool.opened(at(0), first.id, NanoUsd(60));
    let request = ticket(&mut pool, at(0), 60, 60);
    pool.settled(at(1), request, NanoUsd(20));
    let more = ask(&mut pool, at(2), 60, 60);
    // Its settlement is not written: giving the slice back now would pull the money from under it.
    assert_eq!(pool.refused(at(2), more.id, NanoUsd(30)), []);
    pool.written(request.slice);
    let more = ask(&mut pool, at(600), 60, 60);
    assert_eq!(pool.refused(at(600), more.id, NanoUsd(30)), [request.slice]);
    pool.released(request.slice, true);
    assert_eq!(ask(&mut pool, at(601), 60, 60).least, NanoUsd(60));
}

/// Requests that find the pool short while the store is asked wait for the one answer, which is asked to cover them.
#[test]
fn requests_share_one_ask() {
    let mut pool = money();
    let first = ask(&mut pool, at(0), 10, 10);
    for _ in 0..5 {
        let wait = pool.reserve(at(0), NanoUsd(10), NanoUsd(10), HoldId::generate);
        assert_eq!(wait, Reserve::Awaited);
    }
    pool.opened(at(1), first.id, NanoUsd(10));
    ticket(&mut pool, at(1), 10, 10);
    assert_eq!(ask(&mut pool, at(1), 10, 10).want, NanoUsd(40));
}

/// An ask that was not answered may have been heard: it is put again, as it was.
#[test]
fn an_unanswered_ask_is_put_again_with_its_id() {
    let mut pool = money();
    let first = ask(&mut pool, at(0), 10, 10);
    pool.unanswered(first.id);
    assert_eq!(ask(&mut pool, at(300), 999, 999), first);
    pool.unanswered(first.id);
    assert_eq!(pool.upkeep(at(500), HoldId::generate), [Upkeep::Open(first)]);
    pool.unanswered(first.id);
    // So late that the slice could no longer be used.
    assert_ne!(ask(&mut pool, at(55_001), 10, 10).id, first.id);
}

/// A slice is renewed as long as a request uses it, and goes back two seconds after the last.
#[test]
fn slices_in_use_are_renewed_and_idle_ones_go_back() {
    let mut pool = money();
    let first = ask(&mut pool, at(0), 100, 1);
    pool.opened(at(0), first.id, NanoUsd(100));
    let request = ticket(&mut pool, at(0), 60, 1);
    assert_eq!(pool.upkeep(at(10_000), HoldId::generate), []);
    let renewal = Upkeep::Renew { slice: first.id, until: at(80_000) };
    assert_eq!(pool.upkeep(at(20_000), HoldId::generate), [renewal]);
    assert_eq!(pool.upkeep(at(20_250), HoldId::generate), [], "one renewal is out");
    pool.renewed(at(20_300), first.id, Some(at(80_000)));
    assert_eq!(pool.upkeep(at(30_000), HoldId::generate), []);

    pool.settled(at(31_000), request, NanoUsd(5));
    assert_eq!(pool.upkeep(at(33_500), HoldId::generate), [], "its settlement is not written");
    pool.written(first.id);
    assert_eq!(pool.upkeep(at(33_500), HoldId::generate), [Upkeep::Release(first.id)]);
    assert!(!pool.is_forgettable(at(33_500)));
    pool.released(first.id, true);
    assert!(pool.is_forgettable(at(33_500)));
}

/// Near the end of its time another node's clock may already have ended it.
#[test]
fn a_slice_that_may_have_ended_admits_nothing_and_is_not_revived() {
    let mut pool = money();
    let first = ask(&mut pool, at(0), 100, 1);
    pool.opened(at(0), first.id, NanoUsd(100));
    let request = ticket(&mut pool, at(54_999), 10, 1);
    pool.upkeep(at(54_999), HoldId::generate);
    // The renewal's answer comes when the slice may have been over before the store read it.
    pool.renewed(at(55_001), first.id, Some(at(114_999)));
    assert_eq!(pool.reserve_at_hand(at(55_001), NanoUsd(10), NanoUsd(10)), None);
    pool.upkeep(at(55_001), HoldId::generate);
    assert_eq!(
        pool.reserve_at_hand(at(10_000), NanoUsd(10), NanoUsd(10)),
        None,
        "nor if the clock is turned back"
    );
    pool.returned(request);
    assert_eq!(pool.upkeep(at(55_300), HoldId::generate), [Upkeep::Release(first.id)]);
}

/// A busy pool is refilled before it runs dry.
#[test]
fn a_busy_pool_asks_ahead_of_need() {
    let mut pool = money();
    let first = ask(&mut pool, at(0), 100, 1);
    pool.opened(at(0), first.id, NanoUsd(1000));
    let ahead = (0..10).find_map(|request| {
        ticket(&mut pool, at(request), 100, 1);
        pool.ahead(at(request), HoldId::generate)
    });
    assert!(ahead.is_some_and(|ask| ask.want > NanoUsd(100)), "{ahead:?}");
    assert!(pool.at_hand(at(10)) > NanoUsd(0));
}
