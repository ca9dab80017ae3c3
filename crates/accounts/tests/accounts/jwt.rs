//! AUTH-03: tokens that clients sign themselves, as the SDKs and hand-written clients make them.

use std::time::Duration;

use accounts::AuthError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use vocab::{Clock, KeyId};

use crate::house::House;

/// Someone who holds a key and signs tokens with it.
struct Client {
    house: House,
    key: KeyId,
    id: String,
    secret: String,
}

impl Client {
    async fn new() -> Self {
        let house = House::new().await;
        let (key, text) = house.key().await;
        let (id, secret) = text.expose().split_once('.').unwrap();
        Self { house, key: key.id, id: id.to_owned(), secret: secret.to_owned() }
    }

    fn now_ms(&self) -> i64 {
        self.house.clock.now().as_millis()
    }

    /// The payload the Python SDK makes.
    fn sdk_payload(&self) -> Value {
        json!({"api_key": self.id, "exp": self.now_ms() + 210_000, "timestamp": self.now_ms()})
    }

    fn payload_until(&self, exp: &Value) -> Value {
        json!({"api_key": self.id, "exp": exp})
    }

    /// `payload` signed as it should be.
    fn token(&self, payload: &Value) -> String {
        signed(&sdk_header(), payload, &self.secret, Algorithm::HS256)
    }

    async fn opens(&self, token: &str) -> bool {
        self.house.keys.authenticate(token).await.is_ok_and(|caller| caller.key == self.key)
    }

    async fn refusal(&self, token: &str) -> AuthError {
        self.house.refusal(token).await
    }
}

fn sdk_header() -> Value {
    json!({"alg": "HS256", "sign_type": "SIGN", "typ": "JWT"})
}

fn unsigned(header: &Value, payload: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(payload))
}

