use axum::Json;
use axum::extract::State;
use wire::anthropic::TokenCount;

use super::question::Question;
use crate::body::WholeBody;
use crate::{ApiError, Caller, Platform, RequestContext};

/// Counts the tokens of a conversation with the served model's own tokenizer and template (`anthropic-api.md` §9). Nobody
/// pays for it.
pub(crate) async fn count(
    State(platform): State<Platform>,
    caller: Caller,
    context: RequestContext,
    body: WholeBody,
) -> Result<Json<TokenCount>, ApiError> {
    let Question { request, .. } = Question::read(&platform, &context, body).await?;
    let input_tokens = platform.gateway.count_tokens(&caller, request).await?;
    Ok(Json(TokenCount { input_tokens }))
}
