//! Which addresses there are.

use reqwest::Method;
use serde_json::Value;
use testkit::TestApp;

use crate::{door, hello, ids, refusal};

/// ENDP-03, anthropic-api.md §1: with `/v1`, without, twice, with a query and with too many slashes it is one route.
#[tokio::test]
async fn every_spelling_of_the_address_leads_to_messages() {
    let app = TestApp::start().await;
    for path in [
        "/v1/messages",
        "/v1/messages?beta=true",
        "/messages",
        "/messages/",
        "/v1/v1/messages",
        "//v1//messages",
        "/v1/messages/?beta=true",
    ] {
        let request = app.http.post(door(&app, path)).bearer_auth(app.key.expose());
        let answer = request.body(hello().to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let id = ids(answer.headers());
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["id"], format!("msg_{id}"));
    }
    for path in
        ["/v1/messages/count_tokens?beta=true", "/messages/count_tokens", "/v1/v1/messages/count_tokens"]
    {
        let request = app.http.post(door(&app, path)).bearer_auth(app.key.expose());
        let answer = request.body(hello().to_string()).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), r#"{"input_tokens":10}"#, "{path}");
    }
}

/// Clients look at their start whether anybody is in, without a key.
#[tokio::test]
async fn whoever_looks_whether_anybody_is_in_needs_no_key() {
    let app = TestApp::start().await;
    for path in ["", "/", "/v1"] {
        for method in [Method::HEAD, Method::GET] {
            let answer = app.http.request(method, door(&app, path)).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{path}");
            assert!(!answer.headers().contains_key("content-type"));
            assert_eq!(answer.text().await.unwrap(), "");
        }
    }
    let posted = app.http.post(door(&app, "")).body(hello().to_string()).send().await.unwrap();
    assert_eq!(refusal(posted).await.status, 405);
}

/// anthropic-api.md §1: what is not offered is not found, in the door's own words; and only whoever has a key learns
/// that.
#[tokio::test]
async fn what_is_not_offered_is_not_found() {
    let app = TestApp::start().await;
    for path in ["/v1/complete", "/v1/messages/batches", "/v1/files", "/v2/messages", "/v1/models/a/b"] {
        for method in [Method::GET, Method::POST] {
            let asked = app.http.request(method.clone(), door(&app, path)).bearer_auth(app.key.expose());
            let refused = refusal(asked.send().await.unwrap()).await;
            assert_eq!((refused.status, refused.kind.as_str()), (404, "not_found_error"), "{path}");
            assert!(refused.text.contains(path), "{}", refused.text);
            let keyless = app.http.request(method, door(&app, path)).send().await.unwrap();
            assert_eq!(refusal(keyless).await.brief(), (401, "authentication_error", "1001", true));
        }
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_which_is_right() {
    let app = TestApp::start().await;
    let asked = app.http.get(door(&app, "/v1/messages")).bearer_auth(app.key.expose());
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.headers()["allow"], "POST");
    let refused = refusal(answer).await;
    assert_eq!((refused.status, refused.kind.as_str()), (405, "invalid_request_error"));
}

/// http-api.md §0.1: pages may call this door too, and read the request's id.
#[tokio::test]
async fn a_page_may_call() {
    let app = TestApp::start().await;
    let asked = app
        .http
        .request(Method::OPTIONS, door(&app, "/v1/messages"))
        .header("origin", "https://example.com")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "x-api-key,anthropic-version,anthropic-beta");
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.headers()["access-control-allow-headers"],
        "x-api-key,anthropic-version,anthropic-beta"
    );
    let refused = app.http.post(door(&app, "/v1/messages")).send().await.unwrap();
    assert_eq!(refused.headers()["access-control-allow-origin"], "*");
    let shown = refused.headers()["access-control-expose-headers"].to_str().unwrap();
    assert!(shown.split(',').any(|name| name == "request-id"), "{shown}");
}
