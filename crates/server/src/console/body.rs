//! Reading what is asked: bodies, queries and the last segment of a path.

use std::str::FromStr;

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use wire::console::{ConsoleError, Moment, Problem};

use super::{Console, Refused};

/// Longest body of the console: an operator's document, with room to spare.
pub(super) const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The request's body, as JSON. Whether it says that it is JSON does not count.
pub(super) struct Body<T>(pub(super) T);

/// The request's query.
pub(super) struct Query<T>(pub(super) T);

/// The last variable segment of the path; what cannot be read is not there.
pub(super) struct Named<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Console> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Refused> {
        let whole = to_bytes(request.into_body(), BODY_BYTES_MAX);
        let whole = tokio::time::timeout(console.platform.settings.body_wait_max, whole).await;
        let too_large = || ConsoleError::of(Problem::BodyTooLarge);
        let body = whole.map_err(|_| ConsoleError::of(Problem::InvalidBody))?.map_err(|_| too_large())?;
        Ok(Self(wire::console::read(&body)?))
    }
}

impl<T: DeserializeOwned> FromRequestParts<Console> for Query<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &Console) -> Result<Self, Refused> {
        let read = axum::extract::Query::try_from_uri(&parts.uri);
        let read =
            read.map_err(|_| ConsoleError::saying(Problem::InvalidField, "the query cannot be read"))?;
        Ok(Self(read.0))
    }
}

impl<T: FromStr> FromRequestParts<Console> for Named<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Refused> {
        let not_found = || ConsoleError::of(Problem::NotFound);
        let segments = RawPathParams::from_request_parts(parts, console).await.map_err(|_| not_found())?;
        let last = segments.iter().last().and_then(|(_, text)| text.parse().ok());
        Ok(Self(last.ok_or_else(not_found)?))
    }
}

/// Reads a text that comes in as something of ours.
pub(super) fn parsed<T: FromStr<Err: std::fmt::Display>>(field: &str, text: &str) -> Result<T, Refused> {
    text.parse().map_err(|why: T::Err| ConsoleError::saying(Problem::InvalidField, &why).at(field).into())
}

/// Reads a text that may be missing.
pub(super) fn parsed_if_any<T: FromStr<Err: std::fmt::Display>>(
    field: &str,
    text: Option<&str>,
) -> Result<Option<T>, Refused> {
    text.map(|text| parsed(field, text)).transpose()
}

/// Finds what is called `text` among `all`.
pub(super) fn named<T: Copy>(
    field: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
    text: &str,
) -> Result<T, Refused> {
    let found = all.iter().copied().find(|known| name(*known) == text);
    found.ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|known| name(*known)).collect();
        invalid(field, &format!("expected one of {}", names.join(", ")))
    })
}

/// Reads a moment of a query.
pub(super) fn moment(field: &str, text: Option<&str>) -> Result<Option<vocab::Timestamp>, Refused> {
    let read = |text| Moment::parse(text).map(|moment| moment.0);
    text.map(|text| {
        read(text).ok_or_else(|| invalid(field, "expected a moment such as 2026-02-09T09:59:06Z"))
    })
    .transpose()
}

/// 422 that names a field.
pub(super) fn invalid(field: &str, why: &str) -> Refused {
    ConsoleError::saying(Problem::InvalidField, why).at(field).into()
}
