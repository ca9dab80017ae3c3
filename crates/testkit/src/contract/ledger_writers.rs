//! Many writers at once: nobody overspends, nothing is lost, nothing is charged twice.

use std::sync::Arc;

use ledger::{HoldOutcome, LedgerStore, QuotaStore, Settled, Settlement, SliceOutcome, WindowName};
use vocab::{AccountId, HoldId, NanoUsd};

use super::ledger::{NOW, after, cost, credits, funded, hold, is_clean};
use super::quota::{limits, pool, slice, used};

const WRITERS: usize = 64;
const ROUNDS: usize = 4;

/// Runs every rule on a fresh ledger.
pub async fn all<S: LedgerStore + QuotaStore>(fresh: impl AsyncFn() -> S) {
    sixty_four_writers_spend_what_is_there(fresh().await).await;
    the_same_group_from_many_writers_is_charged_once(fresh().await).await;
    sixty_four_nodes_share_a_pool(fresh().await).await;
}

/// Each takes a lease, spends it on two requests and a late one, and gives the rest back; sweeps run beside them.
async fn sixty_four_writers_spend_what_is_there<S: LedgerStore>(store: S) {
    let store = Arc::new(store);
    let mut accounts = Vec::new();
    for _ in 0..4 {
        let account = funded(&*store, 1_000).await;
        store.grant(&credits(account, 100, 0, None)).await.expect("the ledger answers");
        accounts.push(account);
    }
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (store, accounts) = (store.clone(), accounts.clone());
            tokio::spawn(async move {
                let mut charged = Vec::new();
                for round in 0..ROUNDS {
                    charged.extend(spend(&*store, &accounts, writer + round).await);
                    store.expire(NOW, 5).await.expect("the ledger answers");
                }
                charged
            })
        })
        .collect();
    let mut charged = vec![0; accounts.len()];
    for writer in writers {
        for settled in writer.await.expect("a writer ends") {
            let place =
                accounts.iter().position(|account| *account == settled.account).expect("it is one of them");
            charged[place] += settled.charged.0;
        }
    }
    for (account, charged) in accounts.iter().zip(charged) {
        let funds = store.funds(*account, NOW).await.expect("the ledger answers");
        assert!(funds.cash >= NanoUsd::ZERO, "{funds:?}");
        assert_eq!(funds.held, NanoUsd::ZERO);
        assert_eq!(funds.cash.0 + funds.credits.0 + charged, 1_100);
    }
    is_clean(&*store).await;
}

async fn spend<S: LedgerStore>(store: &S, accounts: &[AccountId], turn: usize) -> Vec<Settled> {
    let (account, other) = (accounts[turn % accounts.len()], accounts[(turn + 1) % accounts.len()]);
    let request = hold(account, 30, 5);
    let lease = match store.hold_open(&request).await.expect("the ledger answers") {
        HoldOutcome::Opened(amount) => {
            assert!(amount >= request.least && amount <= request.want);
            Some(request.id)
        }
        HoldOutcome::Insufficient { available } => {
            assert!(available < request.least);
            None
        }
    };
    let group: Vec<Settlement> = match lease {
        Some(lease) => {
            vec![cost(account, Some(lease), 3), cost(other, None, 1), cost(account, Some(lease), 2)]
        }
        None => vec![cost(other, Some(HoldId::generate()), 1)],
    };
    let settled = store.settle(&group).await.expect("the ledger answers");
    let again = store.settle(&group).await.expect("the ledger answers");
    assert_eq!(settled, again);
    if let Some(lease) = lease {
        store.hold_release(lease, after(1)).await.expect("the ledger answers");
    }
    settled
}

/// As when a node that was thought dead hands its journal in while another does the same.
async fn the_same_group_from_many_writers_is_charged_once<S: LedgerStore>(store: S) {
    let store = Arc::new(store);
    let account = funded(&*store, 1_000).await;
    let unknown = AccountId::generate();
    let group: Arc<Vec<_>> =
        Arc::new((0..20).map(|place| cost(if place < 15 { account } else { unknown }, None, 2)).collect());
    let writers: Vec<_> = (0..16)
        .map(|_| {
            let (store, group) = (store.clone(), group.clone());
            tokio::spawn(async move { store.settle(&group).await.expect("the ledger answers") })
        })
        .collect();
    let mut answers = Vec::new();
    for writer in writers {
        answers.push(writer.await.expect("a writer ends"));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(store.funds(account, NOW).await.expect("the ledger answers").cash, NanoUsd(970));
    is_clean(&*store).await;
}

/// Slices that are open and use that is counted never go over the limit together.
async fn sixty_four_nodes_share_a_pool<S: LedgerStore + QuotaStore>(store: S) {
    let store = Arc::new(store);
    let pool = pool();
    let nodes: Vec<_> = (0..WRITERS)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut spent = 0;
                for _ in 0..ROUNDS {
                    let request = slice(pool, limits(400, 5_000), 3, 1, NOW);
                    match store.slice_open(&request).await.expect("the store answers") {
                        SliceOutcome::Opened(given) => {
                            let group = [used(pool, Some(request.id), given.0, NOW)];
                            store.settle(&group).await.expect("the store answers");
                            store.slice_release(request.id).await.expect("the store answers");
                            spent += given.0;
                        }
                        SliceOutcome::Exhausted { window, resets } => {
                            assert_eq!((window, resets), (WindowName::FiveHours, after(5 * 3_600_000)));
                        }
                    }
                }
                spent
            })
        })
        .collect();
    let mut spent = 0;
    for node in nodes {
        spent += node.await.expect("a node ends");
    }
    assert_eq!(spent, 400, "all of it, and no more");
    let states = store.quota_used(pool, &limits(400, 5_000), NOW).await.expect("the store answers");
    assert_eq!((states[0].used.0, states[1].used.0), (400, 400));
    is_clean(&*store).await;
}
