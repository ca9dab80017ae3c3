//! `/api/paas/v4` and its coding twin: the same routes, told apart by their [`Door`].

mod async_chat;
mod chat;
mod models;
mod not_found;
mod question;
mod tokenizer;

use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::{Extension, Router};
use gateway::Door;

use crate::{ApiError, Platform, auth};

pub(crate) use not_found::not_found_elsewhere;

/// All routes of one prefix. A key is asked for before any of them is looked at.
pub(crate) fn routes(platform: &Platform, door: Door) -> Router<Platform> {
    let routes = Router::new()
        .route("/chat/completions", post(chat::create))
        .route("/async/chat/completions", post(async_chat::create))
        .route("/async-result/{id}", get(async_chat::retrieve))
        .route("/tokenizer", post(tokenizer::count))
        .route("/models", get(models::list))
        .route("/models/{id}", get(models::retrieve))
        // A base URL that ends in /v1 is a common mistake (clients.md §3.8).
        .route("/v1/chat/completions", post(chat::create))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{id}", get(models::retrieve));
    routes
        .fallback(not_found::not_found)
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .layer(from_fn_with_state(platform.clone(), auth::require))
        // Outermost, because a key may be for one door only.
        .layer(Extension(door))
}
