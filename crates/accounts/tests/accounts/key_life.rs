//! Keys over their life: limited, changed, followed by others.

use std::sync::Arc;
use std::time::Duration;

use accounts::{AccountStore, AuthError, InvalidKeyScope, KeyError, KeyScope, KeyTerms, OutOfScope};
use vocab::{Clock, KeyId, NanoUsd, ProjectId};

use crate::house::House;

fn terms() -> KeyTerms {
    KeyTerms {
        project: Some(ProjectId::generate()),
        scope: KeyScope { doors: Some(["coding".to_owned()].into()), ..KeyScope::default() },
        monthly_spend_max: Some(NanoUsd(5_000_000_000)),
        expires: None,
    }
}

#[tokio::test]
async fn a_caller_brings_what_their_key_is_for() {
    let house = House::new().await;
    let (_, text) = house.keys.create_under(house.ana, "laptop", terms()).await.unwrap();
    let caller = house.keys.authenticate(text.expose()).await.unwrap();
    assert_eq!(caller.monthly_spend_max, Some(NanoUsd(5_000_000_000)));
    assert!(caller.project.is_some());
    assert_eq!(caller.scope.allows("coding", None, None), Ok(()));
    assert_eq!(caller.scope.allows("general", None, None), Err(OutOfScope::Door));

    let (_, text) = house.key().await;
    let caller = house.keys.authenticate(text.expose()).await.unwrap();
    assert_eq!(*caller.scope, KeyScope::default(), "nothing is limited unless it is said");
}

#[tokio::test]
async fn limits_that_make_no_sense_are_refused() {
    let house = House::new().await;
    let scope = KeyScope { doors: Some(["back".to_owned()].into()), ..KeyScope::default() };
    let refused = house.keys.create_under(house.ana, "x", KeyTerms { scope, ..KeyTerms::default() }).await;
    assert!(matches!(refused, Err(KeyError::InvalidScope(InvalidKeyScope::UnknownDoor(_)))), "{refused:?}");
    let debt = KeyTerms { monthly_spend_max: Some(NanoUsd(-1)), ..KeyTerms::default() };
    let refused = house.keys.create_under(house.ana, "x", debt).await;
    assert!(matches!(refused, Err(KeyError::InvalidSpend)), "{refused:?}");
}

/// AUTH-08: whoever changes over to a new key is not shut out meanwhile, and the old one ends by itself.
#[tokio::test]
async fn a_key_works_beside_its_successor_for_a_while() {
    let house = House::new().await;
    let (old, old_text) = house.keys.create_under(house.ana, "laptop", terms()).await.unwrap();
    house.keys.authenticate(old_text.expose()).await.unwrap();
    let hour = Duration::from_secs(3600);
    let (new, new_text) = house.keys.rotate(old.id, hour).await.unwrap();
    assert_eq!((new.successor_of, new.name.as_str(), new.project), (Some(old.id), "laptop", old.project));
    assert_eq!((&new.scope, new.monthly_spend_max), (&old.scope, old.monthly_spend_max));
    assert_ne!(new.public_id, old.public_id);

    house.clock.advance(hour - Duration::from_millis(1));
    assert!(house.keys.authenticate(old_text.expose()).await.is_ok());
    assert!(house.keys.authenticate(new_text.expose()).await.is_ok());
    house.clock.advance(Duration::from_millis(1));
    assert!(matches!(house.refusal(old_text.expose()).await, AuthError::Invalid));
    assert!(house.keys.authenticate(new_text.expose()).await.is_ok());

    let again = house.keys.rotate(old.id, hour).await;
    assert!(matches!(again, Err(KeyError::NotAlive(_))), "{again:?}");
    let unknown = house.keys.rotate(KeyId::generate(), hour).await;
    assert!(matches!(unknown, Err(KeyError::NotAlive(_))), "{unknown:?}");
    let long = house.keys.rotate(new.id, Duration::from_secs(91 * 24 * 3600)).await;
    assert!(matches!(long, Err(KeyError::OverlapTooLong)), "{long:?}");
}

#[tokio::test]
async fn without_overlap_the_old_key_ends_at_once() {
    let house = House::new().await;
    let (old, text) = house.key().await;
    house.keys.authenticate(text.expose()).await.unwrap();
    house.keys.rotate(old.id, Duration::ZERO).await.unwrap();
    assert!(matches!(house.refusal(text.expose()).await, AuthError::Invalid));
}

#[tokio::test]
async fn a_key_for_a_month_is_followed_by_a_key_for_a_month() {
    let house = House::new().await;
    let month = Duration::from_secs(30 * 24 * 3600);
    let expires = Some(house.clock.now().plus(month));
    let (old, _) = house.keys.create(house.ana, "laptop", expires).await.unwrap();
    house.clock.advance(month / 2);
    let (new, _) = house.keys.rotate(old.id, month).await.unwrap();
    assert_eq!(new.expires, Some(house.clock.now().plus(month)));
    let old = house.store.key_find(old.id).await.unwrap().unwrap();
    assert_eq!(old.expires, expires, "the overlap makes no life longer");
}

#[tokio::test]
async fn a_changed_key_is_noticed_at_once() {
    let house = House::new().await;
    let (key, text) = house.key().await;
    house.keys.authenticate(text.expose()).await.unwrap();
    let changed = house.keys.change(key.id, " desk ", terms()).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.public_id), ("desk", key.public_id));
    let caller = house.keys.authenticate(text.expose()).await.unwrap();
    assert_eq!(caller.scope, Arc::new(terms().scope));

    house.keys.revoke(key.id).await.unwrap();
    let late = house.keys.change(key.id, "desk", terms()).await;
    assert!(matches!(late, Err(KeyError::NotAlive(_))), "{late:?}");
}