fn signed(header: &Value, payload: &Value, secret: &str, algorithm: Algorithm) -> String {
    let message = unsigned(header, payload);
    let key = EncodingKey::from_secret(secret.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// The header is the Python SDK's, the Java SDK's, or the least there can be.
#[tokio::test]
async fn the_tokens_of_every_client_open() {
    let client = Client::new().await;
    for header in [sdk_header(), json!({"alg": "HS256", "sign_type": "SIGN"}), json!({"alg": "HS256"})] {
        let token = signed(&header, &client.sdk_payload(), &client.secret, Algorithm::HS256);
        assert!(client.opens(&token).await, "{header}");
    }
}

/// Times are milliseconds; what would lie in 1973 is read as seconds.
#[tokio::test]
async fn exp_is_read_in_milliseconds_or_seconds() {
    let client = Client::new().await;
    let now = client.now_ms();
    #[expect(clippy::cast_precision_loss, reason = "hand-written clients multiply floats")]
    let float = json!(now as f64 + 1_000.5);
    let whole = [json!(now + 1_000), json!(now / 1000 + 10), json!(i64::MAX), json!(u64::MAX)];
    for exp in whole.into_iter().chain([float, json!(1e300)]) {
        assert!(client.opens(&client.token(&client.payload_until(&exp))).await, "{exp}");
    }
}

/// AUTH-03: after `exp`, and a minute for clocks that differ, the answer is 1003.
#[tokio::test]
async fn a_token_expires() {
    let client = Client::new().await;
    let token = client.token(&client.sdk_payload());
    client.house.clock.advance(Duration::from_millis(210_000 + 60_000));
    assert!(client.opens(&token).await);
    client.house.clock.advance(Duration::from_millis(1));
    assert!(matches!(client.refusal(&token).await, AuthError::Expired));

    for exp in [json!(0), json!(-1), json!(client.now_ms() / 1000 - 61), json!(-1e300)] {
        let token = client.token(&client.payload_until(&exp));
        assert!(matches!(client.refusal(&token).await, AuthError::Expired), "{exp}");
    }
}

/// AUTH-03: signed with another secret is 1004, also when it has expired: strangers learn nothing more.
#[tokio::test]
async fn another_secret_is_a_signature_mismatch() {
    let client = Client::new().await;
    for payload in [client.sdk_payload(), client.payload_until(&json!(1))] {
        let token = signed(&sdk_header(), &payload, "another secret", Algorithm::HS256);
        assert!(matches!(client.refusal(&token).await, AuthError::SignatureMismatch));
    }

    let token = client.token(&client.sdk_payload());
    let (message, signature) = token.rsplit_once('.').unwrap();
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    let last = if signature.ends_with('A') { 'E' } else { 'A' };
    let cut = &signature[..signature.len() - 1];
    for wrong in
        [format!("{first}{}", &signature[1..]), format!("{cut}{last}"), cut.to_owned(), String::new()]
    {
        let token = format!("{message}.{wrong}");
        assert!(matches!(client.refusal(&token).await, AuthError::SignatureMismatch), "{wrong}");
    }
}

/// A payload changed after signing does not open.
#[tokio::test]
async fn a_changed_payload_does_not_open() {
    let client = Client::new().await;
    let token = client.token(&client.sdk_payload());
    let (_, signature) = token.rsplit_once('.').unwrap();
    let longer = client.payload_until(&json!(i64::MAX));
    let changed = format!("{}.{signature}", unsigned(&sdk_header(), &longer));
    assert!(matches!(client.refusal(&changed).await, AuthError::SignatureMismatch));
}

/// Only HS256: neither no signature, nor another algorithm, nor one taken for another.
#[tokio::test]
async fn no_other_algorithm_opens() {
    let client = Client::new().await;
    let payload = client.sdk_payload();
    let others = ["none", "None", "NONE", "", "RS256", "ES256", "PS256", "EdDSA", "HS384", "HS512", "hs256"];
    for alg in others {
        let header = json!({"alg": alg, "typ": "JWT"});
        let bare = format!("{}.", unsigned(&header, &payload));
        assert!(matches!(client.refusal(&bare).await, AuthError::Invalid), "{alg}");
        let confused = signed(&header, &payload, &client.secret, Algorithm::HS256);
        assert!(matches!(client.refusal(&confused).await, AuthError::Invalid), "{alg}");
    }
    let honest = signed(&json!({"alg": "HS512"}), &payload, &client.secret, Algorithm::HS512);
    assert!(matches!(client.refusal(&honest).await, AuthError::Invalid));
}

/// AUTH-02: a key id nobody has, and tokens that cannot be read, are 1002.
#[tokio::test]
async fn a_token_that_names_no_key_is_invalid() {
    let client = Client::new().await;
    let exp = client.now_ms() + 1_000;
    let unknown = "0".repeat(32);
    for payload in [
        json!({"api_key": unknown, "exp": exp}),
        json!({"api_key": "' OR 1=1 --", "exp": exp}),
        json!({"api_key": 5, "exp": exp}),
        json!({"exp": exp}),
        json!({"api_key": client.id}),
        json!({"api_key": client.id, "exp": "tomorrow"}),
        json!({"api_key": client.id, "exp": null}),
        json!([]),
        json!("text"),
    ] {
        assert!(matches!(client.refusal(&client.token(&payload)).await, AuthError::Invalid), "{payload}");
    }

    let critical = json!({"alg": "HS256", "crit": ["exp"]});
    let token = signed(&critical, &client.sdk_payload(), &client.secret, Algorithm::HS256);
    assert!(matches!(client.refusal(&token).await, AuthError::Invalid));
    for text in ["..", "a..", ".a.", "..a", "e30.e30.e30", "e30=.e30=.e30=", "é.é.é"] {
        assert!(matches!(client.refusal(text).await, AuthError::Invalid), "{text}");
    }
}

/// AUTH-08: revoking a key ends the tokens that were signed with it.
#[tokio::test]
async fn a_revoked_key_signs_no_more() {
    let client = Client::new().await;
    let token = client.token(&client.sdk_payload());
    assert!(client.opens(&token).await);
    client.house.keys.revoke(client.key).await.unwrap();
    assert!(matches!(client.refusal(&token).await, AuthError::Invalid));
}
