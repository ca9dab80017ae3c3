//! Signing up (rules AUTH-10, DATA-12), passwords and addresses.

use serde_json::json;
use testkit::{PASSWORD, TestApp};
use vocab::{Clock, SystemClock};

use crate::User;

/// AUTH-10: someone signs up, opens the link in the letter and logs in, with an account of their own.
#[tokio::test]
async fn someone_signs_up_and_gets_an_account_of_their_own() {
    let app = TestApp::start().await;
    let stranger = User::stranger(&app);
    let options = stranger.get("/entry").await.ok();
    assert_eq!((&options["sign_up"], &options["asks_birth_date"]), (&json!("open"), &json!(false)));

    let wish = json!({"email": "ana@example.com", "name": "Ana", "password": PASSWORD,
        "about": {"agreements": [{"subject": "terms", "version": "2026-01-01", "is_given": true}]}});
    assert_eq!(stranger.post("/sign-up", &wish).await.ok(), json!({"letter_sent": true, "person": null}));
    let login = json!({"email": "ana@example.com", "password": PASSWORD});
    assert_eq!(stranger.post("/login", &login).await.refusal(), (403, "address_unverified"));

    let token = app.house.letters.token_for("ana@example.com").await;
    stranger.post("/verify-email", &json!({"token": token})).await.ok();
    assert_eq!(stranger.post("/verify-email", &json!({"token": token})).await.refusal(), (410, "link_gone"));

    let ana = User::log_in(&app, "ana@example.com").await;
    let accounts = ana.get("/accounts").await.ok();
    assert_eq!(accounts["items"][0]["account"]["name"], "Ana");
    assert_eq!(
        (&accounts["items"][0]["role"], accounts["items"].as_array().unwrap().len()),
        (&json!("owner"), 1)
    );
    assert_eq!(ana.get("/consents").await.ok()["items"][0]["subject"], "terms");
}

/// DATA-12: a birth date twelve years ago is refused, fifteen years ago needs a guardian.
#[tokio::test]
async fn the_young_are_refused_or_need_a_guardian() {
    let app = TestApp::start().await;
    let stranger = User::stranger(&app);
    let year: u16 = SystemClock.now().to_string()[..4].parse().unwrap();
    let born = |years: u16| format!("{:04}-01-01", year - years);
    let wish = |email: &str, years: u16, guardian: bool| {
        json!({"email": email, "name": "Kim", "password": PASSWORD,
            "about": {"birth_date": born(years), "has_guardian": guardian}})
    };
    let answer = stranger.post("/sign-up", &wish("a@example.com", 11, true)).await;
    assert_eq!(answer.refusal(), (403, "too_young"));
    let answer = stranger.post("/sign-up", &wish("b@example.com", 15, false)).await;
    assert_eq!(answer.refusal(), (422, "guardian_needed"));
    assert_eq!(stranger.post("/sign-up", &wish("c@example.com", 15, true)).await.status, 200);
}

/// Nobody learns from signing up or from a forgotten password who has a login.
#[tokio::test]
async fn known_and_unknown_addresses_are_answered_alike() {
    let app = TestApp::start().await;
    app.house.member("ana@example.com", app.house.operator.id, accounts::Role::Member).await;
    let stranger = User::stranger(&app);
    for email in ["ana@example.com", "nobody@example.com"] {
        let wish = json!({"email": email, "name": "Someone", "password": PASSWORD});
        assert_eq!(stranger.post("/sign-up", &wish).await.ok()["letter_sent"], true, "{email}");
        let answer = stranger.post("/password/forgot", &json!({"email": email})).await;
        assert_eq!(answer.ok(), json!({"changed": true}), "{email}");
    }
}

/// A password is set anew by a letter, which ends every session.
#[tokio::test]
async fn a_forgotten_password_is_set_anew() {
    let app = TestApp::start().await;
    let (before, _) = User::owner(&app, "ana@example.com").await;
    let stranger = User::stranger(&app);
    stranger.post("/password/forgot", &json!({"email": "ana@example.com"})).await.ok();
    let token = app.house.letters.token_for("ana@example.com").await;
    let short = stranger.post("/password/reset", &json!({"token": token, "password": "short"})).await;
    assert_eq!(short.refusal(), (422, "password_unusable"));
    stranger.post("/password/reset", &json!({"token": token, "password": "another good one"})).await.ok();
    assert_eq!(before.get("/session").await.status, 401);
    User::log_in_with(&app, &json!({"email": "ana@example.com", "password": "another good one"})).await;
}

/// A mistake in a body names its field, and does not repeat what was written.
#[tokio::test]
async fn a_mistake_names_its_field() {
    let app = TestApp::start().await;
    let stranger = User::stranger(&app);
    let cases = [
        (json!({"email": "ana@example.com", "password": PASSWORD}), "name"),
        (json!({"email": "not an address", "name": "Ana", "password": PASSWORD}), "email"),
        (json!({"email": "ana@example.com", "name": "Ana", "password": 12_345_678}), "password"),
        (json!({"email": "ana@example.com", "name": "\u{7}", "password": PASSWORD}), "name"),
        (json!({"email": "ana@example.com", "name": "Ana", "password": PASSWORD, "rank": 1}), "rank"),
        (
            json!({"email": "ana@example.com", "name": "Ana", "password": PASSWORD, "about": {"locale": "fr"}}),
            "locale",
        ),
    ];
    for (wish, field) in cases {
        let answer = stranger.post("/sign-up", &wish).await;
        assert_eq!(answer.refusal(), (422, "invalid_field"), "{wish}");
        assert_eq!(answer.body["error"]["field"], field, "{wish}");
        assert!(!answer.body.to_string().contains("12345678"));
    }
    let answer = stranger.post("/sign-up", &json!("text")).await;
    assert_eq!(answer.status, 422);
}
