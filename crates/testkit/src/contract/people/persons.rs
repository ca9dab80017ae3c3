use accounts::{
    AccountState, AddressChange, Arrival, Arrived, Consent, ConsentSubject, Identity, Invitation, Locale,
    Membership, OneTimeToken, PasswordHash, Person, PersonState, Place, Profile, Role, TokenPurpose,
};
use futures::future::join_all;
use vocab::{AccountId, ConsentId, InvitationId, PersonId, Timestamp};

use super::super::accounts::account;
use super::{House, NOW, arrival, audit, audit_at, hash, person, token};

pub(super) async fn all(fresh: &impl AsyncFn() -> House) {
    a_person_comes_back_as_they_went_in(&fresh().await).await;
    everything_about_an_arrival_is_written_or_nothing(&fresh().await).await;
    an_invitation_brings_one_person(&fresh().await).await;
    an_address_belongs_to_one_person(&fresh().await).await;
    people_are_listed_in_pages(&fresh().await).await;
    a_profile_is_changed(&fresh().await).await;
    who_is_not_verified_may_sign_up_again(&fresh().await).await;
    a_password_is_changed_by_who_knows_it(&fresh().await).await;
    a_letter_sets_a_password_once(&fresh().await).await;
    a_letter_verifies_an_address_once(&fresh().await).await;
    who_is_locked_is_out(&fresh().await).await;
    a_partners_login_is_one_persons(&fresh().await).await;
    a_token_is_good_once(&fresh().await).await;
}

fn identity(person: PersonId, subject: &str) -> Identity {
    Identity {
        provider: "partner".parse().expect("a name"),
        subject: subject.to_owned(),
        person,
        linked: NOW,
    }
}

/// Makes an account one that waits until its owner's address is verified.
async fn wait_for_address(house: &House, account: AccountId) {
    let line = audit(account);
    let moved =
        house.people.organisation_set_state(account, AccountState::Active, AccountState::Inactive, &line);
    assert!(moved.await.expect("store answers"));
}

async fn a_person_comes_back_as_they_went_in(house: &House) {
    let (full, own) = house.arrive(person("ana")).await;
    let bare = Person { email_verified: None, password: None, birth_date: None, ..person("名前") };
    let bare = Person { email: "bare@example.com".parse().expect("an address"), ..bare };
    let (bare, _) = house.arrive(bare).await;

    for kept in [full.clone(), bare] {
        assert_eq!(house.find(kept.id).await, kept);
        let found = house.people.person_find_by_email(&kept.email).await.expect("store answers");
        assert_eq!(found, Some(kept));
    }
    assert_eq!(house.people.person_find(PersonId::generate()).await.expect("store answers"), None);
    assert_eq!(house.accounts.account_find(own.id).await.expect("store answers"), Some(own));
    assert_eq!(house.log_of(full.id).await, 1);
}

async fn everything_about_an_arrival_is_written_or_nothing(house: &House) {
    let ana = person("ana");
    let consent = Consent {
        id: ConsentId::generate(),
        person: ana.id,
        subject: ConsentSubject::Terms,
        version: "2026-04-14".parse().expect("a version"),
        is_given: true,
        at: NOW,
    };
    let full = Arrival {
        identity: Some(identity(ana.id, "42")),
        consents: vec![consent.clone()],
        ..arrival(&ana, Place::Own(account("ana")))
    };
    assert_eq!(house.people.person_insert(&full).await.expect("store answers"), Arrived::Written);
    let consents = house.people.consent_list(ana.id, None, 10).await.expect("store answers");
    assert_eq!(consents, [consent]);
    let linked = house.people.identity_find(&"partner".parse().expect("a name"), "42").await;
    assert_eq!(linked.expect("store answers").map(|identity| identity.person), Some(ana.id));

    let again = person("ANA");
    let own = account("again");
    let arrived = house.people.person_insert(&arrival(&again, Place::Own(own.clone()))).await;
    assert_eq!(arrived.expect("store answers"), Arrived::AddressTaken);
    assert_eq!(house.people.person_find(again.id).await.expect("store answers"), None);
    assert_eq!(house.accounts.account_find(own.id).await.expect("store answers"), None);
    assert_eq!(house.log_of(again.id).await, 0);

    let nowhere =
        Membership { person: again.id, account: AccountId::generate(), role: Role::Member, since: NOW };
    let ben = person("ben");
    let lost = arrival(&ben, Place::Placed(Membership { person: ben.id, ..nowhere }));
    assert!(house.people.person_insert(&lost).await.is_err());
    assert_eq!(house.people.person_find(ben.id).await.expect("store answers"), None);
}

