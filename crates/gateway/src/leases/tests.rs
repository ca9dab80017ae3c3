use futures::FutureExt;
use futures::future::join_all;
use ledger::{MoneyUse, PoolKind, QuotaUse, Settlement, TopUp, WindowName, WindowSpan};
use tokio::time::{Instant, advance, sleep};
use vocab::{RequestId, SubscriptionId, Timestamp};

use super::fake_store::{FakeStore, Mood};
use super::*;

/// Shows the time of the paused runtime.
struct RuntimeClock(Instant);

impl Clock for RuntimeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000).plus(self.0.elapsed())
    }
}

struct House {
    store: Arc<FakeStore>,
    clock: Arc<RuntimeClock>,
    tracker: TaskTracker,
    leases: Leases,
    account: AccountId,
    pool: Pool,
}

impl House {
    fn open() -> Self {
        Self::with(LeasesSettings::default())
    }

    fn with(settings: LeasesSettings) -> Self {
        let (store, tracker) = (Arc::new(FakeStore::default()), TaskTracker::new());
        let clock = Arc::new(RuntimeClock(Instant::now()));
        let leases =
            Leases::new(store.clone(), store.clone(), clock.clone(), NodeId::generate(), settings, &tracker);
        let pool = Pool { subscription: SubscriptionId::generate(), kind: PoolKind::Prompts };
        Self { store, clock, tracker, leases, account: AccountId::generate(), pool }
    }

    fn rich() -> Self {
        let house = Self::open();
        house.pay_in("first", 1_000_000);
        house
    }

    fn pay_in(&self, reference: &str, amount: i64) {
        let reference = reference.to_owned();
        let top_up =
            TopUp { reference, account: self.account, amount: NanoUsd(amount), at: self.clock.now() };
        self.store.ledger.book().top_up(&top_up).unwrap();
    }

    async fn reserve(&self, want: i64, least: i64) -> Result<MoneyReservation, MoneyRefused> {
        self.leases.reserve_money(self.account, NanoUsd(want), NanoUsd(least)).await
    }

    async fn reserve_quota(&self, limit: i64, units: i64) -> Result<QuotaReservation, QuotaRefused> {
        let span = WindowSpan::Rolling(Duration::from_secs(5 * 3600));
        let limit = WindowLimit { name: WindowName::FiveHours, span, limit: Units(limit) };
        self.leases.reserve_quota(self.pool, &[limit], Units(units)).await
    }

    fn held(&self) -> NanoUsd {
        self.store.ledger.book().funds(self.account, self.clock.now()).held
    }

    /// What the meter does when a request has ended.
    fn write(&self, hold: HoldId, cost: NanoUsd) {
        let at = self.clock.now();
        let settlement = Settlement {
            request: RequestId::generate(at),
            account: self.account,
            at,
            money: Some(MoneyUse { hold: Some(hold), cost, price_version: 1 }),
            quota: None,
        };
        self.store.ledger.book().settle(&[settlement]).unwrap();
    }

    async fn shut(self) {
        drop(self.leases);
        self.tracker.close();
        self.tracker.wait().await;
    }
}

fn refused<T>(result: Result<T, MoneyRefused>) -> MoneyRefused {
    result.err().expect("a refusal")
}

/// A request that fits into a lease waits for nothing.
#[tokio::test(start_paused = true)]
async fn the_second_request_does_not_wait_for_the_store() {
    let house = House::rich();
    let first = house.reserve(1000, 1).await.unwrap();
    assert_eq!(first.amount(), NanoUsd(1000));
    let (hold, _unwritten) = (first.hold(), first.settle(NanoUsd(10)));
    let second = house.reserve(900, 1).now_or_never().expect("no wait").unwrap();
    assert_eq!(second.hold(), hold);
    assert_eq!(house.store.opens(), 1);
}

/// Requests that come together on a cold account do not each ask the store.
#[tokio::test(start_paused = true)]
async fn a_hundred_requests_at_once_share_a_few_calls() {
    let house = House::rich();
    let all = join_all((0..100).map(|_| house.reserve(100, 100))).await;
    assert!(all.iter().all(Result::is_ok));
    assert!(house.store.opens() <= 5, "{} calls", house.store.opens());
    let all = join_all((0..100).map(|_| house.reserve_quota(5_000, 50))).await;
    assert!(all.iter().all(Result::is_ok));
    assert!(matches!(house.reserve_quota(5_000, 50).await, Err(QuotaRefused::Exhausted(_))));
}

