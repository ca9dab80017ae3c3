use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use capabilities::async_chat::{AsyncChatCall, Failure, Progress};
use gateway::Door;
use inference::Overflow;
use vocab::{RequestId, Tokens};
use wire::paas::{AnswerHead, AsyncResult, ChatCompletion};
use wire::{Code, ErrorBody};

use super::question::Question;
use crate::body::WholeBody;
use crate::client::ClientHeaders;
use crate::{ApiError, Caller, Platform, RequestContext};

/// Accepts a conversation whose answer is fetched later (`http-api.md` §4.1).
pub(crate) async fn create(
    State(platform): State<Platform>,
    Extension(door): Extension<Door>,
    caller: Caller,
    context: RequestContext,
    headers: ClientHeaders,
    body: WholeBody,
) -> Result<Json<AsyncResult>, ApiError> {
    let Question { request, options, head } =
        Question::read(&platform, door, &context, body)?.without_web_search()?;
    let client = headers.recognise(&platform.gateway, &request);
    let call = AsyncChatCall { id: context.id, client_request_id: options.request_id, door, client, request };
    platform.async_chat.submit(&caller, call).await?;
    Ok(Json(AsyncResult::processing(&head)))
}

/// Tells how far an accepted conversation is, and its answer once there is one (`http-api.md` §4.2).
pub(crate) async fn retrieve(
    State(platform): State<Platform>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<AsyncResult>, ApiError> {
    let id = id.ok().and_then(|Path(id)| RequestId::parse(&id));
    let id = id.ok_or_else(|| ApiError::no_such("async-result"))?;
    let task = platform.async_chat.find(&caller, &id).await?;
    let head = AnswerHead { id, request_id: Some(task.request_id), created: task.updated, model: task.model };
    Ok(Json(match task.progress {
        Progress::Processing => AsyncResult::processing(&head),
        Progress::Succeeded(events) => AsyncResult::succeeded(ChatCompletion::collect(&head, events)),
        Progress::Failed(failure) => AsyncResult::failed(&head, error_body(failure)),
    }))
}

fn error_body(failure: Failure) -> ErrorBody {
    match failure {
        Failure::ContextOverflow { prompt, window } => {
            ErrorBody::prompt_too_long(Overflow { prompt: Tokens(prompt), window: Tokens(window) })
        }
        Failure::Refused { message } => ErrorBody::with_message(Code::BadParameters, message),
        Failure::NotAllowed { message } => ErrorBody::with_message(Code::InsufficientBalance, message),
        Failure::Busy => ErrorBody::new(Code::Overloaded, &[]),
        Failure::EngineFailed => ErrorBody::new(Code::ProcessingFailed, &[]),
    }
}