async fn an_invitation_brings_one_person(house: &House) {
    let account = house.account("house").await;
    let invitation = Invitation {
        id: InvitationId::generate(),
        account: account.id,
        email: "ben@example.com".parse().expect("an address"),
        role: Role::Billing,
        invited_by: None,
        token: hash("letter"),
        created: NOW,
        expires: Timestamp::from_millis(NOW.as_millis() + 1000),
        closed: None,
    };
    house.people.invitation_insert(&invitation, &audit(account.id)).await.expect("store answers");

    let people = ["ben", "cem", "dora"].map(person);
    let tries = people.iter().map(|person| async {
        let membership =
            Membership { person: person.id, account: account.id, role: Role::Billing, since: NOW };
        let place = Place::Invited { invitation: hash("letter"), membership };
        house.people.person_insert(&arrival(person, place)).await.expect("store answers")
    });
    let arrived = join_all(tries).await;
    assert_eq!(arrived.iter().filter(|arrived| **arrived == Arrived::Written).count(), 1, "{arrived:?}");
    assert_eq!(arrived.iter().filter(|arrived| **arrived == Arrived::InvitationGone).count(), 2);
    let members = house.people.membership_list_of_account(account.id, None, 10).await.expect("store answers");
    assert_eq!(members.len(), 1);
    assert_eq!(members[0].membership.role, Role::Billing);
    assert_eq!(house.people.person_list(None, 10).await.expect("store answers").len(), 1);
}

async fn an_address_belongs_to_one_person(house: &House) {
    let people: Vec<_> = ["eve", "EVE", "Eve", "eVe"].map(person).into();
    let tries = people.iter().map(|person| async {
        let place = Place::Own(account(&person.name));
        house.people.person_insert(&arrival(person, place)).await.expect("store answers")
    });
    let arrived = join_all(tries).await;
    assert_eq!(arrived.iter().filter(|arrived| **arrived == Arrived::Written).count(), 1, "{arrived:?}");
    let found = house.people.person_find_by_email(&"EvE@EXAMPLE.com".parse().expect("an address")).await;
    assert!(found.expect("store answers").is_some());
    assert_eq!(house.accounts.account_list(None, 10).await.expect("store answers").len(), 1);
}

async fn people_are_listed_in_pages(house: &House) {
    let mut made = Vec::new();
    for name in ["ana", "ben", "cem"] {
        made.push(house.arrive(person(name)).await.0);
    }
    assert_eq!(house.people.person_list(None, 10).await.expect("store answers"), made);
    let page = house.people.person_list(Some(made[0].id), 1).await.expect("store answers");
    assert_eq!(page, made[1..2]);
    assert!(house.people.person_list(None, 0).await.expect("store answers").is_empty());
}

/// DATA-04: wrong data can be corrected.
async fn a_profile_is_changed(house: &House) {
    let (ana, _) = house.arrive(person("ana")).await;
    let profile =
        Profile { name: "'; DROP TABLE person; --".to_owned(), locale: Locale::English, birth_date: None };
    let line = audit("profile");
    assert!(house.people.person_set_profile(ana.id, &profile, &line).await.expect("store answers"));
    let changed = Person { name: profile.name.clone(), locale: Locale::English, birth_date: None, ..ana };
    assert_eq!(house.find(changed.id).await, changed);
    let line = audit("nobody's profile");
    assert!(
        !house.people.person_set_profile(PersonId::generate(), &profile, &line).await.expect("store answers")
    );
    assert_eq!((house.log_of("profile").await, house.log_of("nobody's profile").await), (1, 0));
}