/// Whoever asked first may leave; the others that wait for the same answer get it.
#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_takes_nobody_along() {
    let house = House::rich();
    let mut leaves = Box::pin(house.reserve(100, 100));
    assert!(leaves.as_mut().now_or_never().is_none());
    let stays = house.reserve(100, 100);
    drop(leaves);
    assert!(stays.await.is_ok());
}

/// BILL-10: 27 retries of one prompt reach the database once or twice, and a top-up is noticed within a second.
#[tokio::test(start_paused = true)]
async fn a_client_without_money_may_try_as_often_as_it_likes() {
    let house = House::open();
    house.pay_in("a little", 7);
    for _ in 0..27 {
        let why = refused(house.reserve(100, 10).await);
        assert_eq!(why, MoneyRefused::NoMoney { available: NanoUsd(7) });
        advance(Duration::from_millis(10)).await;
    }
    assert_eq!(house.store.opens(), 1);
    house.pay_in("more", 1_000);
    sleep(Duration::from_secs(1)).await;
    assert!(house.reserve(100, 10).await.is_ok());
}

/// QUOTA-05: a refusal says which window is full and when it has room again, and does not ask each time.
#[tokio::test(start_paused = true)]
async fn a_used_up_quota_names_its_window_and_the_moment_to_return() {
    let house = House::open();
    let reserved = house.reserve_quota(100, 100).await.unwrap();
    let at = house.clock.now();
    let quota = QuotaUse {
        pool: house.pool,
        slice: Some(reserved.slice()),
        units: reserved.units(),
        used_at: at,
        anchored: Vec::new(),
    };
    let unwritten = reserved.settle(Units(100));
    let request = RequestId::generate(at);
    let settlement = Settlement { request, account: house.account, at, money: None, quota: Some(quota) };
    house.store.ledger.book().settle(&[settlement]).unwrap();
    drop(unwritten);
    for _ in 0..27 {
        let Err(QuotaRefused::Exhausted(exhausted)) = house.reserve_quota(100, 50).await else {
            panic!("the quota is used up");
        };
        assert_eq!(exhausted.window, WindowName::FiveHours);
        assert!(exhausted.resets >= at.plus(Duration::from_secs(5 * 3600)));
    }
    assert_eq!(house.store.opens(), 2);
}

/// A store that is gone: what is leased is spent, then everyone hears at once that it is unavailable, and when it is
/// back so are they.
#[tokio::test(start_paused = true)]
async fn requests_within_leases_go_on_without_the_store() {
    for mood in [Mood::Fails, Mood::Hangs, Mood::Panics, Mood::LosesAnswers] {
        let house = House::rich();
        drop(house.reserve(1000, 1000).await.unwrap());
        house.store.is_in(mood);
        let within = house.reserve(600, 600).now_or_never().expect("no wait").unwrap();

        let began = Instant::now();
        assert_eq!(refused(house.reserve(600, 600).await), MoneyRefused::Unavailable);
        assert!(began.elapsed() <= Duration::from_millis(2_001), "{mood:?}");
        let began = Instant::now();
        assert_eq!(refused(house.reserve(600, 600).await), MoneyRefused::Unavailable);
        assert!(began.elapsed() < Duration::from_millis(1), "{mood:?}");
        // Something is better than nothing for whoever takes less.
        assert_eq!(house.reserve(600, 10).await.unwrap().amount(), NanoUsd(400));

        sleep(Duration::from_secs(30)).await;
        house.store.is_in(Mood::Answers);
        sleep(Duration::from_secs(3)).await;
        assert!(house.reserve(600, 600).await.is_ok(), "{mood:?}");

        let cost = NanoUsd(600);
        let hold = within.hold();
        let unwritten = within.settle(cost);
        house.write(hold, cost);
        drop(unwritten);
        sleep(Duration::from_secs(5)).await;
        let funds = house.store.ledger.book().funds(house.account, house.clock.now());
        assert_eq!((funds.cash, funds.held), (NanoUsd(999_400), NanoUsd::ZERO), "{mood:?}");
    }
}

