//! Keys, in every place where clients of this protocol put them.

use serde_json::json;
use testkit::TestApp;

use crate::{door, hello, refusal};

async fn with(app: &TestApp, bearer: Option<&str>, x_api_key: Option<&str>) -> reqwest::Response {
    let mut request = app.http.post(door(app, "/v1/messages")).body(hello().to_string());
    if let Some(key) = bearer {
        request = request.bearer_auth(key);
    }
    if let Some(key) = x_api_key {
        request = request.header("x-api-key", key);
    }
    request.send().await.unwrap()
}

/// AUTH-06, anthropic-api.md §2.1: either header opens the door; of two, one that is left over from elsewhere does not close
/// it.
#[tokio::test]
async fn either_header_opens_the_door() {
    let app = TestApp::start().await;
    let key = Some(app.key.expose());
    let elsewhere = Some("sk-ant-api03-abc");
    for (bearer, x_api_key) in [
        (key, None),
        (None, key),
        (key, key),
        (Some(""), key),
        (key, elsewhere),
        (elsewhere, key),
        (Some("a.b"), key),
    ] {
        assert_eq!(with(&app, bearer, x_api_key).await.status(), 200, "{bearer:?} {x_api_key:?}");
    }
}

/// anthropic-api.md §11: a wrong key is told at once, and that trying again is no use: without that, the widest-spread client
/// tries for minutes and says nothing.
#[tokio::test]
async fn a_wrong_key_is_told_and_not_to_be_tried_again() {
    let app = TestApp::start().await;
    let wrong = format!("{}.{}", "0".repeat(32), "0".repeat(16));
    for (bearer, x_api_key, code) in [
        (None, None, "1001"),
        (Some(""), Some(""), "1001"),
        (Some(wrong.as_str()), None, "1002"),
        (None, Some("sk-ant-api03-abc"), "1002"),
        (Some("one"), Some("two"), "1002"),
    ] {
        let refused = refusal(with(&app, bearer, x_api_key).await).await;
        assert_eq!(refused.brief(), (401, "authentication_error", code, true), "{bearer:?} {x_api_key:?}");
        assert_eq!(refused.retry_after, None);
    }
    assert!(app.engine.requests().is_empty());
}

/// A key that is for other doors only is refused with what it is not for.
#[tokio::test]
async fn a_key_for_other_doors_does_not_open_this_one() {
    let app = TestApp::start().await;
    let (account, _) = app.house.newcomer().await;
    app.house.grant(account, "lite").await;
    let terms =
        |scope| accounts::KeyTerms { scope: serde_json::from_value(scope).unwrap(), ..Default::default() };
    let scopes = [
        (json!({"doors": ["general", "coding"]}), 403),
        (json!({"doors": ["anthropic"], "models": ["glm-4.5"]}), 403),
        (json!({"doors": ["anthropic"], "models": ["glm-4.7"]}), 200),
    ];
    for (scope, status) in scopes {
        let (_, key) = app.house.keys.create_under(account, "narrow", terms(scope)).await.unwrap();
        let answer = with(&app, Some(key.expose()), None).await;
        assert_eq!(answer.status(), status);
        if status == 403 {
            assert_eq!(refusal(answer).await.brief(), (403, "permission_error", "1220", true));
        }
    }
}
