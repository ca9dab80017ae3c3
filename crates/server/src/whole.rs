use axum::Json;
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use gateway::Reply;
use inference::{ChatEvent, FinishReason};
use serde::Serialize;
use tokio::time::Instant;
use vocab::RequestId;

use crate::{ApiError, sse};

/// Sends a reply in one piece, as `body` makes it of the events, once it is complete.
///
/// Nothing has been sent before that, so a failure midway can still be told by its status. It is also one if `body` makes
/// nothing of the events.
pub(crate) async fn respond<T: Serialize>(
    reply: Reply,
    id: &RequestId,
    deadline: Instant,
    body: impl FnOnce(Vec<ChatEvent>) -> Option<T>,
) -> Result<Response, ApiError> {
    let runs = HeaderValue::from_str(reply.runs());
    let events = reply.collect(deadline).await;
    let body = if was_broken_off(&events) { None } else { body(events) };
    let Some(body) = body else { return Err(ApiError::network(id.as_str())) };
    let mut response = Json(body).into_response();
    if let Ok(runs) = runs {
        response.headers_mut().insert(sse::X_AZIMUTH_MODEL, runs);
    }
    Ok(response)
}

fn was_broken_off(events: &[ChatEvent]) -> bool {
    matches!(events.last(), Some(ChatEvent::Finished { reason: FinishReason::NetworkError, .. }) | None)
}
