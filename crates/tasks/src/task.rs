use std::fmt;

use serde_json::Value;
use vocab::{AccountId, KeyId, LeaseId, ModelName, RequestId, Timestamp};

use crate::{TaskEvent, TaskState};

/// One piece of work that was accepted and will end, with a result or an error.
#[derive(Clone, PartialEq)]
pub struct Task {
    /// The id the client polls.
    pub id: RequestId,
    /// Who is charged, and the only one who may see the result.
    pub account: AccountId,
    /// The key that submitted it.
    pub key: KeyId,
    /// Which handler runs it, as `chat`.
    pub kind: String,
    /// The client's own id for the request, or the text of `id` (`auth.md` §7).
    pub request_id: String,
    /// The public model that was asked for.
    pub model: ModelName,
    /// What the handler needs to run it, in the handler's own form.
    pub payload: Value,
    /// Where it is in its life.
    pub state: TaskState,
    /// What it came to: the result if it succeeded, the error if it failed.
    pub result: Option<Value>,
    /// How many times a worker has claimed it, not counting those that gave it back.
    pub attempts: u32,
    /// When it was accepted.
    pub created: Timestamp,
    /// When it last changed its state.
    pub updated: Timestamp,
    /// The claim it is running under.
    pub lease: Option<Lease>,
    /// From when on it is forgotten (rule ASYNC-06).
    pub expires: Timestamp,
}

/// A worker's claim on a task. Once it has run out, another worker may take the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Names the claim, not the worker: a worker that claims a task twice holds two.
    pub id: LeaseId,
    /// When it runs out unless it is extended.
    pub until: Timestamp,
}

/// What a task came to.
#[derive(Clone, PartialEq)]
pub enum Outcome {
    /// The result, in the form in which it is served.
    Succeeded(Value),
    /// The error, in the form in which it is served.
    Failed(Value),
}

impl Outcome {
    /// What this does to the task.
    pub fn event(&self) -> TaskEvent {
        match self {
            Self::Succeeded(_) => TaskEvent::Succeed,
            Self::Failed(_) => TaskEvent::Fail,
        }
    }

    /// The result or the error.
    pub fn value(&self) -> &Value {
        match self {
            Self::Succeeded(value) | Self::Failed(value) => value,
        }
    }
}

// Prompts and completions stay out of logs, so neither type prints them.

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id)
            .field("account", &self.account)
            .field("key", &self.key)
            .field("kind", &self.kind)
            .field("model", &self.model)
            .field("state", &self.state)
            .field("attempts", &self.attempts)
            .field("created", &self.created)
            .field("updated", &self.updated)
            .field("lease", &self.lease)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Succeeded(_) => f.write_str("Succeeded(…)"),
            Self::Failed(_) => f.write_str("Failed(…)"),
        }
    }
}
