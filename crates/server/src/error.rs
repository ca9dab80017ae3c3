use std::time::Duration;

use accounts::AuthError;
use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use capabilities::async_chat::AsyncChatError;
use gateway::ChatError;
use inference::EngineError;
use tasks::SubmitError;
use wire::{BadRequest, Code, ErrorBody};

const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// A refusal on its way to the caller.
///
/// What went wrong is logged here, once, if it is not the caller's doing; the caller is told a code and a
/// sentence. As a response it is in the dialect of `/api/paas/v4`, and goes along with the response for the door that says
/// the same in other words.
#[derive(Clone, Debug)]
pub struct ApiError {
    pub(crate) code: Code,
    pub(crate) status: StatusCode,
    body: ErrorBody,
    retry_after: Option<Duration>,
    may_heal: bool,
    /// The platform or an engine has too much to do. Some dialects have a status for it.
    pub(crate) is_overload: bool,
}

impl ApiError {
    pub(crate) fn new(code: Code, body: ErrorBody) -> Self {
        Self {
            code,
            status: StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            body,
            retry_after: None,
            may_heal: code.heals_by_waiting(),
            is_overload: false,
        }
    }

    pub(crate) fn of(code: Code, fields: &[(&str, &str)]) -> Self {
        Self::new(code, ErrorBody::new(code, fields))
    }

    pub(crate) fn saying(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, ErrorBody::with_message(code, message))
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// Says that the platform or an engine has too much to do, rather than the caller asking too often.
    pub(crate) fn overloaded(mut self) -> Self {
        self.is_overload = true;
        self
    }

    /// Tells clients not to try again by themselves, although the code alone would not.
    pub(crate) fn never_retried(mut self) -> Self {
        self.may_heal = false;
        self
    }

    /// 503 with code 1120. Never 401: the key may be right, and clients would stop.
    pub(crate) fn accounts_unavailable(cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = cause, "accounts could not be looked up");
        Self::of(Code::AccountUnavailable, &[])
            .with_status(StatusCode::SERVICE_UNAVAILABLE)
            .retry_after(Some(Duration::from_secs(1)))
    }

    /// The envelope alone, for where the status has been sent already.
    pub(crate) fn into_body(self) -> ErrorBody {
        self.body
    }

    /// The sentence for the caller.
    pub(crate) fn message(&self) -> &str {
        &self.body.error.message
    }

    /// Says in `headers` when to try again, and, of errors that are `tempting`, that it is no use where it is none.
    pub(crate) fn advise(&self, headers: &mut HeaderMap, is_tempting: bool) {
        if let Some(wait) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        }
        if is_tempting && !self.may_heal {
            headers.insert(X_SHOULD_RETRY, HeaderValue::from_static("false"));
        }
    }

    /// Code 500: a mistake of ours.
    pub fn internal(reason: &str) -> Self {
        tracing::error!(reason, "internal error");
        Self::of(Code::Internal, &[])
    }

    /// Code 1234: the connection to the engine was lost before the answer was complete. `error_id` is also in the
    /// log.
    pub fn network(error_id: &str) -> Self {
        Self::of(Code::NetworkFailed, &[("error_id", error_id)])
    }

    /// 413 with code 1214.
    pub fn body_too_large(bytes_max: usize) -> Self {
        let refusal = BadRequest::invalid("body", &format!("the request is larger than {bytes_max} bytes"));
        Self::from(refusal).with_status(StatusCode::PAYLOAD_TOO_LARGE)
    }

    /// The caller stopped in the middle of its request.
    pub fn body_broken_off() -> Self {
        BadRequest::malformed("the body is incomplete").into()
    }

    /// 408: the caller paused for too long in the middle of its request. Clients try again by themselves.
    pub fn body_too_slow() -> Self {
        let refusal = BadRequest::malformed("the body did not arrive in time");
        Self::from(refusal).with_status(StatusCode::REQUEST_TIMEOUT)
    }

    /// 405: the path exists, but not for this method.
    pub fn method_not_allowed() -> Self {
        let refusal = BadRequest::malformed("this path does not answer to this HTTP method");
        Self::from(refusal).with_status(StatusCode::METHOD_NOT_ALLOWED)
    }

    /// 404 with code 1222: an id that does not exist, or belongs to someone else.
    pub fn no_such(what: &str) -> Self {
        Self::of(Code::ApiUnknown, &[("API_name", what)]).with_status(StatusCode::NOT_FOUND)
    }

    /// 404 with code 1211: the models endpoint knows no such model.
    pub fn no_such_model() -> Self {
        Self::of(Code::UnknownModel, &[]).with_status(StatusCode::NOT_FOUND)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(&self.body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
        // Some clients retry a wrong key for minutes unless told not to.
        let is_tempting = matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED);
        self.advise(headers, is_tempting);
        response.extensions_mut().insert(self);
        response
    }
}

