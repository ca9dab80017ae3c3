use std::ops::Deref;

use accounts::{AuthError, Credential};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, HeaderName, header::AUTHORIZATION, request::Parts};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::{ApiError, Platform};

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
    match authenticate(&platform, request.headers()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

async fn authenticate(platform: &Platform, headers: &HeaderMap) -> Result<Caller, ApiError> {
    Ok(credential_holder(platform, headers).await?)
}

/// Who holds the credential in `headers`.
pub(crate) async fn credential_holder(platform: &Platform, headers: &HeaderMap) -> Result<Caller, AuthError> {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    // A header that is not text is there, but names nobody.
    let is_unreadable = |name: &HeaderName| headers.get(name).is_some_and(|value| value.to_str().is_err());

    match Credential::from_parts(text(&AUTHORIZATION), text(&X_API_KEY), None) {
        Some(credential) => Ok(Caller(platform.keys.authenticate(credential.expose()).await?)),
        None if is_unreadable(&AUTHORIZATION) || is_unreadable(&X_API_KEY) => {
            Err(AuthError::Invalid)
        }
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
