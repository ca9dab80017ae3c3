use gateway::Door;
use inference::ChatRequest;
use wire::BadRequest;
use wire::paas::{AnswerHead, ChatOptions, ClearThinkingDefault};

use crate::body::WholeBody;
use crate::{ApiError, Platform, RequestContext};

/// A conversation that came through a door, and the head of its answer.
pub(super) struct Question {
    pub(super) request: ChatRequest,
    pub(super) options: ChatOptions,
    pub(super) head: AnswerHead,
}

impl Question {
    /// Reads a body, in the order of `errors.md` §5: what it must have, the model, then what its fields hold.
    pub(super) fn read(
        platform: &Platform,
        door: Door,
        context: &RequestContext,
        body: WholeBody,
    ) -> Result<Self, ApiError> {
        let body = body.into_chat()?;
        let model = platform.gateway.canonical_name(&body.model)?;
        let (request, options) = body.into_request(clear_thinking_default(door))?;
        let head = AnswerHead {
            id: context.id.clone(),
            request_id: options.request_id.clone(),
            created: context.arrived,
            model,
        };
        Ok(Self { request, options, head })
    }

    /// Searching is not offered yet, and an answer that only looks as if it had searched would be worse than none.
    pub(super) fn without_web_search(self) -> Result<Self, BadRequest> {
        if self.options.web_searches.is_empty() {
            Ok(self)
        } else {
            Err(BadRequest::unsupported("tools", "web_search"))
        }
    }
}

/// Rule THINK-03: earlier reasoning is dropped on the general door and kept on the coding door.
fn clear_thinking_default(door: Door) -> ClearThinkingDefault {
    match door {
        Door::General => ClearThinkingDefault::GENERAL,
        Door::Coding | Door::Anthropic => ClearThinkingDefault::CODING,
    }
}
