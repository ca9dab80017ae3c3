use axum::extract::State;
use axum::http::StatusCode;

use crate::Platform;

/// Whether the process is alive.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// Whether requests have a chance of being answered: at least one mapped model has a healthy engine, and what they use can
/// be recorded.
pub(crate) async fn ready(State(platform): State<Platform>) -> (StatusCode, &'static str) {
    let can_answer = platform
        .gateway
        .catalogue()
        .mapped()
        .any(|model| model.routes.iter().any(|route| route.engine.is_healthy()));
    if platform.gateway.is_metering_behind() {
        (StatusCode::SERVICE_UNAVAILABLE, "usage cannot be recorded\n")
    } else if can_answer {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "no engine is healthy\n")
    }
}
