use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_LENGTH;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::{ApiError, Platform};

/// The whole request body, up to the configured size; a larger one is refused with 413 and code 1214
/// (`http-api.md` §0.1.10). What it is, is decided by who reads it, never by `Content-Type`.
pub(crate) struct WholeBody(pub(crate) Bytes);

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
        match Limited::new(request.into_body(), most).collect().await {
            Ok(whole) => Ok(Self(whole.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => Err(ApiError::body_too_large(most)),
            Err(_) => Err(ApiError::body_broken_off()),
        }
    }
}
