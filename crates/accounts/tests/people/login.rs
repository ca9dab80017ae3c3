use std::time::Duration;

use accounts::{AuditQuery, By, Login, LoginError, SessionError};
use futures::future::join_all;
use vocab::Secret;

use crate::house::{House, PASSWORD, by, source};

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_sound_the_same() {
    let house = House::new();
    house.person("ana@example.com").await;
    for (email, password) in [
        ("ana@example.com", "wrong password"),
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("", ""),
        ("' OR 1=1 --", PASSWORD),
    ] {
        let refused = house.login(email, password).await;
        assert!(matches!(refused, Err(LoginError::Wrong)), "{email}: {refused:?}");
    }
}

#[tokio::test]
async fn who_guesses_waits_longer_and_longer_whether_the_address_exists_or_not() {
    let house = House::new();
    house.person("ana@example.com").await;
    for email in ["ana@example.com", "nobody@example.com"] {
        for _ in 0..6 {
            assert!(matches!(house.login(email, "wrong password").await, Err(LoginError::Wrong)));
        }
        let refused = house.login(email, PASSWORD).await;
        let Err(LoginError::TooManyTries(tries)) = refused else { panic!("{email}: {refused:?}") };
        assert_eq!(tries.wait, Duration::from_secs(1));
        house.wait(1);
        assert!(matches!(house.login(email, "wrong password").await, Err(LoginError::Wrong)));
        let refused = house.login(email, "wrong password").await;
        let Err(LoginError::TooManyTries(tries)) = refused else { panic!("{email}: {refused:?}") };
        assert_eq!(tries.wait, Duration::from_secs(2));
    }
    house.wait(2);
    assert!(house.login("ana@example.com", PASSWORD).await.is_ok());
    assert!(matches!(house.login("ana@example.com", "wrong password").await, Err(LoginError::Wrong)), "anew");
}

/// Trying many addresses with one password is trying too.
#[tokio::test]
async fn one_source_cannot_try_every_address() {
    let house = House::new();
    for number in 0..31 {
        let refused = house.login(&format!("ana{number}@example.com"), PASSWORD).await;
        assert!(matches!(refused, Err(LoginError::Wrong)), "{number}: {refused:?}");
    }
    let refused = house.login("ana31@example.com", PASSWORD).await;
    assert!(matches!(refused, Err(LoginError::TooManyTries(_))), "{refused:?}");

    let elsewhere = Login {
        email: "ana31@example.com".to_owned(),
        password: Secret::new(PASSWORD),
        code: None,
        source: Some("198.51.100.7".parse().unwrap()),
        agent: String::new(),
    };
    assert!(matches!(house.people.login(&elsewhere).await, Err(LoginError::Wrong)));
}

/// A hundred guesses sent at once are not a way round the waits.
#[tokio::test]
async fn guesses_at_once_are_counted_before_they_fail() {
    let house = House::new();
    house.person("ana@example.com").await;
    let guesses = (0..50).map(|_| house.login("ana@example.com", "wrong password"));
    let refusals = join_all(guesses).await;
    let looked_at = refusals.iter().filter(|refused| matches!(refused, Err(LoginError::Wrong))).count();
    assert_eq!(looked_at, 6);
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_when_it_is_old() {
    let house = House::new();
    house.person("ana@example.com").await;
    let day = 24 * 3600;
    let idle = house.login("ana@example.com", PASSWORD).await.unwrap();
    house.wait(day - 1);
    assert!(house.people.signed_in(&idle.token).await.is_ok(), "used, so it goes on");
    house.wait(day - 1);
    assert!(house.people.signed_in(&idle.token).await.is_ok());
    house.wait(day);
    assert!(matches!(house.people.signed_in(&idle.token).await, Err(SessionError::Over)));

    let old = house.login("ana@example.com", PASSWORD).await.unwrap();
    for _ in 0..59 {
        house.wait(day / 2);
        assert!(house.people.signed_in(&old.token).await.is_ok());
    }
    house.wait(day / 2);
    assert!(matches!(house.people.signed_in(&old.token).await, Err(SessionError::Over)));
}

#[tokio::test]
async fn someone_sees_where_they_are_logged_in_and_ends_it() {
    let house = House::new();
    let ana = house.person("ana@example.com").await;
    let here = house.login("ana@example.com", PASSWORD).await.unwrap();
    let there = house.login("ana@example.com", PASSWORD).await.unwrap();
    let listed = house.people.session_list(ana, None, 10).await.unwrap();
    assert_eq!(
        listed.iter().map(|session| session.id).collect::<Vec<_>>(),
        [here.session.id, there.session.id]
    );
    assert_eq!((listed[0].agent.as_str(), listed[0].source), ("test", source()));

    let me = house.people.signed_in(&here.token).await.unwrap();
    assert!(house.people.session_end(ana, there.session.id, &by(&me)).await.unwrap());
    assert!(matches!(house.people.signed_in(&there.token).await, Err(SessionError::Over)));
    assert!(house.people.signed_in(&here.token).await.is_ok());
    house.people.session_end_all(ana, None, &by(&me)).await.unwrap();
    assert!(house.people.signed_in(&here.token).await.is_err());
    assert!(house.people.session_list(ana, None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_token_that_is_none_opens_nothing() {
    let house = House::new();
    for token in ["", "short", &"x".repeat(43), &"x".repeat(100_000), "é"] {
        assert!(matches!(house.people.signed_in(&Secret::new(token)).await, Err(SessionError::Over)));
    }
}

/// Whom the operator locks is out at once, and is told so only if they know the password.
#[tokio::test]
async fn the_operator_locks_someone_out_and_in_again() {
    let house = House::new();
    let ana = house.person("ana@example.com").await;
    let session = house.login("ana@example.com", PASSWORD).await.unwrap();
    house.people.lock(ana, &By::OPERATOR).await.unwrap();
    assert!(house.people.lock(ana, &By::OPERATOR).await.is_err());
    assert!(house.people.signed_in(&session.token).await.is_err());
    assert!(matches!(house.login("ana@example.com", PASSWORD).await, Err(LoginError::Locked)));
    assert!(matches!(house.login("ana@example.com", "wrong password").await, Err(LoginError::Wrong)));
    house.people.unlock(ana, &By::OPERATOR).await.unwrap();
    assert!(house.login("ana@example.com", PASSWORD).await.is_ok());

    let log = house.store.audit_list(&AuditQuery::default(), None, 100).await.unwrap();
    let acts: Vec<_> = log.iter().map(|event| event.action.as_str()).collect();
    let expected = ["person.log_in", "person.unlock", "person.lock", "person.log_in", "person.verify_email"];
    assert_eq!(acts[..5], expected);
}