async fn who_is_not_verified_may_sign_up_again(house: &House) {
    let (first, _) = house.arrive(Person { email_verified: None, ..person("ana") }).await;
    house
        .people
        .token_insert(&token(&first, "letter", TokenPurpose::VerifyEmail))
        .await
        .expect("store answers");

    let again = Person { name: "Ana".to_owned(), password: None, locale: Locale::English, ..first.clone() };
    assert!(house.people.person_renew(&again).await.expect("store answers"));
    assert_eq!(house.find(first.id).await, again);
    assert_eq!(house.people.token_find(&hash("letter")).await.expect("store answers"), None);

    let (ben, _) = house.arrive(person("ben")).await;
    assert!(
        !house.people.person_renew(&Person { password: None, ..ben.clone() }).await.expect("store answers")
    );
    assert_eq!(house.find(ben.id).await, ben);

    let line = audit("link");
    assert!(house.people.identity_insert(&identity(first.id, "7"), &line).await.expect("store answers"));
    assert!(!house.people.person_renew(&first).await.expect("store answers"), "a partner sent them");
}

async fn a_password_is_changed_by_who_knows_it(house: &House) {
    let (ana, _) = house.arrive(person("ana")).await;
    house
        .people
        .token_insert(&token(&ana, "letter", TokenPurpose::ResetPassword))
        .await
        .expect("store answers");
    let new = PasswordHash::from_text("new".to_owned());
    let wrong = PasswordHash::from_text("wrong".to_owned());
    let set = |old: Option<PasswordHash>, new: Option<PasswordHash>| {
        let id = ana.id;
        async move {
            let line = audit("password");
            let set = house.people.person_set_password(id, old.as_ref(), new.as_ref(), None, &line).await;
            set.expect("store answers")
        }
    };
    assert!(!set(Some(wrong), Some(new.clone())).await);
    assert!(!set(None, Some(new.clone())).await);
    assert_eq!(house.find(ana.id).await, ana);

    assert!(set(ana.password.clone(), Some(new.clone())).await);
    assert_eq!(house.find(ana.id).await.password, Some(new.clone()));
    assert_eq!(house.people.token_find(&hash("letter")).await.expect("store answers"), None, "void");
    assert!(set(Some(new.clone()), None).await);
    assert!(set(None, Some(new)).await);
    assert_eq!(house.log_of("password").await, 3);
}

async fn a_letter_sets_a_password_once(house: &House) {
    let (ana, own) = house.arrive(Person { email_verified: None, ..person("ana") }).await;
    wait_for_address(house, own.id).await;
    house
        .people
        .token_insert(&token(&ana, "letter", TokenPurpose::ResetPassword))
        .await
        .expect("store answers");
    let new = PasswordHash::from_text("new".to_owned());
    let late = audit_at("late", Timestamp::from_millis(NOW.as_millis() + 1000));
    let reset = house.people.person_reset_password(&hash("letter"), &new, &late).await;
    assert!(!reset.expect("store answers"), "too late");

    let tries = (0..4).map(|_| async {
        let reset = house.people.person_reset_password(&hash("letter"), &new, &audit("reset")).await;
        reset.expect("store answers")
    });
    assert_eq!(join_all(tries).await.iter().filter(|reset| **reset).count(), 1);
    let kept = house.find(ana.id).await;
    assert_eq!(
        (kept.password, kept.email_verified),
        (Some(new), Some(NOW)),
        "the letter shows the address too"
    );
    let account = house.accounts.account_find(own.id).await.expect("store answers").expect("still there");
    assert_eq!(account.state, AccountState::Active);
    assert_eq!((house.log_of("reset").await, house.log_of("late").await), (1, 0));
}

async fn a_letter_verifies_an_address_once(house: &House) {
    let (ana, own) = house.arrive(Person { email_verified: None, ..person("ana") }).await;
    let (ben, _) = house.arrive(person("ben")).await;
    wait_for_address(house, own.id).await;
    let verify = |text: &'static str| async move {
        house.people.person_verify_email(&hash(text), &audit(text)).await.expect("store answers")
    };
    let send = |text: &'static str, email: &str| {
        let letter = token(&ana, text, TokenPurpose::VerifyEmail);
        let letter = OneTimeToken { email: email.parse().expect("an address"), ..letter };
        async move { house.people.token_insert(&letter).await.expect("store answers") }
    };

    assert_eq!(verify("nothing").await, AddressChange::TokenGone);
    send("first", "ana@example.com").await;
    assert_eq!(verify("first").await, AddressChange::Done);
    assert_eq!(verify("first").await, AddressChange::TokenGone);
    let kept = house.find(ana.id).await;
    assert_eq!(kept, Person { email_verified: Some(NOW), ..ana.clone() });
    let account = house.accounts.account_find(own.id).await.expect("store answers").expect("still there");
    assert_eq!(account.state, AccountState::Active);

    send("second", "Ana@elsewhere.example").await;
    assert_eq!(verify("second").await, AddressChange::Done);
    assert_eq!(house.find(ana.id).await.email.as_str(), "Ana@elsewhere.example");
    let found = house.people.person_find_by_email(&ana.email).await.expect("store answers");
    assert_eq!(found, None, "the old address is free");

    send("third", ben.email.as_str()).await;
    assert_eq!(verify("third").await, AddressChange::AddressTaken);
    assert_eq!(house.log_of("third").await, 0);
}

