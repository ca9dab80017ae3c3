use accounts::{Keys, Login, OneTimeToken, Proof, Seal, TokenHash, TokenPurpose};
use vocab::Secret;

use crate::house::{House, PASSWORD, address, source, token_in, wish};

/// Passwords, tokens of sessions and letters, secrets of second factors and keys are in nothing that
/// prints itself, and neither are their hashes.
#[tokio::test]
async fn no_secret_prints_itself() {
    let house = House::new();
    let sign_up = wish("ana@example.com");
    let mut printed = format!("{sign_up:?}");
    house.people.sign_up(sign_up).await.unwrap();
    let letter = house.letter().await;
    printed += &format!("{letter:?}");
    let mailed = token_in(&letter);
    let kept: OneTimeToken = house.store.token_find(&TokenHash::of(&mailed)).await.unwrap().unwrap();
    assert_eq!(kept.purpose, TokenPurpose::VerifyEmail);
    printed += &format!("{kept:?}");
    house.people.verify_email(&mailed, None).await.unwrap();

    let login = Login {
        email: "ana@example.com".to_owned(),
        password: Secret::new(PASSWORD),
        code: Some(Secret::new("123456")),
        source: source(),
        agent: String::new(),
    };
    printed += &format!("{login:?}");
    let session = house.people.login(&login).await.unwrap();
    printed += &format!("{session:?}");
    let signed_in = house.people.signed_in(&session.token).await.unwrap();
    printed += &format!("{signed_in:?}");

    let password = Secret::new(PASSWORD);
    let proof = Proof::Password(&password);
    let setup = house.people.begin_factor(&signed_in, &proof, None).await.unwrap();
    let factor = house.store.factor_find(signed_in.person.id).await.unwrap().unwrap();
    printed += &format!("{proof:?} {setup:?} {factor:?}");

    let account = house.organisations.list(signed_in.person.id, None, 1).await.unwrap()[0].account.id;
    let keys = Keys::new(house.accounts.clone(), Seal::generate().0, house.clock.clone());
    let made = keys.create(account, "laptop", None).await.unwrap();
    printed += &format!("{made:?} {keys:?}", keys = keys.authenticate(made.1.expose()).await.unwrap());
    let key_secret = made.1.expose().split_once('.').unwrap().1;

    let person = house.people.find_by_email(&address("ana@example.com")).await.unwrap().unwrap();
    printed += &format!("{person:?}");
    let hash = person.password.clone().unwrap();
    let secrets = [
        PASSWORD.to_owned(),
        hash.as_str().to_owned(),
        mailed.expose().to_owned(),
        TokenHash::of(&mailed).to_string(),
        session.token.expose().to_owned(),
        TokenHash::of(&session.token).to_string(),
        setup.secret.expose().to_owned(),
        setup.address.expose().to_owned(),
        factor.sealed_secret.as_str().to_owned(),
        key_secret.to_owned(),
        made.0.sealed_secret.as_str().to_owned(),
        "123456".to_owned(),
    ];
    for secret in secrets {
        assert!(!printed.contains(&secret), "{secret} in {printed}");
    }
    let json = serde_json::to_string(&(&person, &session.session)).unwrap();
    assert!(
        !json.contains(hash.as_str()) && !json.contains(&TokenHash::of(&session.token).to_string()),
        "{json}"
    );
}
