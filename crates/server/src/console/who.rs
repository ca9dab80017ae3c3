//! Finds out who asks, before any route is looked at.

use std::net::IpAddr;
use std::sync::Arc;

use accounts::{AuthError, By, Credential, Locale, SessionError, SignedIn};
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION, CACHE_CONTROL, HOST, ORIGIN, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use vocab::Secret;
use wire::console::{ConsoleError, Language, Problem};

use super::{Console, Refused, cookie, error};
use crate::peer;

/// Longest description of a browser that is looked at.
const AGENT_BYTES_MAX: usize = 512;

/// Who asks.
#[derive(Clone, Debug)]
pub(super) enum Who {
    /// Nobody who is known: no credential, or one that opens nothing.
    Nobody,
    /// Someone who logged in, with the token of their session.
    Person(Arc<SignedIn>, Secret),
    /// A program with a key.
    Key(accounts::Caller),
}

/// From where and in which language they ask.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) source: Option<IpAddr>,
    pub(super) agent: String,
    pub(super) locale: Locale,
    pub(super) is_https: bool,
}

impl Who {
    /// As the audit log knows them.
    pub(super) fn by(&self, source: Option<IpAddr>) -> By {
        match self {
            Self::Nobody => By::nobody(source),
            Self::Person(signed_in, _) => By::person(signed_in.person.id, source),
            Self::Key(caller) => By { actor: accounts::Actor::Key(caller.key), source },
        }
    }
}

/// Lets every handler know who asks. Only requests of other sites are refused here; whether someone is needed is for
/// the handler's arguments to say.
pub(super) async fn find_out(State(console): State<Console>, mut request: Request, next: Next) -> Response {
    let origin = origin(&console, &request);
    let language = match origin.locale {
        Locale::English => Language::English,
        Locale::Chinese => Language::Chinese,
    };
    let response = match who(&console, request.headers()).await {
        Ok(who) if is_foreign(&console, &who, &request) => {
            Refused::from(ConsoleError::of(Problem::OtherOrigin)).into_response()
        }
        Ok(who) => {
            request.extensions_mut().insert(who);
            request.extensions_mut().insert(origin);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    };
    let mut response = error::translated(response, language);
    // Everything here is about one person or account.
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn who(console: &Console, headers: &HeaderMap) -> Result<Who, Refused> {
    if let Some(header) = headers.get(AUTHORIZATION) {
        let credential = Credential::from_parts(header.to_str().ok(), None, None);
        let Some(credential) = credential else { return Ok(Who::Nobody) };
        return match console.platform.keys.authenticate(credential.expose()).await {
            Ok(caller) => Ok(Who::Key(caller)),
            Err(AuthError::Unavailable(cause)) => Err(Refused::unavailable(&cause)),
            Err(_) => Ok(Who::Nobody),
        };
    }
    let Some(token) = cookie::session(headers) else { return Ok(Who::Nobody) };
    match console.people.signed_in(&token).await {
        Ok(signed_in) => Ok(Who::Person(Arc::new(signed_in), token)),
        Err(SessionError::Over) => Ok(Who::Nobody),
        Err(SessionError::Store(cause)) => Err(Refused::unavailable(&cause)),
    }
}

/// Whether a page of another site asks to change something. Browsers name the page's site in `Origin` with everything
/// that is not a plain reading; programs with a key have no site. This also keeps others from logging someone in as
/// themselves, where there is no session yet that a token could belong to.
fn is_foreign(console: &Console, who: &Who, request: &Request) -> bool {
    let is_reading = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if is_reading || matches!(who, Who::Key(_)) {
        return false;
    }
    let text = |name: HeaderName| request.headers().get(name).map(|value| value.to_str().unwrap_or("null"));
    let Some(origin) = text(ORIGIN) else { return false };
    let host = |url: &str| url.split_once("://").map(|(_, host)| host.trim_end_matches('/').to_owned());
    let Some(asked_by) = host(origin) else { return true };
    let is_ours = host(&console.public_url).is_some_and(|ours| ours.eq_ignore_ascii_case(&asked_by));
    let is_same = text(HOST).is_some_and(|same| same.eq_ignore_ascii_case(&asked_by));
    !is_ours && !is_same
}

fn origin(console: &Console, request: &Request) -> Origin {
    let headers = request.headers();
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let forwarded = HeaderName::from_static("x-forwarded-proto");
    // A lie about this only makes a cookie more careful.
    let is_https =
        console.public_url.starts_with("https://") || text(forwarded).eq_ignore_ascii_case("https");
    Origin {
        source: peer::source(request.extensions(), headers, &console.platform.settings.trusted_proxies),
        agent: text(USER_AGENT).chars().take(AGENT_BYTES_MAX).collect(),
        locale: Locale::of_header(text(ACCEPT_LANGUAGE)),
        is_https,
    }
}
