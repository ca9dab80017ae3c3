use axum::Json;
use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use vocab::RequestId;
use wire::anthropic::ErrorEnvelope;

use super::PREFIX;
use crate::{ApiError, RequestContext};

/// Where the clients of this protocol look for the request's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// The protocol's status for an engine or a platform that has too much to do.
const OVERLOADED: u16 = 529;

/// Lets `next` answer. What it refuses below this door's prefix is said in the door's own words, wherever it was refused:
/// by a handler, by the layers before it, or because one panicked.
pub(crate) async fn speak<F: Future<Output = Response>>(
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let context = request.extensions().get::<RequestContext>().filter(|_| is_here(request.uri().path()));
    let Some(id) = context.map(|context| context.id.clone()) else { return next(request).await };

    let mut response = next(request).await;
    if let Some(refusal) = response.extensions_mut().remove::<ApiError>() {
        let allowed = response.headers_mut().remove(ALLOW);
        response = said(&refusal, &id);
        if let Some(allowed) = allowed {
            response.headers_mut().insert(ALLOW, allowed);
        }
    }
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn is_here(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn said(refusal: &ApiError, id: &RequestId) -> Response {
    let status = status(refusal);
    let mut response = (status, Json(envelope(refusal, id))).into_response();
    let json = HeaderValue::from_static("application/json; charset=UTF-8");
    response.headers_mut().insert(CONTENT_TYPE, json);
    // Without a word against it, the widest-spread client tries for minutes whatever it is refused for. Only a body that
    // came too slowly may come faster the next time.
    let is_tempting = status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT;
    refusal.advise(response.headers_mut(), is_tempting);
    response
}

/// The refusal in the shape of this protocol, also for where the status has been sent already.
pub(super) fn envelope(refusal: &ApiError, id: &RequestId) -> ErrorEnvelope {
    ErrorEnvelope::new(refusal.code, status(refusal).as_u16(), refusal.message(), id.as_str())
}

fn status(refusal: &ApiError) -> StatusCode {
    StatusCode::from_u16(OVERLOADED).ok().filter(|_| refusal.is_overload).unwrap_or(refusal.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_below_the_prefix_is_said_in_its_words() {
        assert!(is_here("/api/anthropic") && is_here("/api/anthropic/v1/messages"));
        assert!(!is_here("/api/anthropics") && !is_here("/api/paas/v4/api/anthropic"));
    }
}
