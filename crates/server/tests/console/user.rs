//! A browser, as far as the console knows it.

use accounts::Role;
use reqwest::Method;
use reqwest::header::{COOKIE, SET_COOKIE};
use serde_json::{Value, json};
use testkit::{PASSWORD, TestApp};
use vocab::{AccountId, Clock, SystemClock};

/// Somebody at the console: their session, their key, or neither.
pub(crate) struct User<'a> {
    app: &'a TestApp,
    cookie: Option<String>,
    csrf: Option<String>,
    key: Option<String>,
}

/// What they are answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) bytes: Vec<u8>,
    pub(crate) cookies: Vec<String>,
    pub(crate) is_replayed: bool,
}

impl Answer {
    /// The status, and what a refusal is called.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status, self.body["error"]["code"].as_str().unwrap_or_default())
    }

    /// The body, if it was granted.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        self.body
    }
}

impl<'a> User<'a> {
    /// Nobody who is known.
    pub(crate) fn stranger(app: &'a TestApp) -> Self {
        Self { app, cookie: None, csrf: None, key: None }
    }

    /// A program with a key.
    pub(crate) fn with_key(app: &'a TestApp, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..Self::stranger(app) }
    }

    /// Someone who has just logged in.
    pub(crate) async fn log_in(app: &'a TestApp, email: &str) -> Self {
        Self::log_in_with(app, &json!({"email": email, "password": PASSWORD})).await
    }

    /// Someone who has just logged in with these.
    pub(crate) async fn log_in_with(app: &'a TestApp, login: &Value) -> Self {
        let mut user = Self::stranger(app);
        let answer = user.post("/login", login).await;
        user.enter(&answer);
        user
    }

    /// A member of an account, logged in.
    pub(crate) async fn member(app: &'a TestApp, email: &str, account: AccountId, role: Role) -> Self {
        app.house.member(email, account, role).await;
        Self::log_in(app, email).await
    }

    /// The owner of a new account of their own.
    pub(crate) async fn owner(app: &'a TestApp, email: &str) -> (Self, AccountId) {
        let (account, _) = app.house.newcomer().await;
        (Self::member(app, email, account, Role::Owner).await, account)
    }

    /// Someone who runs the platform.
    pub(crate) async fn operator(app: &'a TestApp) -> Self {
        Self::member(app, "operator@example.com", app.house.operator.id, Role::Owner).await
    }

    /// Keeps the session that an answer gave.
    #[track_caller]
    pub(crate) fn enter(&mut self, answer: &Answer) {
        assert_eq!(answer.status, 200, "{}", answer.body);
        let cookie = answer.cookies.iter().find(|cookie| cookie.starts_with("azimuth_session=")).unwrap();
        self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
        self.csrf = Some(answer.body["csrf_token"].as_str().unwrap().to_owned());
    }

    /// The same browser without the token that goes with changes.
    pub(crate) fn without_csrf(&self) -> Self {
        Self { app: self.app, cookie: self.cookie.clone(), csrf: None, key: None }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None, &[]).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::POST, path, Some(body), &[]).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::PUT, path, Some(body), &[]).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::PATCH, path, Some(body), &[]).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path, None, &[]).await
    }

    /// Anything below `/api/console`.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.app.http.request(method, format!("{}/api/console{path}", self.app.base_url));
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, format!("theme=dark; {cookie}"));
        }
        if let Some(token) = &self.csrf {
            request = request.header("x-csrf-token", token);
        }
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let cookies = response.headers().get_all(SET_COOKIE).iter();
        let cookies = cookies.map(|cookie| cookie.to_str().unwrap().to_owned()).collect();
        let is_replayed = response.headers().contains_key("idempotency-replayed");
        let status = response.status().as_u16();
        let bytes = response.bytes().await.unwrap();
        let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| text());
        Answer { status, body, bytes: bytes.to_vec(), cookies, is_replayed }
    }
}

/// The code that a device would show now for a secret in base32.
pub(crate) fn code_of(secret: &str) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let built = totp_rs::Builder::new()
        .with_algorithm(totp_rs::Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(30);
    let device = built.with_secret(secret).with_account_name("ana").build().unwrap();
    device.generate(u64::try_from(SystemClock.now().as_secs()).unwrap()).to_string()
}
