//! `POST async/chat/completions` and `GET async-result/{id}` (`http-api.md` §4).

use serde::{Deserialize, Serialize};

use super::chat_response::{AnswerHead, ChatCompletion, Choice};
use super::usage::UsageBody;
use crate::{ErrorBody, ErrorDetail};

/// An asynchronous task as it stands: the answer at submission and at every later look. One form for all kinds
/// of task; the fields tell which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AsyncResult {
    /// The answer of a chat that succeeded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
    /// When a chat's answer was made, in Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<i64>,
    /// The task's id, made by the server.
    pub id: String,
    /// The model that was asked.
    pub model: String,
    /// The client's id, or the server's.
    pub request_id: String,
    /// How far it is.
    pub task_status: TaskStatus,
    /// Tokens of a chat that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageBody>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorDetail>,
}

/// How far a task is. Clients know these three words and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TaskStatus {
    /// Waiting or under way.
    Processing,
    /// Done.
    Success,
    /// Given up.
    Fail,
}

impl AsyncResult {
    /// A task that was taken in and is not done.
    pub fn processing(head: &AnswerHead) -> Self {
        Self {
            choices: Vec::new(),
            created: None,
            id: head.id.as_str().to_owned(),
            model: head.model.as_str().to_owned(),
            request_id: head.request_id().to_owned(),
            task_status: TaskStatus::Processing,
            usage: None,
            error: None,
        }
    }

    /// A chat that succeeded.
    pub fn succeeded(answer: ChatCompletion) -> Self {
        let ChatCompletion { choices, created, id, model, request_id, usage, .. } = answer;
        Self {
            choices,
            created: Some(created),
            id,
            model,
            request_id,
            task_status: TaskStatus::Success,
            usage: Some(usage),
            error: None,
        }
    }

    /// A task that failed; the HTTP status stays 200.
    pub fn failed(head: &AnswerHead, error: ErrorBody) -> Self {
        Self { task_status: TaskStatus::Fail, error: Some(error.error), ..Self::processing(head) }
    }
}
