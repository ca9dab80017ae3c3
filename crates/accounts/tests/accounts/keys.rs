//! Keys from the outside: made, used, ended.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use accounts::{AccountStore, Accounts, AuthError, InvalidOpaqueKey, KeyError, Keys, OpaqueKey, Seal};
use futures::future::join_all;
use vocab::{AccountId, Clock, KeyId, Secret};

use crate::house::House;

/// AUTH-04: a key is an id of 128 bits and a secret of 256, with one dot between.
#[tokio::test]
async fn a_generated_key_has_two_parts_and_one_dot() {
    let house = House::new().await;
    let (key, text) = house.key().await;
    let (id, secret) = text.expose().split_once('.').unwrap();
    assert_eq!(id, key.public_id.to_string());
    assert_eq!((id.len(), secret.len()), (32, 43));
    assert!(secret.bytes().all(|b| b.is_ascii_alphanumeric()));
    assert_ne!(text, house.key().await.1);
}

/// The secret is not among what is kept, and what is kept does not print itself.
#[tokio::test]
async fn the_secret_is_sealed_at_rest() {
    let house = House::new().await;
    let (key, text) = house.key().await;
    let secret = text.expose().split_once('.').unwrap().1;
    let kept = house.store.key_find(key.id).await.unwrap().unwrap();
    assert!(!kept.sealed_secret.as_str().contains(secret));
    assert!(!format!("{kept:?}").contains(kept.sealed_secret.as_str()));
}

/// AUTH-02: the right key opens, and a key that differs in any one character does not.
#[tokio::test]
async fn only_the_whole_key_opens() {
    let house = House::new().await;
    let (key, text) = house.key().await;
    let text = text.expose();
    let caller = house.keys.authenticate(text).await.unwrap();
    assert_eq!((caller.account, caller.key, caller.is_operator), (house.ana, key.id, false));

    let dot = text.find('.').unwrap();
    for at in (0..text.len()).filter(|at| *at != dot) {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        let flipped = String::from_utf8(bytes).unwrap();
        assert!(matches!(house.refusal(&flipped).await, AuthError::Invalid), "at {at}");
    }

    let (id, secret) = text.split_once('.').unwrap();
    let (shorter, longer) = (&text[..text.len() - 1], format!("{text}x"));
    for wrong in [id, secret, shorter, &longer, &format!("{id}."), &format!(".{secret}")] {
        assert!(matches!(house.refusal(wrong).await, AuthError::Invalid), "{wrong}");
    }
    assert!(matches!(house.refusal("").await, AuthError::Missing));
}

/// AUTH-02: whatever a stranger sends is refused, without a panic, and unread if it cannot be a key.
#[tokio::test]
async fn nonsense_is_refused_unread() {
    let house = House::new().await;
    let long = "a".repeat(100_000);
    let long_key = format!("{}.{}", "0".repeat(32), "a".repeat(5_000));
    let wide_id = format!("{}.x", "é".repeat(16));
    let upper_id = "ABCDEF0123456789ABCDEF0123456789.x";
    let short =
        ["nonsense", "sk-123", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d", "é.ü", "\0", "' OR 1=1 --.x"];
    for nonsense in short.into_iter().chain([&*long, &*long_key, &*wide_id, upper_id]) {
        assert!(matches!(house.refusal(nonsense).await, AuthError::Invalid), "{nonsense}");
    }
    assert_eq!(house.store.reads.load(Ordering::SeqCst), 0);
}

/// Many requests with one key, or with one key that does not exist, cost one read.
#[tokio::test]
async fn the_store_is_asked_once_for_many_requests() {
    let house = House::new().await;
    let (_, text) = house.key().await;
    let stranger = format!("{}.secret", "0".repeat(32));
    for (credential, opens) in [(text.expose(), true), (stranger.as_str(), false)] {
        house.store.reads.store(0, Ordering::SeqCst);
        let answers = join_all((0..100).map(|_| house.keys.authenticate(credential))).await;
        assert!(answers.iter().all(|answer| answer.is_ok() == opens));
        assert_eq!(house.store.reads.load(Ordering::SeqCst), 1, "opens: {opens}");
    }
}

/// AUTH-08: removed here, refused here at once.
#[tokio::test]
async fn a_revoked_key_stops_working() {
    let house = House::new().await;
    let (key, text) = house.key().await;
    house.keys.authenticate(text.expose()).await.unwrap();

    assert!(house.keys.revoke(key.id).await.unwrap());
    assert!(matches!(house.refusal(text.expose()).await, AuthError::Invalid));
    assert!(!house.keys.revoke(key.id).await.unwrap());
    assert!(!house.keys.revoke(KeyId::generate()).await.unwrap());
    assert_eq!(house.keys.find(key.id).await.unwrap().unwrap().revoked, Some(house.clock.now()));
}

/// AUTH-08: a revocation that this process has not heard of takes effect within a second.
#[tokio::test]
async fn an_answer_is_trusted_for_a_second() {
    let house = House::new().await;
    let (key, text) = house.key().await;
    house.keys.authenticate(text.expose()).await.unwrap();
    house.store.key_revoke(key.id, house.clock.now()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_001)).await;
    assert!(matches!(house.refusal(text.expose()).await, AuthError::Invalid));
}

