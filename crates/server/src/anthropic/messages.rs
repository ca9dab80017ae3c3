use axum::extract::State;
use axum::response::Response;
use gateway::{ChatCall, Door, Reply};
use inference::ChatEvent;
use tokio::time::Instant;
use vocab::RequestId;
use wire::anthropic::{EventWriter, Message, MessageHead};

use super::dialect;
use super::question::Question;
use crate::body::WholeBody;
use crate::client::ClientHeaders;
use crate::sse::AnswerWriter;
use crate::{ApiError, Caller, Platform, RequestContext, sse, whole};

/// Answers a conversation, whole or as server-sent events (`anthropic-api.md` §3, §12 and §13).
pub(crate) async fn create(
    State(platform): State<Platform>,
    caller: Caller,
    context: RequestContext,
    headers: ClientHeaders,
    body: WholeBody,
) -> Result<Response, ApiError> {
    let deadline = Instant::now() + platform.settings.answer_duration_max;
    let Question { request, options, head } =
        Question::read(&platform, &context, body).await?.without_server_tools()?;
    let call = ChatCall {
        id: context.id.clone(),
        client_request_id: None,
        door: Door::Anthropic,
        is_repeated: false,
        client: headers.recognise_with(&platform.gateway, options.billing_block.as_deref(), &request),
        request,
    };
    if options.stream {
        let gateway = platform.gateway.clone();
        let starting = Box::pin(async move { gateway.chat(&caller, call).await });
        return sse::respond::<EventWriter>(starting, head, &platform.settings, deadline).await;
    }

    let reply = platform.gateway.chat(&caller, call).await?;
    whole::respond(reply, &context.id, deadline, |events| Message::collect(&head, events)).await
}

impl AnswerWriter for EventWriter {
    type Head = MessageHead;

    const CONTENT_TYPE: &'static str = "text/event-stream; charset=utf-8";

    fn id(head: &MessageHead) -> &RequestId {
        &head.id
    }

    fn begin(head: &MessageHead, _reply: Option<&Reply>) -> Self {
        Self::new(head)
    }

    fn goes_on(&mut self, _head: &MessageHead, _reply: &Reply) {}

    fn write(&mut self, event: &ChatEvent, out: &mut Vec<u8>) {
        self.write(event, out);
    }

    fn write_keep_alive(&mut self, out: &mut Vec<u8>) {
        self.write_keep_alive(out);
    }

    fn write_error(&mut self, head: &MessageHead, refusal: ApiError, out: &mut Vec<u8>) {
        self.write_error(&dialect::envelope(&refusal, &head.id), out);
    }

    fn has_ended(&self) -> bool {
        self.has_ended()
    }
}
