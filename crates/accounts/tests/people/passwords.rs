use accounts::{AddressError, PasswordChangeError, Profile, ProfileError, Proof, ProofError};
use vocab::Secret;

use crate::house::{House, PASSWORD, address, by, source};

const NEW: &str = "a better password";

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions() {
    let house = House::new();
    let me = house.signed_in("ana@example.com").await;
    let other = house.login("ana@example.com", PASSWORD).await.unwrap();

    let change = |old: &'static str, new: &'static str| {
        let (people, me) = (house.people.clone(), me.clone());
        async move { people.change_password(&me, &Secret::new(old), &Secret::new(new), source()).await }
    };
    assert!(matches!(change("wrong password", NEW).await, Err(PasswordChangeError::Wrong)));
    assert!(matches!(change(PASSWORD, "short").await, Err(PasswordChangeError::Password(_))));
    change(PASSWORD, NEW).await.unwrap();
    assert_eq!(house.letter().await.subject, "Your password was changed");

    assert!(house.people.signed_in(&other.token).await.is_err());
    let mine = house.people.session_list(me.person.id, None, 10).await.unwrap();
    assert_eq!(mine.iter().map(|session| session.id).collect::<Vec<_>>(), [me.session.id]);
    assert!(house.login("ana@example.com", PASSWORD).await.is_err());
    assert!(house.login("ana@example.com", NEW).await.is_ok());
}

#[tokio::test]
async fn who_forgot_their_password_gets_a_letter_that_works_once() {
    let house = House::new();
    let session = {
        house.person("ana@example.com").await;
        house.login("ana@example.com", PASSWORD).await.unwrap()
    };
    house.people.forgot_password(&address("ANA@example.com"), source()).await.unwrap();
    let token = house.token().await;
    let reset = |token: Secret, new: &'static str| {
        let people = house.people.clone();
        async move { people.reset_password(&token, &Secret::new(new), source()).await }
    };
    assert!(matches!(reset(Secret::new("invented"), NEW).await, Err(PasswordChangeError::TokenGone)));
    assert!(
        matches!(reset(token.clone(), "short").await, Err(PasswordChangeError::Password(_))),
        "not used up"
    );
    reset(token.clone(), NEW).await.unwrap();
    assert!(matches!(reset(token, "yet another one").await, Err(PasswordChangeError::TokenGone)));

    assert!(house.people.signed_in(&session.token).await.is_err());
    assert!(house.login("ana@example.com", NEW).await.is_ok());
}

/// Nobody learns from asking who has a login here.
#[tokio::test]
async fn asking_for_a_letter_tells_nothing() {
    let house = House::new();
    house.people.forgot_password(&address("nobody@example.com"), source()).await.unwrap();
    house.assert_no_letter().await;
}

#[tokio::test]
async fn a_letter_is_good_for_two_hours() {
    let house = House::new();
    house.person("ana@example.com").await;
    house.people.forgot_password(&address("ana@example.com"), source()).await.unwrap();
    let token = house.token().await;
    house.wait(2 * 3600);
    let late = house.people.reset_password(&token, &Secret::new(NEW), source()).await;
    assert!(matches!(late, Err(PasswordChangeError::TokenGone)), "{late:?}");
}

/// DATA-04: change of e-mail, with check of the new address.
#[tokio::test]
async fn a_new_address_counts_when_its_letter_is_opened() {
    let house = House::new();
    let me = house.signed_in("ana@example.com").await;
    let (right, wrong) = (Secret::new(PASSWORD), Secret::new("wrong password"));
    let new = address("ana@elsewhere.example");
    let refused = house.people.change_email(&me, &Proof::Password(&wrong), &new, None).await;
    assert!(matches!(refused, Err(AddressError::Proof(ProofError::Wrong))), "{refused:?}");

    house.people.change_email(&me, &Proof::Password(&right), &new, None).await.unwrap();
    let letter = house.letter().await;
    assert_eq!(letter.to, new);
    assert!(house.login("ana@example.com", PASSWORD).await.is_ok(), "until then nothing changes");
    house.people.verify_email(&crate::house::token_in(&letter), None).await.unwrap();
    let notice = house.letter().await;
    assert_eq!(
        (notice.to.as_str(), notice.subject.as_str()),
        ("ana@example.com", "Your address was changed")
    );
    assert!(house.login("ana@example.com", PASSWORD).await.is_err());
    assert!(house.login("ana@elsewhere.example", PASSWORD).await.is_ok());
}

#[tokio::test]
async fn an_address_that_someone_has_is_not_taken_over_and_not_told() {
    let house = House::new();
    house.person("ben@example.com").await;
    let me = house.signed_in("ana@example.com").await;
    let password = Secret::new(PASSWORD);
    house
        .people
        .change_email(&me, &Proof::Password(&password), &address("ben@example.com"), None)
        .await
        .unwrap();
    assert_eq!(house.letter().await.subject, "You already have a login");
    assert_eq!(house.people.find(me.person.id).await.unwrap().unwrap().email.as_str(), "ana@example.com");
}

/// DATA-04: wrong personal data can be corrected, but not into what may not be.
#[tokio::test]
async fn a_profile_is_corrected() {
    let house = House::new();
    let me = house.signed_in("ana@example.com").await;
    let profile = |name: &str, born: Option<&str>| Profile {
        name: name.to_owned(),
        locale: accounts::Locale::Chinese,
        birth_date: born.map(|date| date.parse().unwrap()),
    };
    house
        .people
        .set_profile(me.person.id, &profile(" Ana María ", Some("1990-05-17")), &by(&me))
        .await
        .unwrap();
    let kept = house.people.find(me.person.id).await.unwrap().unwrap();
    assert_eq!((kept.name.as_str(), kept.locale), ("Ana María", accounts::Locale::Chinese));
    let refused = house.people.set_profile(me.person.id, &profile("two\nlines", None), &by(&me)).await;
    assert!(matches!(refused, Err(ProfileError::InvalidName(_))), "{refused:?}");
    let refused = house.people.set_profile(me.person.id, &profile("Ana", Some("2020-01-01")), &by(&me)).await;
    assert!(matches!(refused, Err(ProfileError::TooYoung { .. })), "{refused:?}");
}
