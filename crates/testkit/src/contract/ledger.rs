//! What every ledger must do.

use std::time::Duration;

use ledger::{
    Applied, BookAccount, Entry, EntryKind, Funds, Grant, GrantKind, HoldOutcome, HoldPurpose, HoldRequest,
    LedgerStore, MoneyUse, Posting, Refund, RefundOutcome, Settled, Settlement, TopUp,
};
use vocab::{AccountId, GrantId, HoldId, NanoUsd, NodeId, RequestId, Timestamp};

/// When the tests begin.
pub const NOW: Timestamp = Timestamp::from_millis(1_770_631_146_000);

/// Runs every rule on a fresh ledger.
pub async fn all<S: LedgerStore>(fresh: impl AsyncFn() -> S) {
    an_unknown_account_has_nothing(&fresh().await).await;
    money_is_paid_in_once(&fresh().await).await;
    credits_come_back_as_they_went_in(&fresh().await).await;
    an_overdraft_can_be_spent_and_lowered(&fresh().await).await;
    super::ledger_holds::all(&fresh).await;
    a_group_is_settled_in_order_and_once(&fresh().await).await;
    a_large_group_of_many_accounts_is_settled(&fresh().await).await;
    a_late_settlement_takes_what_is_there(&fresh().await).await;
    another_accounts_hold_pays_nothing(&fresh().await).await;
    refunds_reverse_exactly_once(&fresh().await).await;
    entries_are_paged_newest_first(&fresh().await).await;
}

/// This many milliseconds after [`NOW`].
pub fn after(ms: u64) -> Timestamp {
    NOW.plus(Duration::from_millis(ms))
}

/// A top-up of a new order.
pub fn top_up(account: AccountId, amount: i64) -> TopUp {
    TopUp { reference: HoldId::generate().to_string(), account, amount: NanoUsd(amount), at: NOW }
}

/// New credits.
pub fn credits(account: AccountId, amount: i64, priority: i32, expires: Option<Timestamp>) -> Grant {
    let note = "'; DROP TABLE ledger_grant; -- 你好".to_owned();
    let (id, kind) = (GrantId::generate(), GrantKind::Referral);
    Grant { id, account, kind, note, amount: NanoUsd(amount), priority, expires, at: NOW }
}

/// A new hold for a second from [`NOW`].
pub fn hold(account: AccountId, want: i64, least: i64) -> HoldRequest {
    HoldRequest {
        id: HoldId::generate(),
        account,
        purpose: HoldPurpose::Lease(NodeId::generate()),
        want: NanoUsd(want),
        least: NanoUsd(least),
        at: NOW,
        until: after(1_000),
    }
}

/// A new request that costs so much.
pub fn cost(account: AccountId, hold: Option<HoldId>, cost: i64) -> Settlement {
    let money = MoneyUse { hold, cost: NanoUsd(cost), price_version: 7 };
    Settlement { request: RequestId::generate(NOW), account, at: NOW, money: Some(money), quota: None }
}

/// An account with so much cash.
pub async fn funded<S: LedgerStore>(store: &S, cash: i64) -> AccountId {
    let account = AccountId::generate();
    let applied = store.top_up(&top_up(account, cash)).await.expect("the ledger answers");
    assert_eq!(applied, Applied::Now);
    account
}

pub(super) async fn opened<S: LedgerStore>(store: &S, request: &HoldRequest) -> HoldId {
    let outcome = store.hold_open(request).await.expect("the ledger answers");
    assert_eq!(outcome, HoldOutcome::Opened(request.want));
    request.id
}

pub(super) async fn funds<S: LedgerStore>(
    store: &S,
    account: AccountId,
    at: Timestamp,
) -> (i64, i64, i64, i64) {
    let Funds { cash, credits, held, overdraft } =
        store.funds(account, at).await.expect("the ledger answers");
    (cash.0, credits.0, held.0, overdraft.0)
}

pub(super) async fn settled<S: LedgerStore>(store: &S, settlements: &[Settlement]) -> Vec<Settled> {
    store.settle(settlements).await.expect("the ledger answers")
}

pub(super) async fn entries<S: LedgerStore>(store: &S, account: AccountId) -> Vec<Entry> {
    store.entries(account, None, 1_000).await.expect("the ledger answers")
}

