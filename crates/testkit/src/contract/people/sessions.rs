use std::net::IpAddr;

use accounts::{Person, PersonState, SealedSecret, SecondFactor, Session, SignedIn};
use futures::future::join_all;
use vocab::{PersonId, SessionId, Timestamp};

use super::{House, NOW, audit, hash, person};

pub(super) async fn all(fresh: &impl AsyncFn() -> House) {
    a_session_comes_back_with_its_person(&fresh().await).await;
    a_session_is_ended_once(&fresh().await).await;
    what_changes_a_person_ends_their_sessions(&fresh().await).await;
    a_second_factor_counts_once_it_is_confirmed(&fresh().await).await;
    a_step_is_used_once_and_never_an_earlier_one(&fresh().await).await;
    a_recovery_code_is_good_once(&fresh().await).await;
}

fn session(person: &Person, token: &str) -> Session {
    Session {
        id: SessionId::generate(),
        person: person.id,
        token: hash(token),
        created: NOW,
        last_seen: NOW,
        expires: Timestamp::from_millis(NOW.as_millis() + 5000),
        ended: None,
        source: None,
        agent: "Mozilla/5.0 (\u{1F98A})".to_owned(),
    }
}

async fn with_session(house: &House, person: &Person, token: &str) -> Session {
    let session = session(person, token);
    house.people.session_insert(&session, &audit(session.id)).await.expect("store answers");
    session
}

async fn a_session_comes_back_with_its_person(house: &House) {
    let (ana, _) = house.arrive(person("ana")).await;
    let source: IpAddr = "2001:db8::1".parse().expect("an address");
    let kept = Session { source: Some(source), ended: Some(NOW), ..session(&ana, "one") };
    house.people.session_insert(&kept, &audit("session")).await.expect("store answers");
    let found = house.people.session_find(&hash("one")).await.expect("store answers");
    assert_eq!(found, Some(SignedIn { session: kept.clone(), person: ana.clone() }));
    assert_eq!(house.people.session_find(&hash("two")).await.expect("store answers"), None);
    assert_eq!(house.log_of("session").await, 1);

    assert!(house.people.session_insert(&session(&ana, "one"), &audit("x")).await.is_err(), "the same token");
    assert!(house.people.session_insert(&session(&person("nobody"), "two"), &audit("x")).await.is_err());
    assert_eq!(house.log_of("x").await, 0);

    for at in [7_000, 6_000] {
        house
            .people
            .session_touch(kept.id, Timestamp::from_millis(NOW.as_millis() + at))
            .await
            .expect("answers");
    }
    let found = house.people.session_find(&hash("one")).await.expect("store answers").expect("still there");
    assert_eq!(found.session.last_seen.as_millis(), NOW.as_millis() + 7_000, "never moved back");
}

async fn a_session_is_ended_once(house: &House) {
    let (ana, _) = house.arrive(person("ana")).await;
    let (ben, _) = house.arrive(person("ben")).await;
    let sessions = [
        with_session(house, &ana, "1").await,
        with_session(house, &ana, "2").await,
        with_session(house, &ana, "3").await,
    ];
    let other = with_session(house, &ben, "4").await;
    let listed = house.people.session_list(ana.id, None, 10).await.expect("store answers");
    assert_eq!(listed, sessions);
    let page = house.people.session_list(ana.id, Some(sessions[0].id), 1).await.expect("store answers");
    assert_eq!(page, sessions[1..2]);

    let end = |person: PersonId, id| async move {
        house.people.session_end(person, id, &audit("end")).await.expect("store answers")
    };
    assert!(!end(ben.id, sessions[0].id).await, "not theirs");
    assert!(end(ana.id, sessions[0].id).await);
    assert!(!end(ana.id, sessions[0].id).await);
    let ended = house.people.session_end_all(ana.id, Some(sessions[1].id), &audit("end all")).await;
    assert_eq!(ended.expect("store answers"), 1);
    let open: Vec<_> = house.people.session_list(ana.id, None, 10).await.expect("store answers");
    assert_eq!(open.iter().map(|session| session.ended).collect::<Vec<_>>(), [Some(NOW), None, Some(NOW)]);
    let found = house.people.session_find(&hash("4")).await.expect("store answers").expect("still there");
    assert_eq!(found.session, other);
    assert_eq!(house.log_of("end").await, 1);
}

