//! What every account store must do.

use std::sync::Arc;

use accounts::{
    Account, AccountState, AccountStore, ApiKey, KeyScope, PublicId, RateOverrides, Seal, SealedSecret,
};
use vocab::{AccountId, KeyId, NanoUsd, ProjectId, Secret, Timestamp};

/// Runs every rule on a fresh store.
pub async fn all<S: AccountStore>(fresh: impl AsyncFn() -> S) {
    accounts_come_back_as_they_went_in(&fresh().await).await;
    accounts_are_listed_in_pages(&fresh().await).await;
    keys_come_back_as_they_went_in(&fresh().await).await;
    a_key_needs_its_account(&fresh().await).await;
    a_public_id_names_one_key(&fresh().await).await;
    keys_are_listed_in_pages_and_by_account(&fresh().await).await;
    a_key_is_revoked_once(&fresh().await).await;
    a_key_is_changed_until_it_is_revoked(&fresh().await).await;
    a_key_is_followed_by_its_successor(&fresh().await).await;
    an_account_has_limits_of_its_own(&fresh().await).await;
    last_use_never_moves_back(&fresh().await).await;
    there_is_one_operator(&fresh().await).await;
    names_are_only_text(&fresh().await).await;
}

/// An account as a test wants it.
pub fn account(name: &str) -> Account {
    let created = Timestamp::from_millis(1_770_631_146_123);
    Account {
        id: AccountId::generate(),
        name: name.to_owned(),
        is_operator: false,
        state: AccountState::Active,
        rates: RateOverrides::default(),
        created,
    }
}

/// A living key of `account`; its secret is `secret`, under a seal that is thrown away.
pub fn key(account: &Account, name: &str) -> ApiKey {
    let public_id = PublicId::generate();
    ApiKey {
        id: KeyId::generate(),
        account: account.id,
        project: None,
        name: name.to_owned(),
        public_id,
        sealed_secret: sealed(public_id),
        scope: Arc::default(),
        monthly_spend_max: None,
        successor_of: None,
        created: Timestamp::from_millis(1_770_631_146_456),
        expires: None,
        revoked: None,
        last_used: None,
    }
}

fn sealed(public_id: PublicId) -> SealedSecret {
    Seal::generate().0.seal(public_id, &Secret::new("secret")).expect("a short secret is sealed")
}

async fn with_account<S: AccountStore>(store: &S, name: &str) -> Account {
    let account = account(name);
    store.account_insert(&account).await.expect("a new account is kept");
    account
}

async fn with_key<S: AccountStore>(store: &S, account: &Account, name: &str) -> ApiKey {
    let key = key(account, name);
    store.key_insert(&key).await.expect("a new key is kept");
    key
}

async fn accounts_come_back_as_they_went_in<S: AccountStore>(store: &S) {
    let kept = with_account(store, "Ana").await;
    assert_eq!(store.account_find(kept.id).await.expect("store answers"), Some(kept.clone()));
    assert_eq!(store.account_find(AccountId::generate()).await.expect("store answers"), None);
    assert!(store.account_insert(&kept).await.is_err(), "the same account twice");
}

async fn accounts_are_listed_in_pages<S: AccountStore>(store: &S) {
    let mut made = Vec::new();
    for number in 0..5 {
        made.push(with_account(store, &format!("account {number}")).await);
    }
    let mut listed = Vec::new();
    let mut cursor = None;
    loop {
        let page = store.account_list(cursor, 2).await.expect("store answers");
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        cursor = Some(last.id);
        listed.extend(page);
    }
    assert_eq!(listed, made);
    assert!(store.account_list(None, 0).await.expect("store answers").is_empty());
}

async fn keys_come_back_as_they_went_in<S: AccountStore>(store: &S) {
    let account = with_account(store, "Ana").await;
    let mut kept = key(&account, "laptop");
    kept.expires = Some(Timestamp::from_millis(1_999_999_999_999));
    kept.revoked = Some(Timestamp::from_millis(1_888_888_888_888));
    kept.last_used = Some(Timestamp::from_millis(1_777_777_777_777));
    kept.project = Some(ProjectId::generate());
    kept.scope = Arc::new(scope());
    kept.monthly_spend_max = Some(NanoUsd(1_234_567_890_123));
    kept.successor_of = Some(with_key(store, &account, "old laptop").await.id);
    store.key_insert(&kept).await.expect("a new key is kept");

    assert_eq!(store.key_find(kept.id).await.expect("store answers"), Some(kept.clone()));
    let known = store.key_find_by_public_id(kept.public_id).await.expect("store answers").expect("known");
    assert_eq!((known.key, known.account), (kept, account));
    assert_eq!(store.key_find(KeyId::generate()).await.expect("store answers"), None);
    assert_eq!(store.key_find_by_public_id(PublicId::generate()).await.expect("store answers"), None);
}

