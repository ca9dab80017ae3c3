use axum::Router;
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use gateway::Door;
use tower::ServiceBuilder;
use tower::util::MapRequestLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

use crate::{ApiError, Platform, context, health, monitor, paas, path};

/// The whole server: every route and every layer a request passes, outermost first.
pub fn app(platform: Platform) -> Router {
    let routes = Router::new()
        .nest("/api/paas/v4", paas::routes(&platform, Door::General))
        .nest("/api/coding/paas/v4", paas::routes(&platform, Door::Coding))
        .nest("/api/monitor", monitor::routes(&platform))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/", get(welcome))
        .fallback(paas::not_found_elsewhere)
        .with_state(platform.clone());

    let layers = ServiceBuilder::new()
        // Base URLs come with and without a slash; routing sees one form.
        .layer(MapRequestLayer::new(path::tidy))
        // The id, span and id headers of every request, also of those that are refused or panic.
        .layer(from_fn_with_state(platform, context::attach))
        // Browsers ask first, without a key.
        .layer(cors())
        // A mistake of ours costs one request, not the process.
        .layer(CatchPanicLayer::custom(|_| ApiError::internal("a handler panicked").into_response()))
        .layer(map_response(utf8_json));

    // Layers of a router run after routing; to tidy the path before it, the routes stand behind a fallback.
    Router::new().fallback_service(layers.service(routes))
}

/// Any origin may call: what protects an account is its key, not the page that holds it.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::DELETE, Method::PUT, Method::PATCH])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            HeaderName::from_static("x-request-id"),
            HeaderName::from_static("x-log-id"),
            HeaderName::from_static("x-azimuth-model"),
            HeaderName::from_static("x-should-retry"),
            header::RETRY_AFTER,
        ])
}

/// JSON says its character set, as the platform does (`auth.md` §6).
async fn utf8_json(mut response: Response) -> Response {
    if let Some(kind) = response.headers_mut().get_mut(header::CONTENT_TYPE)
        && kind == "application/json"
    {
        *kind = header::HeaderValue::from_static("application/json; charset=UTF-8");
    }
    response
}

async fn welcome() -> impl IntoResponse {
    const TEXT: &str = "Azimuth is running.\n\n\
        OpenAI-style clients:  base URL …/api/paas/v4\n\
        Coding plans:          base URL …/api/coding/paas/v4\n\n\
        A key: azimuth keys create\n";
    (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; charset=UTF-8")], TEXT)
}
