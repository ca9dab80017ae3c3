use std::ops::Deref;

use accounts::{AuthError, Credential};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, HeaderName, header::AUTHORIZATION, request::Parts};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use gateway::{Door, Refusal};

use crate::{ApiError, Platform, peer};

/// The name of the monitor where doors are listed.
const MONITOR: &str = "monitor";

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Who sent the request. A handler that asks for this cannot be reached without a key.
#[derive(Clone, Debug)]
pub struct Caller(accounts::Caller);

impl Deref for Caller {
    type Target = accounts::Caller;

    fn deref(&self) -> &accounts::Caller {
        &self.0
    }
}

/// Lets only requests with a valid key pass, before anything is routed or read: a stranger learns nothing of
/// which paths exist (`auth.md` §9).
pub(crate) async fn require(State(platform): State<Platform>, mut request: Request, next: Next) -> Response {
    let door = request.extensions().get::<Door>().copied();
    let holder = match door {
        Some(Door::Anthropic) => holder_of_either(&platform, request.headers()).await,
        _ => credential_holder(&platform, request.headers()).await,
    };
    let admitted = match holder.map_err(ApiError::from) {
        Ok(caller) => may_enter(&platform, &caller, door, &request).map(|()| caller),
        Err(refusal) => Err(refusal),
    };
    match admitted {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// Whether the key is for this door, and may be used from where the request comes.
fn may_enter(
    platform: &Platform,
    caller: &Caller,
    door: Option<Door>,
    request: &Request,
) -> Result<(), ApiError> {
    let source = peer::source(request.extensions(), request.headers(), &platform.settings.trusted_proxies);
    let door = door.map_or(MONITOR, Door::as_str);
    caller.scope.allows(door, None, source).map_err(|why| Refusal::KeyScope(why).into())
}

async fn authenticate(platform: &Platform, headers: &HeaderMap) -> Result<Caller, ApiError> {
    Ok(credential_holder(platform, headers).await?)
}

/// Who holds one of the credentials in `headers`: people set both variables of a client, and one of them may be left
/// over from elsewhere (`anthropic-api.md` §2.1).
async fn holder_of_either(platform: &Platform, headers: &HeaderMap) -> Result<Caller, AuthError> {
    let first = credential_holder(platform, headers).await;
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let has_first = Credential::from_parts(text(&AUTHORIZATION), None, None).is_some();
    let second = Credential::from_parts(None, text(&X_API_KEY), None).filter(|_| has_first);
    match (first, second) {
        (
            Err(wrong @ (AuthError::Invalid | AuthError::Expired | AuthError::SignatureMismatch)),
            Some(second),
        ) => match platform.keys.authenticate(second.expose()).await {
            Ok(caller) => Ok(Caller(caller)),
            Err(unknown @ AuthError::Unavailable(_)) => Err(unknown),
            Err(_) => Err(wrong),
        },
        (first, _) => first,
    }
}

/// Who holds the credential in `headers`.
pub(crate) async fn credential_holder(platform: &Platform, headers: &HeaderMap) -> Result<Caller, AuthError> {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    // A header that is not text is there, but names nobody.
    let is_unreadable = |name: &HeaderName| headers.get(name).is_some_and(|value| value.to_str().is_err());

    match Credential::from_parts(text(&AUTHORIZATION), text(&X_API_KEY), None) {
        Some(credential) => Ok(Caller(platform.keys.authenticate(credential.expose()).await?)),
        None if is_unreadable(&AUTHORIZATION) || is_unreadable(&X_API_KEY) => Err(AuthError::Invalid),
        None => Err(AuthError::Missing),
    }
}

impl FromRequestParts<Platform> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, ApiError> {
        match parts.extensions.get::<Self>() {
            Some(caller) => Ok(caller.clone()),
            None => authenticate(platform, &parts.headers).await,
        }
    }
}
