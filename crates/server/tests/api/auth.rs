use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use testkit::TestApp;

use crate::hello;

async fn status_and_code(app: &TestApp, authorization: Option<&str>) -> (u16, String) {
    let mut request = app.http.post(app.paas("/chat/completions")).body(hello().to_string());
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

fn signed(key: &str, secret: Option<&str>, lives_ms: i64) -> String {
    let (id, own_secret) = key.split_once('.').unwrap();
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let claims = json!({"api_key": id, "exp": now + lives_ms, "timestamp": now});
    let secret = EncodingKey::from_secret(secret.unwrap_or(own_secret).as_bytes());
    encode(&Header::new(Algorithm::HS256), &claims, &secret).unwrap()
}

/// AUTH-01: a call without a key is refused before anything else is looked at.
#[tokio::test]
async fn without_a_key_even_an_unknown_path_answers_401() {
    let app = TestApp::start().await;
    assert_eq!(status_and_code(&app, None).await, (401, "1001".to_owned()));
    let response = app.http.post(app.paas("/definitely-not-a-route")).send().await.unwrap();
    assert_eq!(response.status(), 401);
}

/// AUTH-02: a token that does not exist is refused, and clients are told not to try again.
#[tokio::test]
async fn a_wrong_key_is_refused_and_not_to_be_retried() {
    let app = TestApp::start().await;
    let wrong = format!("Bearer {}.{}", "0".repeat(32), "0".repeat(16));
    assert_eq!(status_and_code(&app, Some(&wrong)).await, (401, "1002".to_owned()));
    let response =
        app.http.get(app.paas("/models")).header("authorization", "nonsense").send().await.unwrap();
    assert_eq!(response.headers()["x-should-retry"], "false");
    assert_eq!(response.headers()["content-type"], "application/json; charset=UTF-8");
}

/// auth.md §3: with and without the scheme, in any case, and in `x-api-key`.
#[tokio::test]
async fn the_key_is_found_in_every_place_that_clients_put_it() {
    let app = TestApp::start().await;
    let key = app.key.expose();
    for value in [format!("Bearer {key}"), format!("bearer {key}"), key.to_owned()] {
        assert_eq!(status_and_code(&app, Some(&value)).await.0, 200);
    }
    let response = app
        .http
        .post(app.paas("/chat/completions"))
        .header("x-api-key", key)
        .body(hello().to_string())
        .send()
        .await;
    assert_eq!(response.unwrap().status(), 200);
}

/// The query parameter opens the MCP doors only (auth.md §3).
#[tokio::test]
async fn a_key_in_the_address_opens_nothing_here() {
    let app = TestApp::start().await;
    let address = format!("{}?Authorization={}", app.paas("/models"), app.key.expose());
    assert_eq!(app.http.get(address).send().await.unwrap().status(), 401);
}

/// AUTH-03: signed tokens, in milliseconds; expired 1003, another secret 1004, `alg: none` refused.
#[tokio::test]
async fn a_signed_token_is_accepted_until_it_expires() {
    let app = TestApp::start().await;
    let key = app.key.expose();
    let bearer = |token: &str| format!("Bearer {token}");
    assert_eq!(status_and_code(&app, Some(&bearer(&signed(key, None, 3_600_000)))).await.0, 200);
    let expired = signed(key, None, -3_600_000);
    assert_eq!(status_and_code(&app, Some(&bearer(&expired))).await, (401, "1003".to_owned()));
    let forged = signed(key, Some("another secret of some length"), 3_600_000);
    assert_eq!(status_and_code(&app, Some(&bearer(&forged))).await, (401, "1004".to_owned()));

    let claims = signed(key, None, 3_600_000).split('.').nth(1).unwrap().to_owned();
    let unsigned = format!("eyJhbGciOiJub25lIiwic2lnbl90eXBlIjoiU0lHTiJ9.{claims}.");
    assert_eq!(status_and_code(&app, Some(&bearer(&unsigned))).await.0, 401);
}

/// AUTH-08: a key that is removed stops working at once.
#[tokio::test]
async fn a_revoked_key_stops_working() {
    let app = TestApp::start().await;
    let bearer = format!("Bearer {}", app.key.expose());
    assert_eq!(status_and_code(&app, Some(&bearer)).await.0, 200);
    let key = app.keys.list(None, None, 10).await.unwrap().remove(0);
    app.keys.revoke(key.id).await.unwrap();
    assert_eq!(status_and_code(&app, Some(&bearer)).await, (401, "1002".to_owned()));
}
