use inference::ChatRequest;
use vocab::ModelName;
use wire::BadRequest;
use wire::anthropic::{MessageHead, MessageOptions};

use super::documents;
use crate::body::WholeBody;
use crate::{ApiError, Platform, RequestContext};

/// A conversation that came through this door, and the head of its answer.
pub(super) struct Question {
    pub(super) request: ChatRequest,
    pub(super) options: MessageOptions,
    pub(super) head: MessageHead,
}

impl Question {
    /// Reads a body, in the order of `errors.md` §5, and makes it fit the model that its name leads to (rule ENDP-07).
    pub(super) async fn read(
        platform: &Platform,
        context: &RequestContext,
        body: WholeBody,
    ) -> Result<Self, ApiError> {
        let body = body.into_messages()?;
        let asked: ModelName = body.model.parse().map_err(|_| BadRequest::unknown_model())?;
        let model = platform.gateway.claude_model(&asked)?;
        let (mut request, options) = body.into_request(model.clone())?;
        documents::read(&*platform.documents, &mut request).await;
        platform.gateway.fit(&mut request);
        Ok(Self { request, options, head: MessageHead { id: context.id.clone(), model } })
    }

    /// Searching and fetching are not offered yet. A model that has other tools too may do without; where they are all that
    /// the client offers, an answer that only looks as if it had searched would be worse than none.
    pub(super) fn without_server_tools(self) -> Result<Self, BadRequest> {
        match self.options.server_tools.first() {
            Some(tool) if self.request.tools.is_empty() => Err(BadRequest::unsupported("tools", &tool.name)),
            _ => Ok(self),
        }
    }
}
