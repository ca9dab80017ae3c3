//! `/api/anthropic`: the Messages protocol of Claude Code and its like (`anthropic-api.md`).

mod count_tokens;
mod dialect;
mod documents;
mod messages;
mod models;
mod question;

use axum::extract::OriginalUri;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::{Extension, Router};
use gateway::Door;

use crate::{ApiError, Platform, auth};

pub(crate) use dialect::speak;

/// Where the routes are.
pub(crate) const PREFIX: &str = "/api/anthropic";

/// What may stand between the prefix and a route: clients append `/v1/messages` to their base URL, or `/messages` alone,
/// and people put `/v1` into the base URL themselves.
const VERSIONS: [&str; 3] = ["", "/v1", "/v1/v1"];

/// Longest path that is repeated to whoever asked for it.
const PATH_CHARS_MAX: usize = 100;

/// All routes of the door. A key is asked for before any of them is looked at, but for the base URL itself: clients ask
/// there, without one, whether anybody is in.
pub(crate) fn routes(platform: &Platform) -> Router<Platform> {
    let mut routes = Router::new();
    for version in VERSIONS {
        routes = routes
            .route(&format!("{version}/messages"), post(messages::create))
            .route(&format!("{version}/messages/count_tokens"), post(count_tokens::count))
            .route(&format!("{version}/models"), get(models::list))
            .route(&format!("{version}/models/{{id}}"), get(models::retrieve));
    }
    let routes = routes
        .fallback(not_found)
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .layer(from_fn_with_state(platform.clone(), auth::require));
    Router::new()
        .route("/", get(is_in))
        .route("/v1", get(is_in))
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .merge(routes)
        .layer(Extension(Door::Anthropic))
}

async fn is_in() -> StatusCode {
    StatusCode::OK
}

async fn not_found(OriginalUri(uri): OriginalUri) -> ApiError {
    let path: String = uri.path().chars().take(PATH_CHARS_MAX).collect();
    ApiError::no_such(&path)
}