async fn who_is_locked_is_out(house: &House) {
    let (ana, _) = house.arrive(person("ana")).await;
    let set = |from, to| {
        let id = ana.id;
        async move { house.people.person_set_state(id, from, to, &audit("state")).await.expect("store answers") }
    };
    assert!(set(PersonState::Active, PersonState::Locked).await);
    assert!(!set(PersonState::Active, PersonState::Locked).await);
    assert_eq!(house.find(ana.id).await.state, PersonState::Locked);
    assert!(set(PersonState::Locked, PersonState::Active).await);
    assert_eq!(house.find(ana.id).await, ana);
    assert_eq!(house.log_of("state").await, 2);
}

async fn a_partners_login_is_one_persons(house: &House) {
    let (ana, _) = house.arrive(person("ana")).await;
    let (ben, own) = house.arrive(Person { email_verified: None, ..person("ben") }).await;
    let partner = "partner".parse().expect("a name");
    let link = |identity: Identity| async move {
        house.people.identity_insert(&identity, &audit("link")).await.expect("store answers")
    };
    assert!(link(identity(ana.id, "42")).await);
    assert!(!link(identity(ana.id, "43")).await, "one for each partner");
    assert!(!link(identity(ben.id, "42")).await, "it is another's");
    assert!(house.people.identity_insert(&identity(PersonId::generate(), "9"), &audit("x")).await.is_err());

    wait_for_address(house, own.id).await;
    let linked = house.people.identity_insert_verified(&identity(ben.id, "43"), &audit("link")).await;
    assert!(linked.expect("store answers"));
    let kept = house.find(ben.id).await;
    assert_eq!(
        (kept.email_verified, kept.password),
        (Some(NOW), None),
        "a password from before may be a stranger's"
    );
    let account = house.accounts.account_find(own.id).await.expect("store answers").expect("still there");
    assert_eq!(account.state, AccountState::Active);

    let theirs = house.people.identity_list(ben.id, 10).await.expect("store answers");
    assert_eq!(theirs, [identity(ben.id, "43")]);
    let remove = || async {
        house.people.identity_remove(ben.id, &partner, &audit("unlink")).await.expect("store answers")
    };
    assert!(remove().await);
    assert!(!remove().await);
    assert_eq!(house.people.identity_find(&partner, "43").await.expect("store answers"), None);
    assert_eq!((house.log_of("link").await, house.log_of("unlink").await), (2, 1));
}

async fn a_token_is_good_once(house: &House) {
    let (ana, _) = house.arrive(person("ana")).await;
    let confirm = TokenPurpose::ConfirmRights;
    house.people.token_insert(&token(&ana, "older", confirm)).await.expect("store answers");
    let kept = token(&ana, "newer", confirm);
    house.people.token_insert(&kept).await.expect("store answers");
    assert_eq!(house.people.token_find(&hash("older")).await.expect("store answers"), None, "void");
    assert_eq!(house.people.token_find(&hash("newer")).await.expect("store answers"), Some(kept.clone()));
    assert!(house.people.token_insert(&token(&person("nobody"), "lost", confirm)).await.is_err());

    let used = |purpose, at| async move {
        house.people.token_use(&hash("newer"), purpose, at).await.expect("store answers")
    };
    assert!(!used(TokenPurpose::VerifyEmail, NOW).await);
    assert!(!used(confirm, kept.expires).await);
    let tries = join_all((0..8).map(|_| used(confirm, NOW))).await;
    assert_eq!(tries.iter().filter(|used| **used).count(), 1);
}
