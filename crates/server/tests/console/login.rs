//! Sessions, second factors and what protects them.

use accounts::Role;
use reqwest::Method;
use serde_json::json;
use testkit::{PASSWORD, TestApp};

use crate::User;

/// AUTH-10: someone logs in with address and password; the session is in a cookie that no script can read.
#[tokio::test]
async fn a_session_is_in_a_cookie_and_ends_with_logging_out() {
    let app = TestApp::start().await;
    app.house.member("ana@example.com", app.house.operator.id, Role::Member).await;
    let mut ana = User::stranger(&app);
    let answer = ana.post("/login", &json!({"email": "ana@example.com", "password": PASSWORD})).await;
    let cookie = answer.cookies[0].clone();
    for part in ["azimuth_session=", "HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age="] {
        assert!(cookie.contains(part), "{part}");
    }
    ana.enter(&answer);

    let me = ana.get("/session").await.ok();
    assert_eq!(me["person"]["email"], "ana@example.com");
    assert_eq!(me["accounts"][0]["role"], "member");
    assert_eq!((&me["is_operator"], &me["has_second_factor"]), (&json!(false), &json!(false)));
    assert!(me["person"].get("password").is_none());

    let answer = ana.post("/logout", &json!({})).await;
    assert!(answer.cookies[0].contains("Max-Age=0"));
    assert_eq!(ana.get("/session").await.refusal(), (401, "not_signed_in"));
}

/// Who has no login is refused in the same words as who has another password, and after some tries has to wait.
#[tokio::test]
async fn wrong_passwords_are_refused_alike_and_slowed_down() {
    let app = TestApp::start().await;
    app.house.member("ana@example.com", app.house.operator.id, Role::Member).await;
    let stranger = User::stranger(&app);
    for email in ["ana@example.com", "nobody@example.com", "not an address"] {
        let answer = stranger.post("/login", &json!({"email": email, "password": "not this one"})).await;
        assert_eq!(answer.refusal(), (401, "login_wrong"), "{email}");
        assert_eq!(answer.body["error"]["message"], "The address or the password is wrong.");
    }
    let mut last = 0;
    for _ in 0..8 {
        let wrong = json!({"email": "ana@example.com", "password": "not this one"});
        last = stranger.post("/login", &wrong).await.status;
    }
    assert_eq!(last, 429);
    // Also with the right password: the wait does not tell which one it is.
    let right = json!({"email": "ana@example.com", "password": PASSWORD});
    assert_eq!(stranger.post("/login", &right).await.refusal(), (429, "too_many_tries"));
}

/// A page of another site can make a browser send its cookie, but nothing comes of it.
#[tokio::test]
async fn another_sites_page_changes_nothing() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    let path = format!("/accounts/{account}");
    let name = json!({"name": "taken over"});

    let forged = ana.without_csrf();
    assert_eq!(forged.patch(&path, &name).await.refusal(), (403, "csrf_token_wrong"));
    assert_eq!(forged.post("/logout", &json!({})).await.refusal(), (403, "csrf_token_wrong"));
    assert_eq!(forged.get(&path).await.ok()["account"]["name"], "newcomer");

    let from = async |origin: &str| {
        let answer = ana.ask(Method::PATCH, &path, Some(&name), &[("origin", origin)]).await;
        answer.status
    };
    assert_eq!(from("https://evil.example").await, 403);
    assert_eq!(from("null").await, 403);
    assert_eq!(from("https://models.example.com.evil.example").await, 403);
    assert_eq!(from("https://models.example.com").await, 200);
    assert_eq!(from(&app.base_url).await, 200);

    // Nor can it log somebody in as someone else.
    let login = json!({"email": "ana@example.com", "password": PASSWORD});
    let stranger = User::stranger(&app);
    let answer =
        stranger.ask(Method::POST, "/login", Some(&login), &[("origin", "https://evil.example")]).await;
    assert_eq!(answer.refusal(), (403, "other_origin"));
}

/// AUTH-10: sessions elsewhere are seen and ended from here, and only one's own.
#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let app = TestApp::start().await;
    let (here, _) = User::owner(&app, "ana@example.com").await;
    let there = User::log_in(&app, "ana@example.com").await;
    let (bob, _) = User::owner(&app, "bob@example.com").await;

    let sessions = here.get("/sessions").await.ok();
    let other =
        sessions["items"].as_array().unwrap().iter().find(|session| session["is_this"] == false).unwrap();
    let path = format!("/sessions/{}", other["id"].as_str().unwrap());
    assert_eq!(bob.delete(&path).await.ok(), json!({"changed": false}));
    assert_eq!(there.get("/session").await.status, 200);
    assert_eq!(here.delete(&path).await.ok(), json!({"changed": true}));
    assert_eq!(there.get("/session").await.status, 401);

    User::log_in(&app, "ana@example.com").await;
    assert_eq!(here.delete("/sessions").await.ok(), json!({"count": 1}));
    assert_eq!(here.get("/sessions").await.ok()["items"].as_array().unwrap().len(), 1);
}

/// A second factor is asked for once its first code was shown; a recovery code opens in its place, once.
#[tokio::test]
async fn a_recovery_code_opens_once_in_place_of_the_device() {
    let app = TestApp::start().await;
    let (ana, _) = User::owner(&app, "ana@example.com").await;
    assert_eq!(
        ana.post("/second-factor", &json!({"password": "not this one"})).await.refusal(),
        (403, "proof_wrong")
    );
    let setup = ana.post("/second-factor", &json!({"password": PASSWORD})).await.ok();
    assert!(setup["address"].as_str().unwrap().starts_with("otpauth://totp/"));
    assert_eq!(ana.get("/second-factor").await.ok()["is_enabled"], false);
    assert_eq!(
        ana.post("/second-factor/confirm", &json!({"code": "000000x"})).await.refusal(),
        (401, "code_wrong")
    );

    let code = crate::user::code_of(setup["secret"].as_str().unwrap());
    let codes = ana.post("/second-factor/confirm", &json!({"code": code})).await.ok();
    let recovery = codes["codes"][0].as_str().unwrap();
    assert_eq!(ana.get("/second-factor").await.ok()["recovery_codes_left"], 10);

    let stranger = User::stranger(&app);
    let login = |code: Option<&str>| json!({"email": "ana@example.com", "password": PASSWORD, "code": code});
    assert_eq!(stranger.post("/login", &login(None)).await.refusal(), (401, "code_needed"));
    assert_eq!(stranger.post("/login", &login(Some("123"))).await.refusal(), (401, "code_wrong"));
    assert_eq!(stranger.post("/login", &login(Some(recovery))).await.status, 200);
    assert_eq!(stranger.post("/login", &login(Some(recovery))).await.refusal(), (401, "code_wrong"));
}

/// AUTH-12: `Accept-Language` chooses the language of a refusal, and nothing else about it.
#[tokio::test]
async fn a_refusal_is_said_in_the_callers_language() {
    let app = TestApp::start().await;
    let stranger = User::stranger(&app);
    let english = stranger.get("/session").await;
    let chinese =
        stranger.ask(Method::GET, "/session", None, &[("accept-language", "zh-CN,zh;q=0.9,en;q=0.5")]).await;
    assert_eq!(english.refusal(), chinese.refusal());
    assert_eq!(english.body["error"]["message"], "Log in first.");
    assert_eq!(chinese.body["error"]["message"], "请先登录。");
}