/// Nothing that must hold is broken.
pub async fn is_clean<S: LedgerStore>(store: &S) {
    let verified = store.verify().await.expect("the ledger answers");
    assert!(verified.is_clean(), "{verified:?}");
}

async fn an_unknown_account_has_nothing<S: LedgerStore>(store: &S) {
    let account = AccountId::generate();
    assert_eq!(funds(store, account, NOW).await, (0, 0, 0, 0));
    assert_eq!(store.grants(account, 10).await.expect("the ledger answers"), []);
    assert_eq!(entries(store, account).await, []);
    let outcome = store.hold_open(&hold(account, 5, 1)).await.expect("the ledger answers");
    assert_eq!(outcome, HoldOutcome::Insufficient { available: NanoUsd::ZERO });
    let released = store.hold_release(HoldId::generate(), NOW).await.expect("the ledger answers");
    assert_eq!(released, NanoUsd::ZERO);
    let request = RequestId::generate(NOW);
    assert_eq!(store.settled(&request).await.expect("the ledger answers"), None);
    assert_eq!(settled(store, &[]).await, []);
    let charged = settled(store, &[cost(account, None, 5)]).await;
    assert_eq!(
        (charged[0].charged, charged[0].waived(), charged[0].entry),
        (NanoUsd::ZERO, NanoUsd(5), None)
    );
    is_clean(store).await;
}

async fn money_is_paid_in_once<S: LedgerStore>(store: &S) {
    let apply = async |top_up: &TopUp| store.top_up(top_up).await.expect("the ledger answers");
    let account = AccountId::generate();
    let paid = top_up(account, 100);
    assert_eq!(apply(&paid).await, Applied::Now);
    assert_eq!(apply(&paid).await, Applied::Before);
    assert_eq!(apply(&TopUp { amount: NanoUsd(101), ..paid.clone() }).await, Applied::Refused);
    assert_eq!(apply(&TopUp { account: AccountId::generate(), ..paid.clone() }).await, Applied::Refused);
    assert_eq!(apply(&top_up(account, 0)).await, Applied::Refused);
    assert_eq!(apply(&top_up(account, i64::MAX)).await, Applied::Refused, "it does not fit");
    assert_eq!(apply(&top_up(account, -101)).await, Applied::Refused, "it is not there");
    assert_eq!(apply(&top_up(account, -40)).await, Applied::Now);
    assert_eq!(funds(store, account, NOW).await, (60, 0, 0, 0));

    let entries = entries(store, account).await;
    assert_eq!(entries.len(), 2);
    assert_eq!(
        (entries[1].kind, &entries[1].reference, entries[1].at),
        (EntryKind::TopUp, &paid.reference, NOW)
    );
    let postings = [
        Posting { book: BookAccount::Cash(account), amount: NanoUsd(100) },
        Posting { book: BookAccount::Payments, amount: NanoUsd(-100) },
    ];
    assert_eq!(entries[1].postings, postings);
    is_clean(store).await;
}

/// BILL-18: where credits come from, how much and when is kept.
async fn credits_come_back_as_they_went_in<S: LedgerStore>(store: &S) {
    let give = async |grant: &Grant| store.grant(grant).await.expect("the ledger answers");
    let account = AccountId::generate();
    let second = credits(account, 10, 1, None);
    let first = credits(account, 20, 1, Some(after(500)));
    let third = credits(account, 30, 2, Some(after(400)));
    for grant in [&second, &first, &third] {
        assert_eq!(give(grant).await, Applied::Now);
        assert_eq!(give(grant).await, Applied::Before);
    }
    assert_eq!(give(&Grant { amount: NanoUsd(11), ..second.clone() }).await, Applied::Refused);
    assert_eq!(give(&credits(account, 0, 0, None)).await, Applied::Refused);

    let kept = store.grants(account, 10).await.expect("the ledger answers");
    assert_eq!(kept.iter().map(|one| &one.grant).collect::<Vec<_>>(), [&first, &second, &third]);
    assert_eq!(kept.iter().map(|one| one.left.0).collect::<Vec<_>>(), [20, 10, 30]);
    assert_eq!(store.grants(account, 1).await.expect("the ledger answers")[0].grant, first);
    assert_eq!(funds(store, account, after(399)).await, (0, 60, 0, 0));
    assert_eq!(funds(store, account, after(400)).await, (0, 30, 0, 0));
    is_clean(store).await;
}

