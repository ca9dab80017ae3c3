use axum::extract::State;
use axum::{Extension, Json};
use gateway::Door;
use wire::paas::{AnswerHead, ChatCompletionRequest, TokenCount};

use super::chat::clear_thinking_default;
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
    let body = ChatCompletionRequest::parse(&body.0)?;
    let (request, options) = body.into_request(clear_thinking_default(door))?;
    let head = AnswerHead {
        id: context.id,
        request_id: options.request_id,
        created: context.arrived,
        model: request.model.clone(),
    };
    let has_media = gateway::has_media(&request.messages);
    let tokens = platform.gateway.count_tokens(&caller, request).await?;
    Ok(Json(TokenCount::new(&head, tokens, has_media)))
}
