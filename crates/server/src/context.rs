use axum::extract::{FromRequestParts, Request};
use axum::http::{HeaderName, HeaderValue, request::Parts};
use axum::response::Response;
use tracing::Instrument;
use vocab::{Clock, RequestId, Timestamp};

use crate::ApiError;

const X_LOG_ID: HeaderName = HeaderName::from_static("x-log-id");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is known of a request before anything is read: its id and when it came.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The server's id, sent back in `x-request-id` and `X-Log-Id` (`auth.md` §6).
    pub id: RequestId,
    /// When it arrived.
    pub arrived: Timestamp,
}

/// Gives the request its id, its span, and the headers that carry the id back.
pub(crate) async fn attach<F: Future<Output = Response>>(
    clock: &dyn Clock,
    mut request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let arrived = clock.now();
    let id = RequestId::generate(arrived);
    // The query may hold a key (rule AUTH-07) and is never logged.
    let span = tracing::info_span!("request", request.id = %id, method = %request.method(), path = request.uri().path());
    let header = HeaderValue::from_str(id.as_str());
    request.extensions_mut().insert(RequestContext { id, arrived });

    let mut response = next(request).instrument(span.clone()).await;

    if let Ok(value) = header {
        response.headers_mut().insert(X_LOG_ID, value.clone());
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    let _entered = span.enter();
    tracing::debug!(
        status = response.status().as_u16(),
        duration_ms = u64::try_from(clock.now().since(arrived).as_millis()).unwrap_or(u64::MAX),
        "answered"
    );
    response
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| ApiError::internal("a route lies outside the layers"))
    }
}
