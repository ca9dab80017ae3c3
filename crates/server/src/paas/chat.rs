use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use gateway::{ChatCall, Door, Reply};
use inference::ChatEvent;
use tokio::time::Instant;
use vocab::RequestId;
use wire::paas::{AnswerHead, ChatCompletion, ChunkWriter};

use super::question::Question;
use crate::body::WholeBody;
use crate::client::ClientHeaders;
use crate::sse::AnswerWriter;
use crate::{ApiError, Caller, Platform, RequestContext, sse, whole};

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
        return sse::respond::<ChunkWriter>(starting, head, &platform.settings, deadline).await;
    }

    let reply = platform.gateway.chat(&caller, call).await?;
    let body = |events| Some(ChatCompletion::collect(&head, events));
    whole::respond(reply, &context.id, deadline, body).await
}

impl AnswerWriter for ChunkWriter {
    type Head = AnswerHead;

    const CONTENT_TYPE: &'static str = "text/event-stream;charset=UTF-8";

    fn id(head: &AnswerHead) -> &RequestId {
        &head.id
    }

    fn begin(head: &AnswerHead, reply: Option<&Reply>) -> Self {
        Self::new(head, reply.is_some_and(Reply::tool_stream))
    }

    fn goes_on(&mut self, head: &AnswerHead, reply: &Reply) {
        *self = Self::new(head, reply.tool_stream());
    }

    fn write(&mut self, event: &ChatEvent, out: &mut Vec<u8>) {
        self.write(event, out);
    }

    fn write_keep_alive(&mut self, out: &mut Vec<u8>) {
        Self::write_keep_alive(self, out);
    }

    fn write_error(&mut self, _head: &AnswerHead, refusal: ApiError, out: &mut Vec<u8>) {
        self.write_error(&refusal.into_body(), out);
    }

    fn has_ended(&self) -> bool {
        self.has_ended()
    }
}