async fn what_changes_a_person_ends_their_sessions(house: &House) {
    let (ana, _) = house.arrive(person("ana")).await;
    let keep = with_session(house, &ana, "keep").await;
    with_session(house, &ana, "other").await;
    let is_open = |token: &'static str| async move {
        let found = house.people.session_find(&hash(token)).await.expect("store answers");
        found.expect("still there").session.ended.is_none()
    };
    let old = ana.password.clone();
    let set = house.people.person_set_password(ana.id, old.as_ref(), None, Some(keep.id), &audit("x")).await;
    assert!(set.expect("store answers"));
    assert_eq!((is_open("keep").await, is_open("other").await), (true, false));

    let locked =
        house.people.person_set_state(ana.id, PersonState::Active, PersonState::Locked, &audit("x")).await;
    assert!(locked.expect("store answers"));
    assert!(!is_open("keep").await);
}

fn factor(person: &Person, sealed: &str) -> SecondFactor {
    SecondFactor {
        person: person.id,
        sealed_secret: SealedSecret::from_text(sealed.to_owned()),
        confirmed: None,
        last_step: 0,
    }
}

async fn a_second_factor_counts_once_it_is_confirmed(house: &House) {
    let (ana, _) = house.arrive(person("ana")).await;
    let (first, second) = (factor(&ana, "first"), factor(&ana, "second"));
    let begin = |factor: SecondFactor| async move {
        house.people.factor_begin(&factor).await.expect("store answers")
    };
    let confirm = |factor: SecondFactor| async move {
        let codes = [hash("a"), hash("b")];
        house.people.factor_confirm(&factor, 9, &codes, &audit("confirm")).await.expect("store answers")
    };
    assert!(begin(first.clone()).await);
    assert!(begin(second.clone()).await, "one that waits is replaced");
    assert!(!confirm(first.clone()).await, "it was replaced");
    assert!(confirm(second.clone()).await);
    assert!(!confirm(second.clone()).await);
    assert!(!begin(first).await, "a confirmed one stays");
    let kept = house.people.factor_find(ana.id).await.expect("store answers");
    assert_eq!(kept, Some(SecondFactor { confirmed: Some(NOW), last_step: 9, ..second }));
    assert_eq!(house.people.recovery_count(ana.id).await.expect("store answers"), 2);

    let remove =
        || async { house.people.factor_remove(ana.id, &audit("remove")).await.expect("store answers") };
    assert!(remove().await);
    assert!(!remove().await);
    assert_eq!(house.people.factor_find(ana.id).await.expect("store answers"), None);
    assert_eq!(house.people.recovery_count(ana.id).await.expect("store answers"), 0);
    assert_eq!((house.log_of("confirm").await, house.log_of("remove").await), (1, 1));
}

async fn a_step_is_used_once_and_never_an_earlier_one(house: &House) {
    let (ana, _) = house.arrive(person("ana")).await;
    assert!(house.people.factor_begin(&factor(&ana, "secret")).await.expect("store answers"));
    let used = |step| async move { house.people.factor_use_step(ana.id, step).await.expect("store answers") };
    let tries = join_all((0..8).map(|_| used(100))).await;
    assert_eq!(tries.iter().filter(|used| **used).count(), 1);
    assert!(!used(99).await);
    assert!(used(101).await);
    assert!(!house.people.factor_use_step(PersonId::generate(), 1).await.expect("store answers"));
}

async fn a_recovery_code_is_good_once(house: &House) {
    let (ana, _) = house.arrive(person("ana")).await;
    let (ben, _) = house.arrive(person("ben")).await;
    let replace = |codes: &'static [&'static str]| async move {
        let codes: Vec<_> = codes.iter().map(|code| hash(code)).collect();
        house.people.recovery_replace(ana.id, &codes, &audit("replace")).await.expect("store answers")
    };
    assert!(!replace(&["a"]).await, "without a factor there are none");
    let waiting = factor(&ana, "secret");
    assert!(house.people.factor_begin(&waiting).await.expect("store answers"));
    assert!(!replace(&["a"]).await);
    let confirmed = house.people.factor_confirm(&waiting, 1, &[hash("a"), hash("b")], &audit("x")).await;
    assert!(confirmed.expect("store answers"));

    let used = |person, code: &'static str| async move {
        house.people.recovery_use(person, &hash(code), &audit("use")).await.expect("store answers")
    };
    assert!(!used(ben.id, "a").await, "not theirs");
    let tries = join_all((0..8).map(|_| used(ana.id, "a"))).await;
    assert_eq!(tries.iter().filter(|used| **used).count(), 1);
    assert!(replace(&["c"]).await);
    assert!(!used(ana.id, "b").await, "replaced");
    assert!(used(ana.id, "c").await);
    assert_eq!(house.log_of("use").await, 2);
}
