use axum::extract::State;
use axum::{Extension, Json};
use gateway::Door;
use wire::paas::TokenCount;

use super::question::Question;
use crate::body::WholeBody;
use crate::{ApiError, Caller, Platform, RequestContext};

/// Counts the tokens of a conversation with the served model's own tokenizer and template (`http-api.md` §10).
pub(crate) async fn count(
    State(platform): State<Platform>,
    Extension(door): Extension<Door>,
    caller: Caller,
    context: RequestContext,
    body: WholeBody,
) -> Result<Json<TokenCount>, ApiError> {
    let Question { request, head, .. } = Question::read(&platform, door, &context, body)?;
    let has_media = gateway::has_media(&request.messages);
    let tokens = platform.gateway.count_tokens(&caller, request).await?;
    Ok(Json(TokenCount::new(&head, tokens, has_media)))
}
