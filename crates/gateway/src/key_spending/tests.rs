use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};

use async_trait::async_trait;
use vocab::AccountId;

use super::*;
use crate::{DailyPlace, DailyQuery, DailyUsage, UsageLogError};

/// Says that every key spent so much.
#[derive(Default)]
struct Sums {
    spent: AtomicI64,
    asked: AtomicU32,
    is_down: AtomicBool,
}

#[async_trait]
impl UsageRollup for Sums {
    async fn rollup_step(&self, _: UtcOffset, _: u32) -> Result<u32, UsageLogError> {
        Ok(0)
    }

    async fn rollup_list(
        &self,
        _: &DailyQuery,
        _: Option<&DailyPlace>,
        _: u32,
    ) -> Result<Vec<DailyUsage>, UsageLogError> {
        Ok(Vec::new())
    }

    async fn rollup_charged(
        &self,
        _: AccountId,
        _: KeyId,
        _: Day,
        _: UtcOffset,
    ) -> Result<NanoUsd, UsageLogError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.is_down.load(Ordering::SeqCst) {
            return Err(UsageLogError("down".into()));
        }
        tokio::task::yield_now().await;
        Ok(NanoUsd(self.spent.load(Ordering::SeqCst)))
    }
}

/// Shows the milliseconds it is set to.
struct HandClock(AtomicI64);

impl HandClock {
    fn advance(&self, span: Duration) {
        self.0.fetch_add(i64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

struct Node {
    sums: Arc<Sums>,
    clock: Arc<HandClock>,
    spending: KeySpending,
    caller: Caller,
}

impl Node {
    /// In front of a key that may spend a thousand.
    fn new() -> Self {
        let clock = Arc::new(HandClock(AtomicI64::new(1_770_631_146_000)));
        let sums = Arc::new(Sums::default());
        let plans = Arc::new(InForce::new(PlanBook::documented().clone()));
        let mut caller = Caller::new(AccountId::generate(), KeyId::generate());
        caller.monthly_spend_max = Some(NanoUsd(1_000));
        let spending = KeySpending::new(sums.clone(), plans, clock.clone());
        Self { sums, clock, spending, caller }
    }

    async fn try_reserve(&self, want: i64) -> Result<KeyReservation, Refusal> {
        let reserved = self.spending.reserve(&self.caller, NanoUsd(want), NanoUsd(10)).await?;
        Ok(reserved.expect("the key is limited"))
    }

    async fn reserve(&self, want: i64) -> KeyReservation {
        self.try_reserve(want).await.unwrap()
    }

    async fn assert_spent(&self) {
        assert!(matches!(self.try_reserve(10).await, Err(Refusal::KeySpent { limit: NanoUsd(1_000) })));
    }

    /// The store takes what a request cost.
    fn write(&self, mark: KeyMark) {
        self.sums.spent.fetch_add(mark.cost.0, Ordering::SeqCst);
        drop(mark);
    }
}

#[test]
fn a_month_begins_with_its_first_day() {
    let first = |day: i64| first_of_month(Day(day)).to_string();
    assert_eq!(first(20_578), "2026-05-01");
    assert_eq!(Day(20_578).to_string(), "2026-05-05");
    assert_eq!(first(20_574), "2026-05-01");
    assert_eq!(first(19_782), "2024-02-01");
    assert_eq!(Day(19_782).to_string(), "2024-02-29");
}

#[tokio::test]
async fn a_key_without_a_limit_asks_nobody() {
    let node = Node::new();
    let caller = Caller::new(AccountId::generate(), KeyId::generate());
    assert!(node.spending.reserve(&caller, NanoUsd(i64::MAX), NanoUsd(1)).await.unwrap().is_none());
    assert_eq!(node.sums.asked.load(Ordering::SeqCst), 0);
}

/// Whatever runs at once, what is set aside and what was spent is never more than the limit, and all of it can be spent.
#[tokio::test]
async fn a_key_spends_its_limit_to_the_cent_and_no_more() {
    let node = Node::new();
    let first = node.reserve(600).await;
    let second = node.reserve(600).await;
    assert_eq!(
        (first.amount(), second.amount()),
        (NanoUsd(600), NanoUsd(400)),
        "what is left bounds the answer"
    );
    node.assert_spent().await;

    let first = first.settle(NanoUsd(150));
    let third = node.reserve(600).await;
    assert_eq!(third.amount(), NanoUsd(450));
    drop(second);
    let third = third.settle(NanoUsd(450));
    node.write(first);
    assert_eq!(node.reserve(600).await.amount(), NanoUsd(400), "given back where nobody keeps it");
    node.write(third);
    let last = node.reserve(600).await;
    assert_eq!(last.amount(), NanoUsd(400));
    node.write(last.settle(NanoUsd(391)));
    node.assert_spent().await;
    assert_eq!(node.sums.spent.load(Ordering::SeqCst), 991);
}

/// A request that ended and is not written yet, as when the database is away, still counts.
#[tokio::test]
async fn what_is_not_written_yet_counts() {
    let node = Node::new();
    let mark = node.reserve(1_000).await.settle(NanoUsd(1_000));
    node.clock.advance(Duration::from_secs(60));
    node.assert_spent().await;
    node.write(mark);
    node.assert_spent().await;
}

/// What was read may have what this node did not know to be written; before anyone gets less than they want, it is read
/// again.
#[tokio::test]
async fn nothing_counts_twice_when_it_matters() {
    let node = Node::new();
    let mark = node.reserve(400).await.settle(NanoUsd(400));
    node.sums.spent.store(400, Ordering::SeqCst);
    node.clock.advance(BELIEVED_FOR);
    drop(node.reserve(100).await);
    drop(mark);
    assert_eq!(node.reserve(600).await.amount(), NanoUsd(600));
}

/// Other nodes' spending is known two seconds late; what was spent last month is forgotten with it.
#[tokio::test]
async fn other_nodes_count_and_months_end() {
    let node = Node::new();
    drop(node.reserve(1_000).await);
    node.sums.spent.store(1_000, Ordering::SeqCst);
    assert_eq!(node.reserve(1_000).await.amount(), NanoUsd(1_000));
    node.clock.advance(BELIEVED_FOR);
    node.assert_spent().await;
    let asked = node.sums.asked.load(Ordering::SeqCst);
    node.assert_spent().await;
    assert_eq!(node.sums.asked.load(Ordering::SeqCst), asked, "who is refused again does not ask again");

    node.sums.spent.store(0, Ordering::SeqCst);
    node.clock.advance(Duration::from_secs(31 * 24 * 3600));
    assert_eq!(node.reserve(1_000).await.amount(), NanoUsd(1_000));
}

#[tokio::test]
async fn many_at_once_ask_once() {
    let node = Node::new();
    let reserved = futures::future::join_all((0..50).map(|_| node.reserve(10))).await;
    assert_eq!(node.sums.asked.load(Ordering::SeqCst), 1);
    assert_eq!(reserved.iter().map(KeyReservation::amount).sum::<NanoUsd>(), NanoUsd(500));
}

#[tokio::test]
async fn a_store_that_is_away_is_said_to_be() {
    let node = Node::new();
    node.sums.is_down.store(true, Ordering::SeqCst);
    assert!(matches!(node.try_reserve(10).await, Err(Refusal::Unavailable(_))));
}
