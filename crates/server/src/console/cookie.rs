//! Cookies: one for the session, one for a journey to a partner and back.

use std::time::Duration;

use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use vocab::Secret;

use super::who::Origin;

/// The session's token. No script can read it, and other sites' forms do not send it.
const SESSION: &str = "azimuth_session";

/// What travels with a browser to a login partner.
const JOURNEY: &str = "azimuth_journey";
const JOURNEY_LIFE: Duration = Duration::from_secs(600);

/// A `Set-Cookie` header.
pub(super) type SetCookie = [(axum::http::HeaderName, HeaderValue); 1];

pub(super) fn session(headers: &HeaderMap) -> Option<Secret> {
    find(headers, SESSION)
}

pub(super) fn journey(headers: &HeaderMap) -> Option<Secret> {
    find(headers, JOURNEY)
}

pub(super) fn set_session(token: &Secret, life: Duration, origin: &Origin) -> SetCookie {
    set(SESSION, token.expose(), life, "/", origin)
}

pub(super) fn end_session(origin: &Origin) -> SetCookie {
    set(SESSION, "", Duration::ZERO, "/", origin)
}

pub(super) fn set_journey(token: &Secret, origin: &Origin) -> SetCookie {
    set(JOURNEY, token.expose(), JOURNEY_LIFE, "/api/console/login", origin)
}

fn set(name: &str, value: &str, life: Duration, path: &str, origin: &Origin) -> SetCookie {
    let secure = if origin.is_https { "; Secure" } else { "" };
    let text =
        format!("{name}={value}; Path={path}; Max-Age={}; HttpOnly; SameSite=Lax{secure}", life.as_secs());
    // Tokens are letters and digits, so this is always a header.
    let mut header = HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""));
    header.set_sensitive(true);
    [(SET_COOKIE, header)]
}

fn find(headers: &HeaderMap, name: &str) -> Option<Secret> {
    let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let found = pairs.find(|(known, value)| *known == name && !value.is_empty());
    found.map(|(_, value)| Secret::new(value))
}
