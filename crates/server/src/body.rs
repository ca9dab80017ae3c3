use axum::body::{Bytes, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_LENGTH;
use bytes::BytesMut;
use http_body_util::BodyExt;
use tokio::time::timeout;
use wire::BadRequest;
use wire::anthropic::MessagesRequest;
use wire::paas::ChatCompletionRequest;

use crate::{ApiError, Platform};

/// The whole request body, up to the configured size; a larger one is refused with 413 and code 1214
/// (`http-api.md` §0.1.10). What it is, is decided by who reads it, never by `Content-Type`.
pub(crate) struct WholeBody(Bytes);

impl WholeBody {
    /// Reads the body as a chat, and lets go of it: it may be large, and an answer may take long.
    pub(crate) fn into_chat(self) -> Result<ChatCompletionRequest, BadRequest> {
        ChatCompletionRequest::parse(&self.0)
    }

    /// The same for the Messages dialect.
    pub(crate) fn into_messages(self) -> Result<MessagesRequest, BadRequest> {
        MessagesRequest::parse(&self.0)
    }
}

impl FromRequest<Platform> for WholeBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, platform: &Platform) -> Result<Self, ApiError> {
        let most = platform.settings.body_bytes_max;
        let announced = request
            .headers()
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok())
            .and_then(|length| length.parse::<u64>().ok());
        if announced.is_some_and(|length| length > most as u64) {
            return Err(ApiError::body_too_large(most));
        }

        let mut body = request.into_body();
        let mut whole = BytesMut::new();
        loop {
            let next = timeout(platform.settings.body_wait_max, body.frame()).await;
            let Some(frame) = next.map_err(|_| ApiError::body_too_slow())? else {
                return Ok(Self(whole.freeze()));
            };
            let frame = frame.map_err(|_| ApiError::body_broken_off())?;
            // Trailers say nothing that anybody here asks for.
            let Ok(piece) = frame.into_data() else { continue };
            if piece.len() > most - whole.len() {
                return Err(ApiError::body_too_large(most));
            }
            if whole.is_empty() && body.is_end_stream() {
                return Ok(Self(piece));
            }
            whole.extend_from_slice(&piece);
        }
    }
}
