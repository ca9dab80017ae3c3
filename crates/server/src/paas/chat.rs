use axum::extract::State;
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use gateway::{ChatCall, Door};
use inference::{ChatEvent, FinishReason};
use tokio::time::Instant;
use wire::paas::ChatCompletion;

use super::question::Question;
use crate::body::WholeBody;
use crate::client::ClientHeaders;
use crate::{ApiError, Caller, Platform, RequestContext, sse};

/// Answers a conversation, whole or as server-sent events (`http-api.md` §2).
pub(crate) async fn create(
    State(platform): State<Platform>,
    Extension(door): Extension<Door>,
    caller: Caller,
    context: RequestContext,
    headers: ClientHeaders,
    body: WholeBody,
) -> Result<Response, ApiError> {
    let deadline = Instant::now() + platform.settings.answer_duration_max;
    let Question { request, options, head } =
        Question::read(&platform, door, &context, body)?.without_web_search()?;
    let call = ChatCall {
        id: context.id.clone(),
        client_request_id: options.request_id,
        door,
        is_repeated: false,
        client: headers.recognise(&platform.gateway, &request),
        request,
    };
    if options.stream {
        let gateway = platform.gateway.clone();
        let starting = Box::pin(async move { gateway.chat(&caller, call).await });
        return sse::respond(starting, head, &platform.settings, deadline).await;
    }

    let reply = platform.gateway.chat(&caller, call).await?;
    let runs = HeaderValue::from_str(reply.runs());
    let events = reply.collect(deadline).await;
    if was_broken_off(&events) {
        return Err(ApiError::network(context.id.as_str()));
    }
    let mut response = Json(ChatCompletion::collect(&head, events)).into_response();
    if let Ok(runs) = runs {
        response.headers_mut().insert(sse::X_AZIMUTH_MODEL, runs);
    }
    Ok(response)
}

/// Nothing of a whole answer has been sent yet, so a failure can still be told by its status.
fn was_broken_off(events: &[ChatEvent]) -> bool {
    matches!(events.last(), Some(ChatEvent::Finished { reason: FinishReason::NetworkError, .. }) | None)
}