async fn an_overdraft_can_be_spent_and_lowered<S: LedgerStore>(store: &S) {
    let account = AccountId::generate();
    let set = async |amount| store.overdraft_set(account, NanoUsd(amount)).await.expect("the ledger answers");
    set(50).await;
    assert_eq!(settled(store, &[cost(account, None, 70)]).await[0].charged, NanoUsd(50));
    set(10).await;
    assert_eq!(funds(store, account, NOW).await, (-50, 0, 0, 10));
    assert_eq!(settled(store, &[cost(account, None, 70)]).await[0].charged, NanoUsd::ZERO);
    is_clean(store).await;
    store.top_up(&top_up(account, 55)).await.expect("the ledger answers");
    assert_eq!(settled(store, &[cost(account, None, 70)]).await[0].charged, NanoUsd(15));
    is_clean(store).await;
}

async fn a_group_is_settled_in_order_and_once<S: LedgerStore>(store: &S) {
    let (one, other) = (funded(store, 100).await, funded(store, 100).await);
    let id = opened(store, &hold(one, 50, 50)).await;
    let free = cost(one, Some(id), 0);
    let unpriced = Settlement { money: None, ..cost(one, None, 0) };
    let group = [cost(one, Some(id), 10), free, cost(other, None, 30), cost(one, Some(id), 60), unpriced];
    let group = [&group[..], &group[..1]].concat();
    let first = settled(store, &group).await;
    assert_eq!(first.iter().map(|row| row.charged.0).collect::<Vec<_>>(), [10, 0, 30, 60, 0, 10]);
    let order: Vec<_> = group.iter().map(|settlement| &settlement.request).collect();
    assert_eq!(first.iter().map(|row| &row.request).collect::<Vec<_>>(), order);
    assert_eq!(first[0].entry, first[3].entry);
    assert_ne!(first[0].entry, first[2].entry);
    assert_eq!((first[1].entry, first[4].entry), (None, None));
    assert_eq!(first[0].price_version, 7);

    assert_eq!(settled(store, &group).await, first);
    let dearer = Settlement { money: cost(one, None, 99).money, ..group[0].clone() };
    assert_eq!(settled(store, &[dearer, cost(other, None, 1)]).await[0], first[0]);
    let found = store.settled(&group[0].request).await.expect("the ledger answers");
    assert_eq!(found.as_ref(), Some(&first[0]));
    assert_eq!(funds(store, one, NOW).await, (30, 0, 0, 0), "20 of the third came from outside its hold");
    assert_eq!(funds(store, other, NOW).await, (69, 0, 0, 0));
    let kinds: Vec<_> = entries(store, one).await.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EntryKind::Settle, EntryKind::Hold, EntryKind::TopUp]);
    is_clean(store).await;
}

async fn a_large_group_of_many_accounts_is_settled<S: LedgerStore>(store: &S) {
    let mut accounts = Vec::new();
    for _ in 0..40 {
        let account = funded(store, 1_000).await;
        accounts.push((account, opened(store, &hold(account, 900, 900)).await));
    }
    let group: Vec<_> = accounts
        .iter()
        .cycle()
        .take(1_500)
        .zip(0..)
        .map(|((account, hold), place)| cost(*account, Some(*hold), place % 7))
        .collect();
    let rows = settled(store, &group).await;
    assert!(rows.iter().all(|row| row.charged == row.cost));
    let mut asked: Vec<_> = group.iter().map(|settlement| settlement.request.clone()).collect();
    asked.push(cost(accounts[0].0, None, 1).request);
    let mut found = store.settled_of(&asked).await.expect("the ledger answers");
    found.sort_by(|one, other| one.request.cmp(&other.request));
    let mut expected = rows.clone();
    expected.sort_by(|one, other| one.request.cmp(&other.request));
    assert_eq!(found, expected, "all that were settled, and no other");
    assert!(store.settled_of(&[]).await.expect("the ledger answers").is_empty());
    let revenue: i64 = rows.iter().map(|row| row.charged.0).sum();
    let mut held = 0;
    for (account, _) in &accounts {
        held += funds(store, *account, NOW).await.2;
    }
    assert_eq!(held, 40 * 900 - revenue);
    is_clean(store).await;
}