/// Whole seconds, and none too few: who comes back early is refused again.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

impl From<BadRequest> for ApiError {
    fn from(refusal: BadRequest) -> Self {
        Self::new(refusal.code, refusal.into())
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Missing => Self::of(Code::CredentialMissing, &[]),
            AuthError::Invalid => Self::of(Code::CredentialInvalid, &[]),
            AuthError::Expired => Self::of(Code::TokenExpired, &[]),
            AuthError::SignatureMismatch => Self::of(Code::SignatureInvalid, &[]),
            AuthError::Unavailable(cause) => Self::accounts_unavailable(&cause),
        }
    }
}

impl From<ChatError> for ApiError {
    fn from(error: ChatError) -> Self {
        let retry_after = error.retry_after();
        match error {
            ChatError::UnknownModel(_) => Self::of(Code::UnknownModel, &[]),
            ChatError::Unmapped(model) => Self::saying(
                Code::UnknownModel,
                format!(
                    "{} No engine is mapped to `{model}` on this server: its operator adds [[models]] with \
                     name = \"{model}\" and engines = [...] to azimuth.toml.",
                    Code::UnknownModel.text()
                ),
            ),
            ChatError::DoesNotChat { .. } => {
                Self::of(Code::UnsupportedMethod, &[("method", "chat/completions")])
            }
            ChatError::OutOfRange { field, message } => BadRequest::invalid(field, &message).into(),
            ChatError::TextOnly { model } => {
                BadRequest::invalid("messages", &format!("`{model}` takes text only; send text parts")).into()
            }
            ChatError::InProgress(id) => Self::of(Code::DuplicateRequest, &[("request_id", &id)]),
            ChatError::Refused(refusal) => refusal.into(),
            ChatError::MeteringBehind => {
                Self::of(Code::Overloaded, &[]).retry_after(retry_after).overloaded()
            }
            ChatError::Engine(error) => error.into(),
        }
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::ContextOverflow(overflow) => {
                Self::new(Code::PromptTooLong, ErrorBody::prompt_too_long(overflow))
            }
            EngineError::Unsupported { field, message } => BadRequest::invalid(field, &message).into(),
            EngineError::Rejected { message } => BadRequest::malformed(&message).into(),
            EngineError::Busy { retry_after } => {
                let wait = retry_after.unwrap_or(Duration::from_secs(1));
                Self::of(Code::Overloaded, &[]).retry_after(Some(wait)).overloaded()
            }
            EngineError::Unauthorized | EngineError::Failed { .. } => {
                tracing::error!(%error, "engine failed");
                Self::of(Code::ProcessingFailed, &[])
            }
            EngineError::Unavailable { .. } | EngineError::TimedOut { .. } => {
                let error_id = uuid::Uuid::now_v7().simple().to_string();
                tracing::error!(%error, error_id, "engine could not be reached");
                Self::network(&error_id)
            }
        }
    }
}

impl From<AsyncChatError> for ApiError {
    fn from(error: AsyncChatError) -> Self {
        match error {
            AsyncChatError::Chat(error) => error.into(),
            AsyncChatError::Submit(SubmitError::AlreadyOpen { request_id }) => {
                Self::of(Code::DuplicateRequest, &[("request_id", &request_id)])
            }
            AsyncChatError::Submit(SubmitError::TooMany { .. }) => {
                Self::of(Code::TooManyAtOnce, &[]).retry_after(Some(Duration::from_secs(1)))
            }
            AsyncChatError::Unknown => Self::no_such("async-result"),
            AsyncChatError::Queue(cause) | AsyncChatError::Submit(SubmitError::Queue(cause)) => {
                tracing::error!(error = &cause as &dyn std::error::Error, "the task queue did not answer");
                Self::of(Code::CallFailed, &[])
                    .with_status(StatusCode::SERVICE_UNAVAILABLE)
                    .retry_after(Some(Duration::from_secs(1)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// auth.md §6: whole seconds, and none too few.
    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds() {
        let seconds = |millis| whole_seconds(Duration::from_millis(millis));
        assert_eq!([0, 1, 1000, 1001, 7000].map(seconds), [1, 1, 1, 2, 7]);
        assert_eq!(whole_seconds(Duration::MAX), u64::MAX);
    }
}
