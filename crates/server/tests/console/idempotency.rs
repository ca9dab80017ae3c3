//! Asking again with the same `Idempotency-Key`.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::TestApp;

use crate::{Answer, User};

async fn post(user: &User<'_>, path: &str, body: &Value, key: &str) -> Answer {
    user.ask(Method::POST, path, Some(body), &[("idempotency-key", key)]).await
}

/// The second request gets the first one's answer, secret included, and makes nothing.
#[tokio::test]
async fn asking_again_makes_one_key_and_shows_it_again() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    let path = format!("/accounts/{account}/keys");
    let before = ana.get(&path).await.ok()["items"].as_array().unwrap().len();
    let wish = json!({"name": "laptop"});
    let first = post(&ana, &path, &wish, "try-1").await;
    let again = post(&ana, &path, &wish, "try-1").await;
    assert_eq!((first.is_replayed, again.is_replayed), (false, true));
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert_eq!(ana.get(&path).await.ok()["items"].as_array().unwrap().len(), before + 1);

    let other = post(&ana, &path, &json!({"name": "desktop"}), "try-1").await;
    assert_eq!(other.refusal(), (422, "idempotency_key_reused"));
    let elsewhere = post(&ana, &format!("/accounts/{account}/projects"), &wish, "try-1").await;
    assert_eq!(elsewhere.refusal(), (422, "idempotency_key_reused"));
    assert_eq!(post(&ana, &path, &wish, "with space").await.refusal(), (422, "invalid_field"));

    // Someone else's keys are their own.
    let (bob, bobs) = User::owner(&app, "bob@example.com").await;
    assert!(!post(&bob, &format!("/accounts/{bobs}/keys"), &wish, "try-1").await.is_replayed);
}

/// A refusal that whoever asks can heal is not kept; one about the request itself is.
#[tokio::test]
async fn what_was_refused_for_who_asked_can_be_tried_again() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    let path = format!("/accounts/{account}/keys");
    let wish = json!({"name": "laptop"});
    assert_eq!(post(&ana.without_csrf(), &path, &wish, "try-1").await.refusal(), (403, "csrf_token_wrong"));
    assert_eq!(post(&ana, &path, &wish, "try-1").await.status, 200);
    let wrong = json!({"name": ""});
    assert_eq!(post(&ana, &path, &wrong, "try-2").await.status, 422);
    assert!(post(&ana, &path, &wrong, "try-2").await.is_replayed);
}

/// Of many at once one runs; the others get its answer, or are told to wait for it.
#[tokio::test]
async fn of_many_at_once_one_gives_credits() {
    let app = TestApp::start().await;
    let (account, _) = app.house.newcomer().await;
    let operator = User::operator(&app).await;
    let path = format!("/admin/accounts/{account}/grants");
    let wish = json!({"amount": "5.00"});
    let mut tries = Vec::new();
    for _ in 0..8 {
        tries.push(post(&operator, &path, &wish, "gift"));
    }
    let answers = futures::future::join_all(tries).await;
    assert!(
        answers.iter().all(|answer| answer.status == 200 || answer.refusal() == (409, "idempotency_running"))
    );
    assert_eq!(answers.iter().filter(|answer| answer.status == 200 && !answer.is_replayed).count(), 1);
    assert_eq!(app.house.funds(account).await.credits, "5".parse().unwrap());
}
