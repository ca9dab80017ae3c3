use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use gateway::{ChatCall, Door};
use inference::{ChatEvent, FinishReason};
use wire::BadRequest;
use wire::paas::{
    AnswerHead, ChatCompletion, ChatCompletionRequest, ChatOptions, ChunkWriter, ClearThinkingDefault,
};

use crate::body::WholeBody;
use crate::{ApiError, Caller, Platform, RequestContext, sse};

const X_AZIMUTH_MODEL: HeaderName = HeaderName::from_static("x-azimuth-model");

/// Answers a conversation, whole or as server-sent events (`http-api.md` §2).
pub(crate) async fn create(
    State(platform): State<Platform>,
    Extension(door): Extension<Door>,
    caller: Caller,
    context: RequestContext,
    body: WholeBody,
) -> Result<Response, ApiError> {
    let body = ChatCompletionRequest::parse(&body.0)?;
    let model = platform.gateway.canonical_name(&body.model)?;
    let (request, options) = body.into_request(clear_thinking_default(door))?;
    refuse_web_search(&options)?;
    let head = AnswerHead {
        id: context.id.clone(),
        request_id: options.request_id.clone(),
        created: context.arrived,
        model,
    };

    let call = ChatCall { id: context.id.clone(), client_request_id: options.request_id, door, request };
    let reply = platform.gateway.chat(&caller, call).await?;

    let runs = HeaderValue::from_str(reply.runs());
    let mut response = if options.stream {
        let writer = ChunkWriter::new(&head, reply.tool_stream());
        sse::respond(reply, writer, &platform.settings)
    } else {
        let events = reply.collect().await;
        if was_broken_off(&events) {
            return Err(ApiError::network(context.id.as_str()));
        }
        Json(ChatCompletion::collect(&head, events)).into_response()
    };
    if let Ok(runs) = runs {
        response.headers_mut().insert(X_AZIMUTH_MODEL, runs);
    }
    Ok(response)
}

/// Rule THINK-03: earlier reasoning is dropped on the general door and kept on the coding door.
pub(super) fn clear_thinking_default(door: Door) -> ClearThinkingDefault {
    match door {
        Door::General => ClearThinkingDefault::GENERAL,
        Door::Coding | Door::Anthropic => ClearThinkingDefault::CODING,
    }
}

/// Searching is not offered yet, and an answer that only looks as if it had searched would be worse than none.
pub(super) fn refuse_web_search(options: &ChatOptions) -> Result<(), BadRequest> {
    if options.web_searches.is_empty() { Ok(()) } else { Err(BadRequest::unsupported("tools", "web_search")) }
}

/// Nothing of a whole answer has been sent yet, so a failure can still be told by its status.
fn was_broken_off(events: &[ChatEvent]) -> bool {
    matches!(events.last(), Some(ChatEvent::Finished { reason: FinishReason::NetworkError, .. }) | None)
}