async fn a_key_needs_its_account<S: AccountStore>(store: &S) {
    assert!(store.key_insert(&key(&account("nobody"), "orphan")).await.is_err());
}

async fn a_public_id_names_one_key<S: AccountStore>(store: &S) {
    let account = with_account(store, "Ana").await;
    let first = with_key(store, &account, "first").await;
    let mut second = key(&account, "second");
    second.public_id = first.public_id;
    assert!(store.key_insert(&second).await.is_err());
}

async fn keys_are_listed_in_pages_and_by_account<S: AccountStore>(store: &S) {
    let (ana, ben) = (with_account(store, "Ana").await, with_account(store, "Ben").await);
    let keys = [
        with_key(store, &ana, "1").await,
        with_key(store, &ben, "2").await,
        with_key(store, &ana, "3").await,
    ];

    let all = store.key_list(None, None, 10).await.expect("store answers");
    assert_eq!(all, keys);
    let page = store.key_list(None, Some(keys[0].id), 1).await.expect("store answers");
    assert_eq!(page, keys[1..2]);
    let of_ana = store.key_list(Some(ana.id), None, 10).await.expect("store answers");
    assert_eq!(of_ana, [keys[0].clone(), keys[2].clone()]);
    let rest_of_ana = store.key_list(Some(ana.id), Some(keys[0].id), 10).await.expect("store answers");
    assert_eq!(rest_of_ana, keys[2..]);
    let of_stranger = store.key_list(Some(AccountId::generate()), None, 10).await.expect("store answers");
    assert!(of_stranger.is_empty());
}

/// AUTH-08: the moment of the first revocation stands.
async fn a_key_is_revoked_once<S: AccountStore>(store: &S) {
    let account = with_account(store, "Ana").await;
    let key = with_key(store, &account, "laptop").await;
    let (first, second) = (Timestamp::from_millis(1_000), Timestamp::from_millis(2_000));

    assert!(store.key_revoke(key.id, first).await.expect("store answers"));
    assert!(!store.key_revoke(key.id, second).await.expect("store answers"));
    assert!(!store.key_revoke(KeyId::generate(), first).await.expect("store answers"));
    let kept = store.key_find(key.id).await.expect("store answers").expect("revoked, not removed");
    assert_eq!(kept.revoked, Some(first));
}

fn scope() -> KeyScope {
    KeyScope {
        doors: Some(["coding".to_owned()].into()),
        models: Some(["glm-4.7".parse().expect("a name")].into()),
        addresses: Some(vec![
            "192.0.2.0/24".parse().expect("a network"),
            "2001:db8::/32".parse().expect("a network"),
        ]),
    }
}

async fn a_key_is_changed_until_it_is_revoked<S: AccountStore>(store: &S) {
    let account = with_account(store, "Ana").await;
    let key = with_key(store, &account, "laptop").await;
    let changed = ApiKey {
        name: "desk".to_owned(),
        project: Some(ProjectId::generate()),
        scope: Arc::new(scope()),
        monthly_spend_max: Some(NanoUsd(5)),
        expires: Some(Timestamp::from_millis(1_999_999_999_999)),
        ..key.clone()
    };
    assert!(store.key_change(&changed).await.expect("store answers"));
    assert_eq!(store.key_find(key.id).await.expect("store answers"), Some(changed.clone()));

    let revoked = Timestamp::from_millis(5_000);
    store.key_revoke(key.id, revoked).await.expect("store answers");
    assert!(!store.key_change(&key).await.expect("store answers"));
    let kept = store.key_find(key.id).await.expect("store answers");
    assert_eq!(kept, Some(ApiKey { revoked: Some(revoked), ..changed }));
}

