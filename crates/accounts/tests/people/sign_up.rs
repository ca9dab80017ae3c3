use accounts::{
    AccountState, AddressError, Agreement, ConsentSubject, LoginError, PeopleSettings, SignUp, SignUpError,
    SignUpPolicy, SignedUp,
};

use vocab::Secret;

use crate::house::{House, PASSWORD, address, count_accounts, settings, source, token_in, wish};

/// AUTH-10: an account has e-mail and password, and its owner shows that the address is theirs.
#[tokio::test]
async fn someone_signs_up_opens_the_letter_and_logs_in() {
    let house = House::new();
    assert_eq!(house.people.sign_up(wish("ana@example.com")).await.unwrap(), SignedUp::LetterSent);
    let early = house.login("ana@example.com", PASSWORD).await;
    assert!(matches!(early, Err(LoginError::Unverified)), "{early:?}");

    let letter = house.letter().await;
    assert_eq!((letter.to.as_str(), letter.subject.as_str()), ("ana@example.com", "Confirm your address"));
    let token = token_in(&letter);
    let ana = house.people.verify_email(&token, source()).await.unwrap();
    let again = house.people.verify_email(&token, source()).await;
    assert!(matches!(again, Err(AddressError::TokenGone)), "{again:?}");

    let session = house.login("ANA@example.com", PASSWORD).await.unwrap();
    assert_eq!(session.person.id, ana);
    let accounts = house.organisations.list(ana, None, 10).await.unwrap();
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].account.state, AccountState::Active);
}

/// AUTH-09: an account whose owner has not shown that the address is theirs is inactive (code 1110).
#[tokio::test]
async fn an_account_waits_for_its_owners_address() {
    let house = House::new();
    house.people.sign_up(wish("ana@example.com")).await.unwrap();
    let ana = house.people.find_by_email(&address("ana@example.com")).await.unwrap().unwrap();
    let accounts = house.organisations.list(ana.id, None, 10).await.unwrap();
    assert_eq!(accounts[0].account.state, AccountState::Inactive);
}

/// Nobody learns from signing up who has a login here; its owner learns that someone tried.
#[tokio::test]
async fn a_known_address_is_told_to_its_owner_only() {
    let house = House::new();
    house.person("ana@example.com").await;
    let stranger = SignUp { password: Secret::new("another password"), ..wish("Ana@Example.com") };
    assert_eq!(house.people.sign_up(stranger).await.unwrap(), SignedUp::LetterSent);
    let letter = house.letter().await;
    assert_eq!(letter.subject, "You already have a login");
    assert_eq!(count_accounts(&house).await, 1);
    assert!(house.login("ana@example.com", PASSWORD).await.is_ok());
    assert!(house.login("ana@example.com", "another password").await.is_err());
}

/// Who signs up with an address that is not theirs does not get in when its owner does.
#[tokio::test]
async fn the_owner_of_an_address_signs_up_after_a_stranger() {
    let house = House::new();
    let stranger = SignUp { password: Secret::new("strangers password"), ..wish("ana@example.com") };
    house.people.sign_up(stranger).await.unwrap();
    let strangers = house.token().await;
    house.people.sign_up(wish("ana@example.com")).await.unwrap();
    let owners = house.token().await;

    assert!(house.people.verify_email(&strangers, None).await.is_err(), "void");
    house.people.verify_email(&owners, None).await.unwrap();
    assert!(house.login("ana@example.com", "strangers password").await.is_err());
    assert!(house.login("ana@example.com", PASSWORD).await.is_ok());
    assert_eq!(count_accounts(&house).await, 1);
}

#[tokio::test]
async fn an_old_letter_is_no_good_and_a_new_one_is_sent() {
    let house = House::new();
    house.people.sign_up(wish("ana@example.com")).await.unwrap();
    let old = house.token().await;
    house.wait(24 * 3600);
    assert!(matches!(house.people.verify_email(&old, None).await, Err(AddressError::TokenGone)));

    house.people.resend_verification(&address("ana@example.com"), None).await.unwrap();
    let new = house.token().await;
    house.people.verify_email(&new, None).await.unwrap();
    house.people.resend_verification(&address("ana@example.com"), None).await.unwrap();
    house.people.resend_verification(&address("nobody@example.com"), None).await.unwrap();
    house.assert_no_letter().await;
}