/// While a store stays silent, one request finds out whether it is back, and nobody else waits with it.
#[tokio::test(start_paused = true)]
async fn one_request_asks_a_silent_store_for_all() {
    let house = House::rich();
    house.store.is_in(Mood::Hangs);
    refused(house.reserve(600, 600).await);
    for _ in 0..20 {
        sleep(Duration::from_millis(300)).await;
        let waits = join_all((0..10).map(async |_| {
            let began = Instant::now();
            refused(house.reserve(600, 600).await);
            began.elapsed()
        }));
        let waits = waits.await.into_iter().filter(|waited| *waited > Duration::from_millis(1));
        assert!(waits.count() <= 1);
    }
    house.store.is_in(Mood::Answers);
    sleep(Duration::from_secs(3)).await;
    assert!(house.reserve(600, 600).await.is_ok());
}

/// A request that takes minutes keeps its lease.
#[tokio::test(start_paused = true)]
async fn a_long_request_keeps_what_it_reserved() {
    let house = House::rich();
    let long = house.reserve(500, 500).await.unwrap();
    for _ in 0..300 {
        sleep(Duration::from_secs(1)).await;
        house.store.ledger.book().expire(house.clock.now(), 100).unwrap();
    }
    assert_eq!(house.held(), NanoUsd(500));
    house.write(long.hold(), NanoUsd(500));
    drop(long.settle(NanoUsd(500)));
    assert_eq!(house.held(), NanoUsd::ZERO);
}

/// What nobody uses goes back and is forgotten.
#[tokio::test(start_paused = true)]
async fn an_idle_account_has_nothing_set_aside() {
    let house = House::rich();
    drop(house.reserve(500, 500).await.unwrap());
    assert_eq!(house.held(), NanoUsd(500));
    sleep(Duration::from_secs(3)).await;
    assert_eq!(house.held(), NanoUsd::ZERO);
    assert!(house.leases.shared.money.shards().all(|shard| shard.is_empty()));
}

/// More accounts than a node keeps leases for are turned away, not kept.
#[tokio::test(start_paused = true)]
async fn a_node_keeps_leases_for_so_many_accounts_and_no_more() {
    let house = House::with(LeasesSettings { pools_max: 64, ..LeasesSettings::default() });
    let refusals =
        join_all((0..300).map(|_| house.leases.reserve_money(AccountId::generate(), NanoUsd(1), NanoUsd(1))));
    let unavailable =
        refusals.await.into_iter().filter(|result| matches!(result, Err(MoneyRefused::Unavailable)));
    assert!(unavailable.count() >= 300 - 64);
}

/// At the end everything is given back, but not before the last record is written.
#[tokio::test(start_paused = true)]
async fn the_end_waits_for_the_last_record_and_leaves_nothing_set_aside() {
    let house = House::rich();
    let reservation = house.reserve(500, 500).await.unwrap();
    let (hold, unwritten) = (reservation.hold(), reservation.settle(NanoUsd(120)));
    let (store, clock, account) = (house.store.clone(), house.clock.clone(), house.account);
    let shut = tokio::spawn(house.shut());
    sleep(Duration::from_secs(1)).await;
    assert!(!shut.is_finished());
    let at = clock.now();
    let settlement = Settlement {
        request: RequestId::generate(at),
        account,
        at,
        money: Some(MoneyUse { hold: Some(hold), cost: NanoUsd(120), price_version: 1 }),
        quota: None,
    };
    let settled = store.ledger.book().settle(&[settlement]).unwrap();
    assert_eq!(settled[0].waived(), NanoUsd::ZERO);
    drop(unwritten);
    shut.await.unwrap();
    let funds = store.ledger.book().funds(account, clock.now());
    assert_eq!((funds.cash, funds.held), (NanoUsd(999_880), NanoUsd::ZERO));
}

/// A settlement that is left to the next start finds the money that was set aside for it.
#[tokio::test(start_paused = true)]
async fn the_end_gives_nothing_back_that_a_record_left_behind_needs() {
    let house = House::rich();
    let reservation = house.reserve(500, 500).await.unwrap();
    let hold = reservation.hold();
    reservation.settle(NanoUsd(120)).leave();
    let (store, clock, account) = (house.store.clone(), house.clock.clone(), house.account);
    house.shut().await;
    assert!(store.ledger.book().funds(account, clock.now()).held >= NanoUsd(120));

    let at = clock.now();
    let money = Some(MoneyUse { hold: Some(hold), cost: NanoUsd(120), price_version: 1 });
    let settlement = Settlement { request: RequestId::generate(at), account, at, money, quota: None };
    let settled = store.ledger.book().settle(&[settlement]).unwrap();
    assert_eq!(settled[0].waived(), NanoUsd::ZERO);
}