/// AUTH-08: the old key works for a while, and never longer than it would have.
async fn a_key_is_followed_by_its_successor<S: AccountStore>(store: &S) {
    let account = with_account(store, "Ana").await;
    let at = Timestamp::from_millis;
    let old = with_key(store, &account, "laptop").await;
    let successor = |old: &ApiKey| ApiKey { successor_of: Some(old.id), ..key(&account, "laptop") };

    let first = successor(&old);
    assert!(store.key_rotate(old.id, &first, at(9_000)).await.expect("store answers"));
    let kept = store.key_find(old.id).await.expect("store answers").expect("still there");
    assert_eq!(kept.expires, Some(at(9_000)));
    assert_eq!(store.key_find(first.id).await.expect("store answers"), Some(first));

    assert!(store.key_rotate(old.id, &successor(&old), at(10_000)).await.expect("store answers"));
    let kept = store.key_find(old.id).await.expect("store answers").expect("still there");
    assert_eq!(kept.expires, Some(at(9_000)), "a moment that never moves out");

    store.key_revoke(old.id, at(1_000)).await.expect("store answers");
    let late = successor(&old);
    assert!(!store.key_rotate(old.id, &late, at(9_000)).await.expect("store answers"));
    assert_eq!(store.key_find(late.id).await.expect("store answers"), None);
}

async fn an_account_has_limits_of_its_own<S: AccountStore>(store: &S) {
    let account = with_account(store, "Ana").await;
    let rates =
        RateOverrides { concurrency: Some(7), tokens_per_minute: Some(1 << 40), ..RateOverrides::default() };
    assert!(store.account_set_rates(account.id, &rates).await.expect("store answers"));
    assert!(!store.account_set_rates(AccountId::generate(), &rates).await.expect("store answers"));
    let kept = store.account_find(account.id).await.expect("store answers").expect("still there");
    assert_eq!(kept, Account { rates, ..account });
}

async fn last_use_never_moves_back<S: AccountStore>(store: &S) {
    let account = with_account(store, "Ana").await;
    let (one, two) = (with_key(store, &account, "1").await, with_key(store, &account, "2").await);
    let at = Timestamp::from_millis;

    store.key_touch(&[]).await.expect("store answers");
    let batch = [(one.id, at(5_000)), (KeyId::generate(), at(5_000)), (two.id, at(7_000))];
    store.key_touch(&batch).await.expect("store answers");
    store.key_touch(&[(one.id, at(4_000)), (two.id, at(8_000))]).await.expect("store answers");

    let keys = store.key_list(None, None, 10).await.expect("store answers");
    assert_eq!(keys[0].last_used, Some(at(5_000)));
    assert_eq!(keys[1].last_used, Some(at(8_000)));
    assert_eq!(keys.len(), 2, "an unknown key is passed over");
}

async fn there_is_one_operator<S: AccountStore>(store: &S) {
    assert_eq!(store.operator_find().await.expect("store answers"), None);
    with_account(store, "Ana").await;
    let first = Account { is_operator: true, ..account("operator") };
    let second = Account { is_operator: true, ..account("usurper") };

    assert!(store.operator_insert(&first, &key(&first, "first key")).await.expect("store answers"));
    assert!(!store.operator_insert(&second, &key(&second, "second key")).await.expect("store answers"));
    assert!(store.account_insert(&second).await.is_err());

    assert_eq!(store.operator_find().await.expect("store answers"), Some(first.clone()));
    assert_eq!(store.account_find(second.id).await.expect("store answers"), None);
    let keys = store.key_list(None, None, 10).await.expect("store answers");
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].account, first.id);
}

/// Whatever a name spells, it is kept and given back.
async fn names_are_only_text<S: AccountStore>(store: &S) {
    for name in ["'; DROP TABLE api_key; --", "\" OR 1=1 --", "$1 ?1 :name %s", "名前 🔑", "a\\'b\u{301}"]
    {
        let account = with_account(store, name).await;
        let key = with_key(store, &account, name).await;
        let known = store.key_find_by_public_id(key.public_id).await.expect("store answers").expect("known");
        assert_eq!((known.key.name.as_str(), known.account.name.as_str()), (name, name));
    }
    assert_eq!(store.key_list(None, None, 100).await.expect("store answers").len(), 5);
}