/// DATA-12: under 13 never, under 18 with a guardian's permission.
#[tokio::test]
async fn the_young_are_asked_for_a_guardian_and_the_very_young_refused() {
    let house = House::with(PeopleSettings { asks_birth_date: true, ..settings() });
    let born = |date: Option<&str>, has_guardian| SignUp {
        birth_date: date.map(|date| date.parse().unwrap()),
        has_guardian,
        ..wish("ana@example.com")
    };
    let sign_up = |wish| house.people.sign_up(wish);
    assert!(matches!(sign_up(born(None, false)).await, Err(SignUpError::BirthDateNeeded)));
    house.wait(3600);
    assert!(matches!(sign_up(born(Some("2030-01-01"), true)).await, Err(SignUpError::BirthDateNeeded)));
    let twelve = sign_up(born(Some("2013-02-10"), true)).await;
    assert!(matches!(twelve, Err(SignUpError::TooYoung { age_min: 13 })), "{twelve:?}");
    house.wait(3600);
    let fifteen = sign_up(born(Some("2011-01-01"), false)).await;
    assert!(matches!(fifteen, Err(SignUpError::GuardianNeeded { age: 18 })), "{fifteen:?}");
    assert!(sign_up(born(Some("2011-01-01"), true)).await.is_ok());
    assert_eq!(count_accounts(&house).await, 1);
}

/// LEGAL-01: the version and time of what someone agreed to are stored.
#[tokio::test]
async fn what_someone_agrees_to_is_kept() {
    let house = House::new();
    let version = "2026-04-14";
    let agreement = |subject, is_given| Agreement { subject, version: version.parse().unwrap(), is_given };
    let agreements =
        vec![agreement(ConsentSubject::Terms, true), agreement(ConsentSubject::Marketing, false)];
    house.people.sign_up(SignUp { agreements, ..wish("ana@example.com") }).await.unwrap();
    let ana = house.people.find_by_email(&address("ana@example.com")).await.unwrap().unwrap();
    let log = house.store.consent_list(ana.id, None, 10).await.unwrap();
    assert_eq!(log.len(), 2);
    let terms = log.iter().find(|consent| consent.subject == ConsentSubject::Terms).unwrap();
    assert_eq!((terms.version.as_str(), terms.is_given, terms.at), (version, true, ana.created));
}

#[tokio::test]
async fn the_policy_says_who_may_sign_up() {
    let closed = House::with(PeopleSettings { sign_up: SignUpPolicy::Closed, ..settings() });
    let refused = closed.people.sign_up(wish("ana@example.com")).await;
    assert!(matches!(refused, Err(SignUpError::Closed)), "{refused:?}");

    let invited = House::with(PeopleSettings { sign_up: SignUpPolicy::InviteOnly, ..settings() });
    let refused = invited.people.sign_up(wish("ana@example.com")).await;
    assert!(matches!(refused, Err(SignUpError::InvitationNeeded)), "{refused:?}");
    let invented = SignUp { invitation: Some(Secret::new("invented")), ..wish("ana@example.com") };
    let refused = invited.people.sign_up(invented).await;
    assert!(matches!(refused, Err(SignUpError::InvitationGone)), "{refused:?}");
    assert_eq!(count_accounts(&closed).await + count_accounts(&invited).await, 0);
}

/// On a laptop without mail people come in at once; then a known address is no secret either.
#[tokio::test]
async fn without_mail_nobody_waits_for_a_letter() {
    let house = House::with(PeopleSettings { verifies_email: false, ..settings() });
    assert!(matches!(house.people.sign_up(wish("ana@example.com")).await, Ok(SignedUp::Ready(_))));
    assert!(house.login("ana@example.com", PASSWORD).await.is_ok());
    let again = house.people.sign_up(wish("ana@example.com")).await;
    assert!(matches!(again, Err(SignUpError::AddressTaken)), "{again:?}");
    house.assert_no_letter().await;
}

/// Nobody is flooded with letters.
#[tokio::test]
async fn letters_to_one_address_are_limited() {
    let house = House::new();
    for _ in 0..4 {
        house.people.sign_up(wish("ana@example.com")).await.unwrap();
    }
    let refused = house.people.sign_up(wish("ana@example.com")).await;
    assert!(matches!(refused, Err(SignUpError::TooManyTries(_))), "{refused:?}");
    let forgotten = house.people.forgot_password(&address("ANA@example.com"), None).await;
    assert!(forgotten.is_err(), "whatever the letter would say");
    assert!(house.people.sign_up(wish("ben@example.com")).await.is_ok());
}
