//! What every store of subscriptions must do.

use accounts::{AccountStore, Subscription, SubscriptionStore};
use vocab::{AccountId, SubscriptionId, Timestamp};

use super::accounts::account;

/// Runs every rule on a fresh store, which is given together with the store of accounts it belongs to.
pub async fn all<A: AccountStore, S: SubscriptionStore>(fresh: impl AsyncFn() -> (A, S)) {
    subscriptions_come_back_as_they_went_in(&fresh().await).await;
    a_number_is_given_once(&fresh().await).await;
    subscriptions_are_listed_in_pages_and_by_account(&fresh().await).await;
    what_is_held_is_what_is_not_over(&fresh().await).await;
    what_never_counted_is_not_remembered(&fresh().await).await;
    a_subscription_is_ended_once(&fresh().await).await;
    notes_are_only_text(&fresh().await).await;
}

/// A subscription of the Lite plan that lasts from `starts_ms` to `ends_ms` after the epoch.
pub fn subscription(account: AccountId, number: u32, starts_ms: i64, ends_ms: Option<i64>) -> Subscription {
    Subscription {
        id: SubscriptionId::generate(),
        account,
        number,
        plan: "lite".parse().expect("a plan's id"),
        starts: at(starts_ms),
        ends: ends_ms.map(at),
        ended_early: None,
        granted_by: None,
        note: String::new(),
        created: at(starts_ms),
    }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

type Stores<A, S> = (A, S);

async fn with_account<A: AccountStore, S>((accounts, _): &Stores<A, S>) -> AccountId {
    let account = account("Ana");
    accounts.account_insert(&account).await.expect("a new account is kept");
    account.id
}

async fn keep<A, S: SubscriptionStore>((_, store): &Stores<A, S>, kept: Subscription) -> Subscription {
    assert!(store.subscription_insert(&kept).await.expect("store answers"), "its number is free");
    kept
}

async fn subscriptions_come_back_as_they_went_in<A: AccountStore, S: SubscriptionStore>(
    stores: &Stores<A, S>,
) {
    let account = with_account(stores).await;
    let bare = keep(stores, subscription(account, 1, 1_770_631_146_123, None)).await;
    let mut full = subscription(account, 2, 1_770_631_146_456, Some(1_999_999_999_999));
    full.plan = "team-2026".parse().expect("a plan's id");
    full.created = at(1_770_000_000_001);
    full.ended_early = Some(at(1_888_888_888_888));
    full.granted_by = Some(account);
    full.note = "for the pilot".to_owned();
    let full = keep(stores, full).await;

    let (_, store) = stores;
    for kept in [bare, full] {
        assert_eq!(store.subscription_find(kept.id).await.expect("store answers"), Some(kept.clone()));
        assert!(store.subscription_insert(&Subscription { number: 9, ..kept }).await.is_err(), "the same id");
    }
    assert_eq!(store.subscription_find(SubscriptionId::generate()).await.expect("store answers"), None);
}

/// Of two that are planned at once only one is kept; the other is planned again.
async fn a_number_is_given_once<A: AccountStore, S: SubscriptionStore>(stores: &Stores<A, S>) {
    let (ana, ben) = (with_account(stores).await, with_account(stores).await);
    let (_, store) = stores;
    assert_eq!(store.subscription_count(ana).await.expect("store answers"), 0);
    let first = keep(stores, subscription(ana, 1, 0, None)).await;
    keep(stores, subscription(ben, 1, 0, None)).await;

    let second = subscription(ana, 1, 5, None);
    assert!(!store.subscription_insert(&second).await.expect("store answers"), "the number is taken");
    assert_eq!(store.subscription_find(second.id).await.expect("store answers"), None);
    assert_eq!(store.subscription_find(first.id).await.expect("store answers"), Some(first));
    assert_eq!(store.subscription_count(ana).await.expect("store answers"), 1);
}

async fn subscriptions_are_listed_in_pages_and_by_account<A: AccountStore, S: SubscriptionStore>(
    stores: &Stores<A, S>,
) {
    let (ana, ben) = (with_account(stores).await, with_account(stores).await);
    let (_, store) = stores;
    let kept = [
        keep(stores, subscription(ana, 1, 0, Some(10))).await,
        keep(stores, subscription(ben, 1, 0, None)).await,
        keep(stores, subscription(ana, 2, 10, None)).await,
    ];

    let list = async |account, cursor, limit| {
        store.subscription_list(account, cursor, limit).await.expect("store answers")
    };
    assert_eq!(list(None, None, 10).await, kept);
    assert_eq!(list(None, Some(kept[0].id), 1).await, kept[1..2]);
    assert_eq!(list(Some(ana), None, 10).await, [kept[0].clone(), kept[2].clone()]);
    assert_eq!(list(Some(ana), Some(kept[0].id), 10).await, kept[2..]);
    assert!(list(Some(AccountId::generate()), None, 10).await.is_empty());
    assert!(list(None, None, 0).await.is_empty());
}

async fn what_is_held_is_what_is_not_over<A: AccountStore, S: SubscriptionStore>(stores: &Stores<A, S>) {
    let (ana, ben) = (with_account(stores).await, with_account(stores).await);
    let (_, store) = stores;
    let over = keep(stores, subscription(ana, 1, 0, Some(100))).await;
    let active = keep(stores, subscription(ana, 2, 100, Some(200))).await;
    let endless = keep(stores, subscription(ana, 3, 150, None)).await;
    let upcoming = keep(stores, subscription(ana, 4, 300, Some(400))).await;
    keep(stores, subscription(ben, 1, 0, None)).await;

    let held = async |moment, limit| {
        let held = store.subscription_held(ana, at(moment), limit).await.expect("store answers");
        (held.live, held.last_over)
    };
    let live = |rows: &[&Subscription]| rows.iter().copied().cloned().collect::<Vec<_>>();
    assert_eq!(held(99, 10).await, (live(&[&upcoming, &endless, &active, &over]), None));
    assert_eq!(held(100, 10).await, (live(&[&upcoming, &endless, &active]), Some(over.clone())));
    assert_eq!(held(199, 2).await, (live(&[&upcoming, &endless]), Some(over)));
    assert_eq!(held(200, 10).await, (live(&[&upcoming, &endless]), Some(active)));
    assert_eq!(held(400, 10).await, (live(&[&endless]), Some(upcoming)));
    let stranger = store.subscription_held(AccountId::generate(), at(0), 10).await.expect("store answers");
    assert_eq!((stranger.live, stranger.last_over), (Vec::new(), None));
}

async fn what_never_counted_is_not_remembered<A: AccountStore, S: SubscriptionStore>(stores: &Stores<A, S>) {
    let account = with_account(stores).await;
    let (_, store) = stores;
    let over = keep(stores, subscription(account, 1, 0, Some(100))).await;
    let early = keep(stores, subscription(account, 2, 100, None)).await;
    assert!(store.subscription_end(early.id, at(100)).await.expect("store answers"), "ended as it began");

    let held = store.subscription_held(account, at(500), 10).await.expect("store answers");
    assert_eq!((held.live, held.last_over), (Vec::new(), Some(over)));
}

async fn a_subscription_is_ended_once<A: AccountStore, S: SubscriptionStore>(stores: &Stores<A, S>) {
    let account = with_account(stores).await;
    let (_, store) = stores;
    let endless = keep(stores, subscription(account, 1, 100, None)).await;
    let short = keep(stores, subscription(account, 2, 100, Some(200))).await;

    let end = async |id, moment| store.subscription_end(id, at(moment)).await.expect("store answers");
    assert!(end(endless.id, 150).await);
    assert!(!end(endless.id, 120).await, "the first end stands");
    assert!(!end(short.id, 200).await, "it is over by then");
    assert!(!end(SubscriptionId::generate(), 150).await);
    assert!(end(short.id, 50).await, "also before it begins");

    let ended = async |id| {
        let kept = store.subscription_find(id).await.expect("store answers").expect("ended, not removed");
        (kept.ends, kept.ended_early)
    };
    assert_eq!(ended(endless.id).await, (None, Some(at(150))));
    assert_eq!(ended(short.id).await, (Some(at(200)), Some(at(50))));
    let held = store.subscription_held(account, at(149), 10).await.expect("store answers");
    assert_eq!(held.live.iter().map(|row| row.id).collect::<Vec<_>>(), [endless.id]);
    let held = store.subscription_held(account, at(150), 10).await.expect("store answers");
    assert_eq!((held.live, held.last_over.map(|row| row.id)), (Vec::new(), Some(endless.id)));
}

/// Whatever a note spells, it is kept and given back.
async fn notes_are_only_text<A: AccountStore, S: SubscriptionStore>(stores: &Stores<A, S>) {
    let account = with_account(stores).await;
    let (_, store) = stores;
    for (number, note) in (1..).zip(["'; DROP TABLE subscription; --", "$1 ?1 :name %s", "名前 🔑", ""]) {
        let kept =
            keep(stores, Subscription { note: note.to_owned(), ..subscription(account, number, 0, None) })
                .await;
        assert_eq!(store.subscription_find(kept.id).await.expect("store answers"), Some(kept));
    }
}
