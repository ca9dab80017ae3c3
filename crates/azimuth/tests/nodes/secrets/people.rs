//! What people know, have and get by letter: passwords, a second factor, tokens and sessions.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use reqwest::Method;
use reqwest::header::{COOKIE, SET_COOKIE};
use serde_json::{Value, json};

use super::Planted;
use crate::node::Node;
use crate::site::Site;

const PASSWORD: &str = "planted first password 4f1c";
const NEW_PASSWORD: &str = "planted second password 91ab";
const GUESSED_PASSWORD: &str = "planted guessed password 77d0";
const SHORT_PASSWORD: &str = "plant3d";
const GUESSED_TOKEN: &str = "plantedguessedtokenplantedguessedtoken";
const GUESSED_COOKIE: &str = "plantedguessedcookieplantedguessedcookie";

const ANA: &str = "ana@example.com";
const BEN: &str = "ben@example.com";

/// For the configuration: everyone may sign up, and letters go where nobody searches, because links belong in letters.
pub(super) fn configuration(site: &Site) -> String {
    let folder = letters(site);
    format!("[people]\nsign_up = \"open\"\n[mail]\nkind = \"folder\"\nfolder = \"{}\"\n", folder.display())
}

/// Signs people up, lets them in, forgets and changes what they know, and does each wrongly too. Returns everything that
/// was said to what was wrong.
pub(super) async fn provoke(site: &Site, node: &Node, planted: &mut Planted) -> String {
    for (name, text) in [
        ("a password", PASSWORD),
        ("a new password", NEW_PASSWORD),
        ("a guessed password", GUESSED_PASSWORD),
        ("a short password", SHORT_PASSWORD),
        ("a guessed token", GUESSED_TOKEN),
        ("a guessed cookie", GUESSED_COOKIE),
    ] {
        planted.push((name, text.to_owned()));
    }
    let mut desk =
        Desk { node, http: reqwest::Client::new(), session: None, csrf: None, heard: String::new() };
    sign_up(&mut desk, site, planted).await;
    second_factor(&mut desk, planted).await;
    forget_password(&mut desk, site, planted).await;
    invite(&mut desk, site, planted).await;
    desk.heard
}

async fn sign_up(desk: &mut Desk<'_>, site: &Site, planted: &mut Planted) {
    let wish = |password: &str| json!({"email": ANA, "name": "Ana", "password": password});
    desk.refused("/sign-up", &wish(SHORT_PASSWORD)).await;
    desk.granted("/sign-up", &wish(PASSWORD)).await;
    let login = |password: &str| json!({"email": ANA, "password": password});
    desk.refused("/login", &login(PASSWORD)).await;
    let token = letter(site, ANA).await;
    planted.push(("the token of an address", token.clone()));
    desk.refused("/verify-email", &json!({"token": GUESSED_TOKEN})).await;
    desk.granted("/verify-email", &json!({"token": token})).await;
    desk.refused("/verify-email", &json!({"token": token})).await;

    desk.refused("/login", &login(GUESSED_PASSWORD)).await;
    desk.refused("/login", &json!({"email": ANA, "password": [PASSWORD]})).await;
    desk.log_in(&login(PASSWORD), planted).await;
    let session = desk.session.replace(format!("azimuth_session={GUESSED_COOKIE}"));
    desk.refused("/logout", &json!({})).await;
    desk.session = session;
    let csrf = desk.csrf.take();
    desk.refused("/logout", &json!({})).await;
    desk.csrf = csrf;
}

/// The next login is by a recovery code: the device's code is used up for half a minute.
async fn second_factor(desk: &mut Desk<'_>, planted: &mut Planted) {
    desk.refused("/second-factor", &json!({"password": GUESSED_PASSWORD})).await;
    let setup = desk.granted("/second-factor", &json!({"password": PASSWORD})).await;
    let secret = text(&setup["secret"]);
    planted.push(("the secret of a second factor", secret.clone()));
    desk.refused("/second-factor/confirm", &json!({"code": "plantedcode"})).await;
    let codes = desk.granted("/second-factor/confirm", &json!({"code": code_of(&secret)})).await;
    let codes: Vec<String> = codes["codes"].as_array().expect("codes").iter().map(text).collect();
    planted.extend(codes.iter().map(|code| ("a recovery code", code.clone())));

    let login = |code: Option<&str>| json!({"email": ANA, "password": PASSWORD, "code": code});
    desk.refused("/login", &login(None)).await;
    desk.log_in(&login(Some(&codes[0])), planted).await;
    desk.refused("/login", &login(Some(&codes[0]))).await;
}

