use axum::Json;
use axum::extract::OriginalUri;
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse;
use wire::paas::{NotFound, UnknownPath};

use crate::RequestContext;

/// An unknown path under a known prefix; whoever sees this has shown a key (`errors.md` §1.5).
pub(crate) async fn not_found(context: RequestContext, OriginalUri(uri): OriginalUri) -> impl IntoResponse {
    (StatusCode::NOT_FOUND, Json(NotFound::new(context.arrived, uri.path())))
}

/// An unknown path anywhere else.
pub(crate) async fn not_found_elsewhere(_uri: Uri) -> impl IntoResponse {
    (StatusCode::NOT_FOUND, Json(UnknownPath::default()))
}
