//! What it costs to set money and quota aside for a request, and to take what it used.
//!
//! Budgets, of the 20 µs of CPU that a whole admission may take: 1 µs to reserve from a warm lease and 1 µs to settle,
//! for money and for quota alike, however many accounts are active. Ratios on one machine; a bench is no test. Run with
//! `cargo bench -p gateway --bench admission`.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use futures::FutureExt;
use gateway::{Leases, LeasesSettings};
use ledger::{LedgerStore, MemoryLedger, Pool, PoolKind, TopUp, Units, WindowLimit, WindowName, WindowSpan};
use tokio::runtime::Builder;
use tokio_util::task::TaskTracker;
use vocab::{AccountId, Clock, NanoUsd, NodeId, SubscriptionId, SystemClock, Timestamp};

const ACCOUNTS: usize = 1_000;

/// What a chat with a long answer may cost, and what it does.
const CEILING: NanoUsd = NanoUsd(144_000_000);
const COST: NanoUsd = NanoUsd(1);
const CALL: Units = Units(50);

fn limits() -> [WindowLimit; 2] {
    let week =
        WindowSpan::Anchored { starts: Timestamp::from_millis(0), ends: Timestamp::from_millis(i64::MAX) };
    let five_hours = WindowSpan::Rolling(Duration::from_secs(5 * 3600));
    let limit = Units(i64::MAX / 4);
    [
        WindowLimit { name: WindowName::FiveHours, span: five_hours, limit },
        WindowLimit { name: WindowName::Week, span: week, limit },
    ]
}

fn admission(criterion: &mut Criterion) {
    // The store's answers and the upkeep run on the other thread.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let _inside = runtime.enter();
    let tracker = TaskTracker::new();
    let store = Arc::new(MemoryLedger::default());
    let leases = Leases::new(
        store.clone(),
        store.clone(),
        Arc::new(SystemClock),
        NodeId::generate(),
        LeasesSettings::default(),
        &tracker,
    );
    let accounts: Vec<AccountId> = (0..ACCOUNTS).map(|_| AccountId::generate()).collect();
    let pools: Vec<Pool> = (0..ACCOUNTS)
        .map(|_| Pool { subscription: SubscriptionId::generate(), kind: PoolKind::Prompts })
        .collect();
    for (number, account) in accounts.iter().enumerate() {
        let amount = NanoUsd(i64::MAX / 4);
        let top_up =
            TopUp { reference: number.to_string(), account: *account, amount, at: SystemClock.now() };
        runtime.block_on(store.top_up(&top_up)).expect("a top-up");
    }

    let mut group = criterion.benchmark_group("a request's money");
    for active in [1, ACCOUNTS] {
        let mut turn = 0;
        group.bench_function(format!("reserved and settled, {active} accounts"), |bench| {
            bench.iter(|| {
                turn = (turn + 1) % active;
                let reserve = leases.reserve_money(accounts[turn], CEILING, COST);
                // Only a lease that has just run short waits.
                let reserved = at_once_or_later(&runtime, reserve).expect("money");
                drop(black_box(reserved.settle(COST)));
            });
        });
    }
    group.finish();

    let limits = limits();
    let mut group = criterion.benchmark_group("a request's quota");
    for active in [1, ACCOUNTS] {
        let mut turn = 0;
        group.bench_function(format!("reserved and given back, {active} plans"), |bench| {
            bench.iter(|| {
                turn = (turn + 1) % active;
                let reserve = leases.reserve_quota(pools[turn], &limits, CALL);
                drop(black_box(at_once_or_later(&runtime, reserve).expect("quota")));
            });
        });
        group.bench_function(format!("reserved and settled, {active} plans"), |bench| {
            bench.iter(|| {
                turn = (turn + 1) % active;
                let reserve = leases.reserve_quota(pools[turn], &limits, CALL);
                let reserved = at_once_or_later(&runtime, reserve).expect("quota");
                drop(black_box(reserved.settle(CALL)));
            });
        });
    }
    group.finish();
}

/// As a handler does it: the first poll is the request's own, and mostly the last.
fn at_once_or_later<T>(runtime: &tokio::runtime::Runtime, reserve: impl Future<Output = T>) -> T {
    let mut reserve = std::pin::pin!(reserve);
    match reserve.as_mut().now_or_never() {
        Some(reserved) => reserved,
        None => runtime.block_on(reserve),
    }
}

criterion_group!(benches, admission);
criterion_main!(benches);
