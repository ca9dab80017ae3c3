//! A partner that speaks OpenID Connect, and lies when told to.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::http1::{self, HttpRequest};

/// Who we have to be to it.
pub const CLIENT_ID: &str = "azimuth test";
/// What shows it.
pub const CLIENT_SECRET: &str = "partner's secret: 1";
/// Where it sends browsers back to.
pub const REDIRECT_URL: &str = "https://house.example/login/partner";

/// A partner on a free port of this machine, with one person who always agrees. Stops when dropped.
#[derive(Debug)]
pub struct OpenIdPartner {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    issuer: String,
    /// The newest signs.
    keys: Vec<(String, Vec<u8>)>,
    shown: usize,
    codes: HashMap<String, HashMap<String, String>>,
    claims: Value,
    document: Value,
    header: Option<Value>,
    asked: Vec<String>,
}

impl OpenIdPartner {
    /// Starts one that tells the truth: a person whose tokens are good at `now`, in seconds.
    pub async fn start(now: i64) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let issuer = format!("http://{address}");
        let claims = json!({
            "iss": issuer, "aud": CLIENT_ID, "sub": "42", "iat": now, "exp": now + 300,
            "email": "ana@example.com", "email_verified": true, "name": "Ana",
        });
        let state = Arc::new(Mutex::new(State {
            issuer,
            keys: vec![new_key(0)],
            shown: 1,
            codes: HashMap::new(),
            claims,
            document: json!({}),
            header: None,
            asked: Vec::new(),
        }));
        let accepting = tokio::spawn({
            let state = state.clone();
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(talk(stream, state.clone()));
                }
            }
        });
        Self { address, state, accepting }
    }

    /// Its address.
    pub fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Says this of the person from now on, in place of the truth; `null` says nothing.
    pub fn claims(&self, name: &str, value: Value) {
        self.state().claims[name] = value;
    }

    /// Says this of itself from now on.
    pub fn says_of_itself(&self, name: &str, value: Value) {
        self.state().document[name] = value;
    }

    /// Signs with a new key from now on, and shows all of them.
    pub fn changes_its_key(&self) {
        let mut state = self.state();
        let key = new_key(state.keys.len());
        state.keys.push(key);
        state.shown = state.keys.len();
    }

    /// Signs with a key that it never shows.
    pub fn signs_with_a_strangers_key(&self) {
        let mut state = self.state();
        let (kid, _) = state.keys[0].clone();
        state.keys.push((kid, new_key(0).1));
    }

    /// Writes this head on its tokens, whatever signs them.
    pub fn heads_tokens(&self, header: Value) {
        self.state().header = Some(header);
    }

    /// The paths that were asked for so far.
    pub fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    /// Does what a browser does with the address that it is sent to, and its person, who agrees. Gives back `code` and
    /// `state` as they come home.
    pub fn visit(&self, url: &str) -> (String, String) {
        let (page, query) = url.split_once('?').expect("a question");
        assert_eq!(page, format!("{}/authorize", self.issuer()));
        let asked: HashMap<_, _> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["client_id"], CLIENT_ID);
        assert_eq!(asked["redirect_uri"], REDIRECT_URL);
        assert_eq!(asked["code_challenge_method"], "S256");
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"));
        let mut state = self.state();
        let code = format!("code-{}", state.codes.len());
        let back = asked["state"].clone();
        state.codes.insert(code.clone(), asked);
        (code, back)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

impl Drop for OpenIdPartner {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl State {
    fn answer(&mut self, request: &HttpRequest) -> (u16, Value) {
        self.asked.push(request.path.clone());
        match request.path.as_str() {
            "/.well-known/openid-configuration" => (200, self.document()),
            "/keys" => {
                let shown = self.keys.iter().take(self.shown).map(|(kid, der)| public(kid, der));
                // One of a kind that nobody knows, as real partners have.
                let strange = json!({"kty": "NEW", "kid": "strange"});
                (200, json!({"keys": shown.chain([strange]).collect::<Vec<_>>()}))
            }
            "/token" => match self.token(request) {
                Some(token) => (200, json!({"access_token": "a", "token_type": "Bearer", "id_token": token})),
                None => (400, json!({"error": "invalid_grant"})),
            },
            _ => (404, json!({})),
        }
    }

    fn document(&self) -> Value {
        let issuer = &self.issuer;
        let mut document = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
        });
        for (name, value) in self.document.as_object().into_iter().flatten() {
            document[name] = value.clone();
        }
        document
    }

    /// A token for a code that was given out, once, to who began the journey.
    fn token(&mut self, request: &HttpRequest) -> Option<String> {
        let form: HashMap<_, _> = form_urlencoded::parse(&request.body).into_owned().collect();
        let asked = self.codes.remove(form.get("code")?)?;
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(form.get("code_verifier")?));
        let is_theirs = form.get("grant_type")? == "authorization_code"
            && form.get("redirect_uri")? == REDIRECT_URL
            && challenge == asked["code_challenge"]
            && is_client(request, &form);
        if !is_theirs {
            return None;
        }
        let mut claims = self.claims.clone();
        if claims.get("nonce").is_none() {
            claims["nonce"] = json!(asked["nonce"]);
        }
        claims.as_object_mut()?.retain(|_, value| !value.is_null());
        let (kid, der) = self.keys.last()?;
        let header = json!({"alg": "ES256", "kid": kid});
        let header = self.header.as_ref().unwrap_or(&header);
        let signed = [header, &claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let key = EncodingKey::from_ec_der(der);
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::ES256).ok()?;
        Some(format!("{signed}.{signature}"))
    }
}

fn is_client(request: &HttpRequest, form: &HashMap<String, String>) -> bool {
    if let (Some(id), Some(secret)) = (form.get("client_id"), form.get("client_secret")) {
        return id == CLIENT_ID && secret == CLIENT_SECRET;
    }
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let expected = format!("{}:{}", encoded(CLIENT_ID), encoded(CLIENT_SECRET));
    let expected = format!("Basic {}", BASE64_STANDARD.encode(expected));
    request.header("authorization") == Some(&*expected)
}

fn new_key(number: usize) -> (String, Vec<u8>) {
    let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    (format!("key-{number}"), pair.expect("a key pair").as_ref().to_vec())
}

fn public(kid: &str, der: &[u8]) -> Value {
    let mut key =
        Jwk::from_encoding_key(&EncodingKey::from_ec_der(der), Algorithm::ES256).expect("a public key");
    key.common.key_id = Some(kid.to_owned());
    serde_json::to_value(key).expect("a key is JSON")
}

async fn talk(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut buffer = Vec::new();
    while let Some(request) = http1::read(&mut stream, &mut buffer).await {
        let (status, answer) = locked(&state).answer(&request);
        let body = answer.to_string();
        let headers =
            [("content-type", "application/json".to_owned()), ("content-length", body.len().to_string())];
        let written = http1::write_head(&mut stream, status, &headers).await;
        if written.is_err() || stream.write_all(body.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