#[tokio::test]
async fn a_key_works_until_the_moment_it_expires() {
    let house = House::new().await;
    let expires = house.clock.now().plus(Duration::from_secs(60));
    let (_, text) = house.keys.create(house.ana, "for a minute", Some(expires)).await.unwrap();
    house.clock.advance(Duration::from_millis(59_999));
    assert!(house.keys.authenticate(text.expose()).await.is_ok());
    house.clock.advance(Duration::from_millis(1));
    assert!(matches!(house.refusal(text.expose()).await, AuthError::Invalid));
}

/// A store that fails is our fault, not the caller's, and is remembered for a moment only.
#[tokio::test]
async fn a_failing_store_is_not_a_wrong_key() {
    let house = House::new().await;
    let (_, text) = house.key().await;
    house.store.is_down.store(true, Ordering::SeqCst);
    assert!(matches!(house.refusal(text.expose()).await, AuthError::Unavailable(_)));
    house.store.is_down.store(false, Ordering::SeqCst);
    let opened = tokio::time::timeout(Duration::from_secs(10), async {
        while house.keys.authenticate(text.expose()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    opened.await.expect("the store is asked again");
}

#[tokio::test]
async fn another_master_key_is_noticed_and_opens_nothing() {
    let house = House::new().await;
    let (_, text) = house.key().await;
    assert!(house.keys.seal_fits().await.unwrap());
    let other = Keys::new(house.store.clone(), Seal::generate().0, house.clock.clone());
    assert!(!other.seal_fits().await.unwrap());
    assert!(matches!(other.authenticate(text.expose()).await, Err(AuthError::Unavailable(_))));
}

#[tokio::test]
async fn last_use_is_written_when_flushed_and_survives_a_failing_store() {
    let house = House::new().await;
    let (key, text) = house.key().await;
    let last_used = async || house.keys.find(key.id).await.unwrap().unwrap().last_used;
    house.keys.authenticate(text.expose()).await.unwrap();
    assert_eq!(last_used().await, None);

    house.store.is_down.store(true, Ordering::SeqCst);
    assert!(house.keys.flush_last_used().await.is_err());
    house.store.is_down.store(false, Ordering::SeqCst);
    house.keys.flush_last_used().await.unwrap();
    assert_eq!(last_used().await, Some(house.clock.now()));
}

#[tokio::test]
async fn a_key_that_makes_no_sense_is_not_made() {
    let house = House::new().await;
    let refusal = async |account, name, expires| house.keys.create(account, name, expires).await.unwrap_err();
    let stranger = AccountId::generate();
    assert!(matches!(refusal(stranger, "x", None).await, KeyError::UnknownAccount(id) if id == stranger));
    assert!(matches!(refusal(house.ana, " \n ", None).await, KeyError::InvalidName(_)));
    let now = Some(house.clock.now());
    assert!(matches!(refusal(house.ana, "x", now).await, KeyError::AlreadyExpired));
}

/// A key without a dot is accepted if the operator configured it, and never makes an operator.
#[tokio::test]
async fn configured_opaque_keys_open() {
    let House { store, clock, keys, ana } = House::new().await;
    let opaque = |text: &str| OpaqueKey { secret: Secret::new(text), account: ana };
    let keys = keys.with_opaque_keys(vec![opaque("sk-local-1"), opaque("sk-local-2")]).unwrap();

    let caller = keys.authenticate("sk-local-1").await.unwrap();
    assert_eq!((caller.account, caller.is_operator), (ana, false));
    assert_ne!(caller.key, keys.authenticate("sk-local-2").await.unwrap().key);
    assert!(matches!(keys.authenticate("sk-local-3").await, Err(AuthError::Invalid)));

    for (texts, error) in [
        (vec!["with.a.dot"], InvalidOpaqueKey::Form),
        (vec!["short"], InvalidOpaqueKey::Form),
        (vec!["with a space"], InvalidOpaqueKey::Form),
        (vec!["twice-the-same", "twice-the-same"], InvalidOpaqueKey::Twice),
    ] {
        let keys = Keys::new(store.clone(), Seal::generate().0, clock.clone());
        let refused = keys.with_opaque_keys(texts.into_iter().map(opaque).collect());
        assert_eq!(refused.err(), Some(error));
    }
}

/// The first start makes the operator and shows one key; later starts find the operator.
#[tokio::test]
async fn the_first_key_is_shown_once() {
    let House { store, clock, keys, .. } = House::new().await;
    let keys = Arc::new(keys);
    let accounts = Accounts::new(store, keys.clone(), clock);
    let first = accounts.ensure_operator().await.unwrap();
    let (key, text) = first.first_key.unwrap();
    let caller = keys.authenticate(text.expose()).await.unwrap();
    assert_eq!((caller.account, caller.key, caller.is_operator), (first.account.id, key.id, true));

    let second = accounts.ensure_operator().await.unwrap();
    assert_eq!(second.account, first.account);
    assert!(second.first_key.is_none());
}
