//! Random operations: whatever happens, in whatever order, a ledger does exactly what the one in memory does.

use std::time::Duration;

use ledger::{LedgerStore, MemoryLedger, QuotaStore};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use self::case::Case;

mod case;

/// The accounts, and the pools, of one case.
const PARTIES: usize = 2;

/// How many cases share a check of the whole ledger, which looks at the cases before as well.
const CASES_PER_CHECK: u32 = 200;

/// Something that happens. What it is about is chosen by number from what there is, if there is that many.
#[derive(Clone, Debug)]
enum Operation {
    TopUp { of: usize, amount: i64 },
    TopUpAgain(usize),
    Grant { of: usize, amount: i64, priority: i32, lasts_ms: Option<u64> },
    GrantAgain(usize),
    Overdraft { of: usize, amount: i64 },
    Open { of: usize, want: i64, least: i64, lasts_ms: u64 },
    OpenAgain(usize),
    Renew { holds: Vec<usize>, lasts_ms: u64 },
    Release(usize),
    Settle(Vec<Use>),
    Expire { limit: u32 },
    Refund { request: usize, amount: i64 },
    RefundAgain(usize),
    Slice { of: usize, want: i64, least: i64, lasts_ms: u64 },
    SliceAgain(usize),
    SliceRenew { slices: Vec<usize>, lasts_ms: u64 },
    SliceRelease(usize),
    SlicesExpire,
    QuotaReset { of: usize, window: usize },
}

/// One request of a group.
#[derive(Clone, Debug)]
enum Use {
    Money { of: usize, hold: Option<usize>, cost: i64, late_ms: u64 },
    Quota { of: usize, slice: Option<usize>, units: i64, late_ms: u64 },
    Again(usize),
}

/// Lets `cases` runs of random operations happen to a new store and to a [`MemoryLedger`], and expects the same answers,
/// the same money, entries and use at the end of each, and a clean check of the whole every now and then.
///
/// # Panics
///
/// If the two differ; the message holds the run.
pub fn equals_the_reference<S: LedgerStore + QuotaStore>(cases: u32, fresh: impl AsyncFn() -> S) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let (reference, store) = (MemoryLedger::default(), runtime.block_on(fresh()));
    let mut left = cases;
    while left > 0 {
        let round = left.min(CASES_PER_CHECK);
        left -= round;
        // The runs share both ledgers, so a run that failed cannot be tried again.
        let config =
            Config { cases: round, max_shrink_iters: 0, failure_persistence: None, ..Config::default() };
        let steps = proptest::collection::vec((operation(), 0..300_u64), 1..40);
        let outcome = TestRunner::new(config).run(&steps, |steps| {
            runtime.block_on(async {
                let mut case = Case::new(&reference, &store);
                for (operation, later_ms) in &steps {
                    case.later(Duration::from_millis(*later_ms));
                    let taken = case.take(operation).await;
                    taken.map_err(|error| TestCaseError::fail(format!("{operation:?}: {error}")))?;
                }
                case.compare().await
            })
        });
        if let Err(failure) = outcome {
            panic!("{failure}");
        }
        let verified = runtime.block_on(store.verify()).expect("the ledger answers");
        assert!(verified.is_clean(), "{verified:?}");
        assert!(reference.book().verify().is_clean());
    }
}

fn operation() -> impl Strategy<Value = Operation> {
    let of = || 0..PARTIES;
    let any = || 0..10_usize;
    let lasts = || 0..2_000_u64;
    prop_oneof![
        4 => (of(), -50..300_i64).prop_map(|(of, amount)| Operation::TopUp { of, amount }),
        1 => any().prop_map(Operation::TopUpAgain),
        2 => (of(), 0..100_i64, 0..3, proptest::option::of(lasts())).prop_map(
            |(of, amount, priority, lasts_ms)| Operation::Grant { of, amount, priority, lasts_ms }
        ),
        1 => any().prop_map(Operation::GrantAgain),
        1 => (of(), -10..60_i64).prop_map(|(of, amount)| Operation::Overdraft { of, amount }),
        4 => (of(), 0..150_i64, 0..50_i64, lasts())
            .prop_map(|(of, want, least, lasts_ms)| Operation::Open { of, want, least, lasts_ms }),
        1 => any().prop_map(Operation::OpenAgain),
        1 => (proptest::collection::vec(any(), 0..4), lasts())
            .prop_map(|(holds, lasts_ms)| Operation::Renew { holds, lasts_ms }),
        2 => any().prop_map(Operation::Release),
        6 => proptest::collection::vec(one_use(), 0..8).prop_map(Operation::Settle),
        2 => (1..4_u32).prop_map(|limit| Operation::Expire { limit }),
        2 => (any(), 0..60_i64).prop_map(|(request, amount)| Operation::Refund { request, amount }),
        1 => any().prop_map(Operation::RefundAgain),
        3 => (of(), 0..60_i64, 0..20_i64, lasts())
            .prop_map(|(of, want, least, lasts_ms)| Operation::Slice { of, want, least, lasts_ms }),
        1 => any().prop_map(Operation::SliceAgain),
        1 => (proptest::collection::vec(any(), 0..4), lasts())
            .prop_map(|(slices, lasts_ms)| Operation::SliceRenew { slices, lasts_ms }),
        1 => any().prop_map(Operation::SliceRelease),
        1 => Just(Operation::SlicesExpire),
        1 => (of(), 0..2_usize).prop_map(|(of, window)| Operation::QuotaReset { of, window }),
    ]
}

fn one_use() -> impl Strategy<Value = Use> {
    let of = || 0..PARTIES;
    let any = || proptest::option::of(0..10_usize);
    let late = || 0..4_000_u64;
    prop_oneof![
        5 => (of(), any(), -2..60_i64, late())
            .prop_map(|(of, hold, cost, late_ms)| Use::Money { of, hold, cost, late_ms }),
        3 => (of(), any(), -2..30_i64, late())
            .prop_map(|(of, slice, units, late_ms)| Use::Quota { of, slice, units, late_ms }),
        2 => (0..10_usize).prop_map(Use::Again),
    ]
}
