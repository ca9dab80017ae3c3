//! Whatever happens to an account, in whatever order, the books stay true.

#![expect(clippy::unwrap_used, reason = "a step that cannot be taken fails the test")]

use std::time::Duration;

use ledger::{Book, Grant, GrantKind, HoldPurpose, HoldRequest, MoneyUse, Refund, Settlement, TopUp};
use proptest::prelude::*;
use vocab::{AccountId, GrantId, HoldId, NanoUsd, RequestId, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(1_770_631_146_000);

#[derive(Clone, Debug)]
enum Step {
    TopUp(i64),
    Grant { amount: i64, priority: i32, lasts_ms: Option<u64> },
    Overdraft(i64),
    Open { want: i64, least: i64 },
    Release(usize),
    Settle(Vec<(usize, i64)>),
    SettleAgain(usize),
    Refund(usize, i64),
    Expire,
}

fn step() -> impl Strategy<Value = Step> {
    let lasts = proptest::option::of(0..2_000_u64);
    prop_oneof![
        (-50..200_i64).prop_map(Step::TopUp),
        (1..100_i64, 0..3, lasts).prop_map(|(amount, priority, lasts_ms)| Step::Grant {
            amount,
            priority,
            lasts_ms
        }),
        (0..60_i64).prop_map(Step::Overdraft),
        (1..150_i64, 1..50_i64).prop_map(|(want, least)| Step::Open { want, least }),
        (0..8_usize).prop_map(Step::Release),
        proptest::collection::vec((0..8_usize, 0..80_i64), 1..6).prop_map(Step::Settle),
        (0..20_usize).prop_map(Step::SettleAgain),
        (0..20_usize, 1..60_i64).prop_map(|(request, amount)| Step::Refund(request, amount)),
        Just(Step::Expire),
    ]
}

/// What a run of steps has made so far.
#[derive(Default)]
struct Past {
    holds: Vec<HoldId>,
    settlements: Vec<Settlement>,
    steps: u32,
}

fn take(book: &mut Book, account: AccountId, step: &Step, at: Timestamp, past: &mut Past) {
    past.steps += 1;
    let reference = past.steps.to_string();
    match step {
        Step::TopUp(amount) => {
            book.top_up(&TopUp { reference, account, amount: NanoUsd(*amount), at }).unwrap();
        }
        Step::Grant { amount, priority, lasts_ms } => {
            let grant = Grant {
                id: GrantId::generate(),
                account,
                kind: GrantKind::Promotion,
                note: String::new(),
                amount: NanoUsd(*amount),
                priority: *priority,
                expires: lasts_ms.map(|ms| at.plus(Duration::from_millis(ms))),
                at,
            };
            book.grant(&grant).unwrap();
        }
        Step::Overdraft(amount) => book.overdraft_set(account, NanoUsd(*amount)),
        Step::Open { want, least } => {
            let request = HoldRequest {
                id: HoldId::generate(),
                account,
                purpose: HoldPurpose::Task,
                want: NanoUsd(*want),
                least: NanoUsd(*least),
                at,
                until: at.plus(Duration::from_millis(700)),
            };
            book.hold_open(&request).unwrap();
            past.holds.push(request.id);
        }
        Step::Release(hold) => {
            if let Some(hold) = past.holds.get(*hold) {
                book.hold_release(*hold, at).unwrap();
            }
        }
        Step::Settle(costs) => {
            let group: Vec<_> = costs
                .iter()
                .map(|(hold, cost)| {
                    let hold = past.holds.get(*hold).copied();
                    let money = MoneyUse { hold, cost: NanoUsd(*cost), price_version: 1 };
                    let request = RequestId::generate(at);
                    Settlement { request, account, at, money: Some(money), quota: None }
                })
                .collect();
            book.settle(&group).unwrap();
            past.settlements.extend(group);
        }
        Step::SettleAgain(settlement) => {
            if let Some(settlement) = past.settlements.get(*settlement) {
                let before = book.settled(&settlement.request);
                let again = book.settle(std::slice::from_ref(settlement)).unwrap();
                assert_eq!(again.into_iter().next(), before);
            }
        }
        Step::Refund(settlement, amount) => {
            if let Some(settlement) = past.settlements.get(*settlement) {
                let request = settlement.request.clone();
                let credits = GrantId::generate();
                book.refund(&Refund { reference, request, amount: NanoUsd(*amount), credits, at }).unwrap();
            }
        }
        Step::Expire => {
            book.expire(at, 3).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_books_stay_true(steps in proptest::collection::vec((step(), 0..400_u64), 1..60)) {
        let (mut book, account, mut past, mut at) = (Book::default(), AccountId::generate(), Past::default(), NOW);
        for (step, later_ms) in &steps {
            at = at.plus(Duration::from_millis(*later_ms));
            take(&mut book, account, step, at, &mut past);
            let funds = book.funds(account, at);
            prop_assert!(funds.available() >= NanoUsd::ZERO, "{:?}", funds);
            let verified = book.verify();
            prop_assert!(verified.is_clean(), "{:?} after {:?}", verified, step);
        }
    }
}
