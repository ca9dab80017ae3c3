use serde_json::{Value, json};
use testkit::TestApp;

use crate::hello;

/// errors.md §1.5
#[tokio::test]
async fn an_unknown_path_below_a_prefix_says_so_in_the_routers_own_words() {
    let app = TestApp::start().await;
    let response = app.post("/definitely-not-a-route").send().await.unwrap();
    assert_eq!(response.status(), 404);
    let body: Value = response.json().await.unwrap();
    assert_eq!((&body["status"], &body["error"]), (&json!(404), &json!("Not Found")));
    assert_eq!(body["path"], "/v4/definitely-not-a-route");
}

#[tokio::test]
async fn an_unknown_path_elsewhere_is_a_404_too() {
    let app = TestApp::start().await;
    let response = app.http.get(format!("{}/api/nowhere", app.base_url)).send().await.unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(response.json::<Value>().await.unwrap()["msg"], "404 NOT_FOUND");
}

/// ENDP-01, clients.md §3.8: slashes too many and a `/v1` too many reach the same routes.
#[tokio::test]
async fn base_urls_with_stray_slashes_and_v1_work() {
    let app = TestApp::start().await;
    for path in ["//chat/completions", "/chat/completions/", "/v1/chat/completions"] {
        let response = app.post(path).body(hello().to_string()).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
    }
    let coding = format!("{}/api/coding/paas/v4/chat/completions", app.base_url);
    let response =
        app.http.post(coding).bearer_auth(app.key.expose()).body(hello().to_string()).send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_wrong_method_is_told_in_the_envelope() {
    let app = TestApp::start().await;
    let response = app.get("/chat/completions").send().await.unwrap();
    assert_eq!(response.status(), 405);
    assert_eq!(response.json::<Value>().await.unwrap()["error"]["code"], "1210");
}

/// http-api.md §0.1.9: browsers ask before they send, without a key.
#[tokio::test]
async fn a_preflight_is_answered_without_a_key() {
    let app = TestApp::start().await;
    let response = app
        .http
        .request(reqwest::Method::OPTIONS, app.paas("/chat/completions"))
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    assert_eq!(response.headers()["access-control-allow-headers"], "authorization,content-type");
}

/// auth.md §6, §7: the id in the headers is the id in the body.
#[tokio::test]
async fn every_answer_carries_its_id() {
    let app = TestApp::start().await;
    let response = app.post("/chat/completions").body(hello().to_string()).send().await.unwrap();
    let (log_id, request_id) =
        (response.headers()["x-log-id"].clone(), response.headers()["x-request-id"].clone());
    assert_eq!(log_id, request_id);
    assert_eq!(response.headers()["x-azimuth-model"], "scripted.scripted");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["id"], log_id.to_str().unwrap());
    assert_eq!(body["request_id"], body["id"]);
    let refused = app.http.get(app.paas("/models")).send().await.unwrap();
    assert!(refused.headers().contains_key("x-log-id"));
}

#[tokio::test]
async fn health_is_told_to_anyone() {
    let app = TestApp::start().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(app.http.get(format!("{}{path}", app.base_url)).send().await.unwrap().status(), 200);
    }
}