/// A hold that ended pays nothing; what is there does, down to nothing.
async fn a_late_settlement_takes_what_is_there<S: LedgerStore>(store: &S) {
    let account = funded(store, 100).await;
    let id = opened(store, &hold(account, 60, 60)).await;
    store.expire(after(1_000), 10).await.expect("the ledger answers");
    store.grant(&credits(account, 5, 0, None)).await.expect("the ledger answers");
    let rows = settled(store, &[cost(account, Some(id), 80), cost(account, Some(id), 80)]).await;
    assert_eq!(rows.iter().map(|row| row.charged.0).collect::<Vec<_>>(), [80, 25]);
    assert_eq!((rows[0].from_credits.0, rows[1].waived().0), (5, 55));
    assert_eq!(funds(store, account, NOW).await, (0, 0, 0, 0));
    is_clean(store).await;
}

async fn another_accounts_hold_pays_nothing<S: LedgerStore>(store: &S) {
    let (owner, other) = (funded(store, 100).await, funded(store, 5).await);
    let id = opened(store, &hold(owner, 100, 100)).await;
    assert_eq!(settled(store, &[cost(other, Some(id), 30)]).await[0].charged, NanoUsd(5));
    assert_eq!(funds(store, owner, NOW).await, (0, 0, 100, 0));
    is_clean(store).await;
}

/// BILL-19, BILL-15: exactly once, cash to cash and credits to credits.
async fn refunds_reverse_exactly_once<S: LedgerStore>(store: &S) {
    let account = funded(store, 100).await;
    store.grant(&credits(account, 10, 0, None)).await.expect("the ledger answers");
    let paid = settled(store, &[cost(account, None, 15)]).await.swap_remove(0);
    let refund = |reference: &str, amount| Refund {
        reference: format!("{account} {reference}"),
        request: paid.request.clone(),
        amount: NanoUsd(amount),
        credits: GrantId::generate(),
        at: after(5),
    };
    let give = async |refund: &Refund| store.refund(refund).await.expect("the ledger answers");
    let first = refund("a", 12);
    assert_eq!(give(&first).await, RefundOutcome::Refunded(NanoUsd(12)));
    assert_eq!(give(&first).await, RefundOutcome::Refunded(NanoUsd(12)));
    assert_eq!(funds(store, account, NOW).await, (100, 7, 0, 0));
    assert_eq!(give(&refund("b", 4)).await, RefundOutcome::TooMuch { left: NanoUsd(3) });
    assert!(store.refund(&refund("a", 3)).await.is_err());
    assert!(store.refund(&refund("c", 0)).await.is_err());
    assert_eq!(give(&refund("d", 3)).await, RefundOutcome::Refunded(NanoUsd(3)));
    assert_eq!(funds(store, account, NOW).await, (100, 10, 0, 0));
    let row = store.settled(&paid.request).await.expect("the ledger answers").expect("it was settled");
    assert_eq!((row.charged.0, row.refunded.0), (15, 15));

    let unknown = Refund { request: RequestId::generate(NOW), ..refund("e", 1) };
    assert_eq!(give(&unknown).await, RefundOutcome::NotCharged);
    let grants = store.grants(account, 10).await.expect("the ledger answers");
    assert!(grants.iter().all(|one| one.grant.kind == GrantKind::Refund && one.grant.at == after(5)));
    is_clean(store).await;
}

async fn entries_are_paged_newest_first<S: LedgerStore>(store: &S) {
    let account = AccountId::generate();
    for amount in 1..=5 {
        store.top_up(&top_up(account, amount)).await.expect("the ledger answers");
    }
    funded(store, 9).await;
    let mut amounts = Vec::new();
    let mut cursor = None;
    loop {
        let page = store.entries(account, cursor, 2).await.expect("the ledger answers");
        let Some(last) = page.last() else { break };
        cursor = Some(last.id);
        amounts.extend(page.iter().map(|entry| entry.postings[0].amount.0));
    }
    assert_eq!(amounts, [5, 4, 3, 2, 1]);
}