async fn forget_password(desk: &mut Desk<'_>, site: &Site, planted: &mut Planted) {
    let change = |old: &str| json!({"old": old, "new": NEW_PASSWORD});
    desk.refused("/password", &change(GUESSED_PASSWORD)).await;
    desk.granted("/password/forgot", &json!({"email": ANA})).await;
    let token = letter(site, ANA).await;
    planted.push(("the token for a new password", token.clone()));
    let reset = |token: &str, password: &str| json!({"token": token, "password": password});
    desk.refused("/password/reset", &reset(GUESSED_TOKEN, NEW_PASSWORD)).await;
    desk.refused("/password/reset", &reset(&token, SHORT_PASSWORD)).await;
    desk.granted("/password/reset", &reset(&token, NEW_PASSWORD)).await;
    desk.refused("/password/reset", &reset(&token, NEW_PASSWORD)).await;
    // The session ended with the old password.
    desk.refused("/logout", &json!({})).await;

    let codes = planted.iter().filter(|(name, _)| *name == "a recovery code");
    let code = codes.map(|(_, code)| code.clone()).nth(1).expect("there are ten");
    desk.log_in(&json!({"email": ANA, "password": NEW_PASSWORD, "code": code}), planted).await;
}

async fn invite(desk: &mut Desk<'_>, site: &Site, planted: &mut Planted) {
    let accounts = desk.ask(Method::GET, "/accounts", None).await.1;
    let account = text(&accounts["items"][0]["account"]["id"]);
    let wish = json!({"email": BEN, "role": "member"});
    desk.granted(&format!("/accounts/{account}/invitations"), &wish).await;
    let token = letter(site, BEN).await;
    planted.push(("the token of an invitation", token.clone()));
    desk.refused("/invitations/accept", &json!({"token": GUESSED_TOKEN})).await;
    let wish = |password: &str| json!({"email": BEN, "name": "Ben", "password": password, "about": {"invitation": token}});
    desk.refused("/sign-up", &wish(SHORT_PASSWORD)).await;
    desk.granted("/sign-up", &wish(PASSWORD)).await;
}

/// A browser that remembers what it was told when something was wrong.
struct Desk<'a> {
    node: &'a Node,
    http: reqwest::Client,
    session: Option<String>,
    csrf: Option<String>,
    heard: String,
}

impl Desk<'_> {
    async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> (String, Value, u16, String) {
        let mut request = self.http.request(method, format!("{}/api/console{path}", self.node.base_url));
        if let Some(session) = &self.session {
            request = request.header(COOKIE, session);
        }
        if let Some(token) = &self.csrf {
            request = request.header("x-csrf-token", token);
        }
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        let response = request.send().await.expect("it answers");
        let cookie = response.headers().get(SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()).unwrap_or_default().to_owned();
        let (status, headers) = (response.status().as_u16(), format!("{:?}", response.headers()));
        let said = response.text().await.expect("text");
        let body = serde_json::from_str(&said).unwrap_or_default();
        (cookie, body, status, headers + &said)
    }

    async fn granted(&self, path: &str, body: &Value) -> Value {
        let (_, answer, status, said) = self.ask(Method::POST, path, Some(body)).await;
        assert_eq!(status, 200, "{path}: {said}");
        answer
    }

    async fn refused(&mut self, path: &str, body: &Value) {
        let (_, _, status, said) = self.ask(Method::POST, path, Some(body)).await;
        assert!((400..500).contains(&status), "{path}: {said}");
        self.heard += &said;
    }

    async fn log_in(&mut self, login: &Value, planted: &mut Planted) {
        let (cookie, answer, status, said) = self.ask(Method::POST, "/login", Some(login)).await;
        assert_eq!(status, 200, "{said}");
        let (_, token) = cookie.split_once('=').expect("a cookie has a name");
        planted.push(("a session's cookie", token.to_owned()));
        let csrf = text(&answer["csrf_token"]);
        planted.push(("a session's token for changes", csrf.clone()));
        (self.session, self.csrf) = (Some(cookie), Some(csrf));
    }
}

fn letters(site: &Site) -> std::path::PathBuf {
    site.folder.path().join("letters")
}

/// The token in the letter to `email`, which is taken away so that the next is found.
async fn letter(site: &Site, email: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(token) = take_letter(&letters(site), email) {
            return token;
        }
        assert!(Instant::now() < deadline, "`{email}` got no letter");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn take_letter(folder: &Path, email: &str) -> Option<String> {
    let files = std::fs::read_dir(folder).ok()?.flatten().map(|file| file.path());
    for path in files.filter(|path| path.extension().is_some_and(|ending| ending == "eml")) {
        // Long lines are broken in two where mail goes through old machines.
        let text = std::fs::read_to_string(&path).ok()?.replace("=\r\n", "");
        let Some((_, link)) = text.split_once('#').filter(|_| text.contains(email)) else { continue };
        std::fs::remove_file(&path).ok()?;
        return Some(link.chars().take_while(char::is_ascii_alphanumeric).collect());
    }
    None
}

/// What the device shows now.
fn code_of(secret: &str) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).expect("base32");
    let built = totp_rs::Builder::new()
        .with_algorithm(totp_rs::Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(30);
    let device = built.with_secret(secret).with_account_name("ana").build().expect("a device");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    device.generate(now.as_secs()).to_string()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
