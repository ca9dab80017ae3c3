//! What every ledger must do with money that is set aside.

use ledger::{EntryKind, HoldOutcome, HoldRequest, LedgerStore};
use vocab::{AccountId, HoldId, NanoUsd};

use super::ledger::{NOW, after, cost, credits, entries, funded, funds, hold, is_clean, opened, settled};

/// Runs every rule on a fresh ledger.
pub(super) async fn all<S: LedgerStore>(fresh: &impl AsyncFn() -> S) {
    a_hold_takes_credits_and_then_cash(&fresh().await).await;
    a_hold_is_opened_once(&fresh().await).await;
    what_is_not_there_is_not_set_aside(&fresh().await).await;
    a_renewed_hold_stays(&fresh().await).await;
    sweeps_are_bounded_and_in_order(&fresh().await).await;
    credits_given_back_after_their_time_end_again(&fresh().await).await;
}

/// BILL-12: credits by priority and expiry, then cash; back the other way.
async fn a_hold_takes_credits_and_then_cash<S: LedgerStore>(store: &S) {
    let account = funded(store, 100).await;
    let (late, soon, over) = (
        credits(account, 10, 0, Some(after(9_000))),
        credits(account, 10, 0, Some(after(8_000))),
        credits(account, 10, -1, Some(NOW)),
    );
    for grant in [&late, &soon, &over] {
        store.grant(grant).await.expect("the ledger answers");
    }
    let id = opened(store, &hold(account, 50, 50)).await;
    assert_eq!(funds(store, account, NOW).await, (70, 0, 50, 0));
    let entry = entries(store, account).await.swap_remove(0);
    assert_eq!((entry.kind, entry.reference), (EntryKind::Hold, id.to_string()));
    assert_eq!(entry.postings.len(), 4, "two grants, cash and the hold");

    assert_eq!(settled(store, &[cost(account, Some(id), 15)]).await[0].from_credits, NanoUsd(15));
    assert_eq!(settled(store, &[cost(account, Some(id), 10)]).await[0].from_credits, NanoUsd(5));
    let released = store.hold_release(id, NOW).await.expect("the ledger answers");
    assert_eq!(released, NanoUsd(25));
    assert_eq!(funds(store, account, NOW).await, (95, 0, 0, 0));
    is_clean(store).await;

    let last = credits(account, 10, 0, None);
    store.grant(&last).await.expect("the ledger answers");
    let id = opened(store, &hold(account, 7, 7)).await;
    let released = store.hold_release(id, NOW).await.expect("the ledger answers");
    assert_eq!((released.0, funds(store, account, NOW).await), (7, (95, 10, 0, 0)));
    is_clean(store).await;
}

async fn a_hold_is_opened_once<S: LedgerStore>(store: &S) {
    let account = funded(store, 100).await;
    let request = hold(account, 150, 10);
    for _ in 0..2 {
        let outcome = store.hold_open(&request).await.expect("the ledger answers");
        assert_eq!(outcome, HoldOutcome::Opened(NanoUsd(100)));
    }
    let of_another = HoldRequest { account: AccountId::generate(), ..request.clone() };
    assert!(store.hold_open(&of_another).await.is_err());
    assert_eq!(store.hold_release(request.id, NOW).await.expect("the ledger answers"), NanoUsd(100));
    assert_eq!(store.hold_release(request.id, NOW).await.expect("the ledger answers"), NanoUsd::ZERO);
    let outcome = store.hold_open(&request).await.expect("the ledger answers");
    assert_eq!(outcome, HoldOutcome::Opened(NanoUsd(100)), "as it was answered then");
    assert_eq!(funds(store, account, NOW).await, (100, 0, 0, 0));
    is_clean(store).await;
}

async fn what_is_not_there_is_not_set_aside<S: LedgerStore>(store: &S) {
    let account = funded(store, 100).await;
    opened(store, &hold(account, 80, 80)).await;
    let outcome = store.hold_open(&hold(account, 80, 21)).await.expect("the ledger answers");
    assert_eq!(outcome, HoldOutcome::Insufficient { available: NanoUsd(20) });
    let outcome = store.hold_open(&hold(account, 80, 20)).await.expect("the ledger answers");
    assert_eq!(outcome, HoldOutcome::Opened(NanoUsd(20)));
    is_clean(store).await;
}

async fn a_renewed_hold_stays<S: LedgerStore>(store: &S) {
    let account = funded(store, 100).await;
    let (renewed, left) =
        (opened(store, &hold(account, 10, 10)).await, opened(store, &hold(account, 20, 20)).await);
    store.hold_renew(&[renewed, HoldId::generate()], after(2_000)).await.expect("the ledger answers");
    store.hold_renew(&[renewed], after(1_500)).await.expect("the ledger answers");
    store.hold_renew(&[], after(2_000)).await.expect("the ledger answers");
    let expired = store.expire(after(999), 10).await.expect("the ledger answers");
    assert_eq!(expired.holds, []);
    let expired = store.expire(after(1_000), 10).await.expect("the ledger answers");
    assert_eq!(expired.holds, [(left, NanoUsd(20))]);
    store.hold_renew(&[left], after(9_000)).await.expect("the ledger answers");
    let expired = store.expire(after(2_000), 10).await.expect("the ledger answers");
    assert_eq!(expired.holds, [(renewed, NanoUsd(10))]);
    is_clean(store).await;
}

async fn sweeps_are_bounded_and_in_order<S: LedgerStore>(store: &S) {
    let account = funded(store, 100).await;
    let mut ids = Vec::new();
    for until in [3, 1, 2] {
        let request = HoldRequest { until: after(until), ..hold(account, 10, 10) };
        ids.push(opened(store, &request).await);
    }
    let grants = [3, 1, 2].map(|expires| credits(account, 5, 0, Some(after(expires))));
    for grant in &grants {
        store.grant(grant).await.expect("the ledger answers");
    }
    let expired = store.expire(after(2), 1).await.expect("the ledger answers");
    assert_eq!(
        (expired.holds, expired.grants),
        (vec![(ids[1], NanoUsd(10))], vec![(grants[1].id, NanoUsd(5))])
    );
    let expired = store.expire(after(3), 10).await.expect("the ledger answers");
    assert_eq!(expired.holds, [(ids[2], NanoUsd(10)), (ids[0], NanoUsd(10))]);
    assert_eq!(expired.grants, [(grants[2].id, NanoUsd(5)), (grants[0].id, NanoUsd(5))]);
    assert_eq!(store.expire(after(3), 10).await.expect("the ledger answers"), ledger::Expired::default());
    assert_eq!(funds(store, account, NOW).await, (100, 0, 0, 0));
    is_clean(store).await;
}

async fn credits_given_back_after_their_time_end_again<S: LedgerStore>(store: &S) {
    let account = AccountId::generate();
    let grant = credits(account, 100, 0, Some(after(10)));
    store.grant(&grant).await.expect("the ledger answers");
    let (first, second) =
        (opened(store, &hold(account, 30, 30)).await, opened(store, &hold(account, 20, 20)).await);
    for (hold, ends) in [(None, 50), (Some(first), 30), (Some(second), 20)] {
        if let Some(hold) = hold {
            store.hold_release(hold, after(20)).await.expect("the ledger answers");
        }
        assert_eq!(funds(store, account, after(20)).await.1, 0, "it cannot be spent");
        let expired = store.expire(after(20), 10).await.expect("the ledger answers");
        assert_eq!(expired.grants, [(grant.id, NanoUsd(ends))]);
    }
    is_clean(store).await;
}
