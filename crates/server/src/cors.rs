use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_HEADERS, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;

const ANYONE: HeaderValue = HeaderValue::from_static("*");
const METHODS: HeaderValue = HeaderValue::from_static("GET,POST,DELETE,PUT,PATCH");
const SHOWN: HeaderValue =
    HeaderValue::from_static("x-request-id,request-id,x-log-id,x-azimuth-model,x-should-retry,retry-after");
const VARIES_BY: HeaderValue =
    HeaderValue::from_static("origin, access-control-request-method, access-control-request-headers");

/// Answers browsers that ask whether a page may call, and lets the page read what `next` answers.
///
/// Pages of any origin may call: what protects an account is its key, not the page that holds it.
pub(crate) async fn share<F: Future<Output = Response>>(
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    if request.method() == Method::OPTIONS {
        return permission(request.headers());
    }
    let mut response = next(request).await;
    let headers = response.headers_mut();
    headers.append(VARY, VARIES_BY);
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANYONE);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, SHOWN);
    response
}

fn permission(asked: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(VARY, VARIES_BY);
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANYONE);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    if let Some(asked) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    response
}
