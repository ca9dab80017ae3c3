//! Chat completions that are accepted now and fetched later (`http-api.md` §4): a durable task that takes the
//! same way through the gateway as any other chat.

use std::sync::Arc;
use std::time::Duration;

use accounts::Caller;
use async_trait::async_trait;
use gateway::{ChatCall, ChatError, Door, Finding, Gateway, Refusal};
use inference::{ChatEvent, ChatRequest, EngineError, FinishReason, Overflow};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tasks::{NewTask, Outcome, SubmitError, Task, TaskHandler, TaskQueueError, TaskState, Tasks};
use tokio::time::Instant;
use vocab::{ModelName, RequestId, Timestamp};

/// The kind under which these tasks are queued.
pub const TASK_KIND: &str = "chat";

/// How long to wait when every engine is busy; an accepted task is in no hurry.
const BUSY_PAUSE: Duration = Duration::from_secs(2);
const BUSY_TRIES_MAX: u32 = 150;

/// The longest that one answer may take: as long as clients wait for one (rule ENDP-13).
const ANSWER_DURATION_MAX: Duration = Duration::from_secs(3000);

/// Accepts chats and finds their answers.
pub struct AsyncChat {
    gateway: Arc<Gateway>,
    tasks: Arc<Tasks>,
}

/// A chat to be answered later.
pub struct AsyncChatCall {
    /// The server's id of the request; the client polls it.
    pub id: RequestId,
    /// The id that the client chose, if any.
    pub client_request_id: Option<String>,
    /// The door it came through.
    pub door: Door,
    /// The program it seems to come from.
    pub client: Finding,
    /// What is asked.
    pub request: ChatRequest,
}

/// An accepted chat.
pub struct AcceptedChat {
    /// The client's id of the request, or the server's.
    pub request_id: String,
    /// The model that was asked for.
    pub model: ModelName,
    /// When it last moved.
    pub updated: Timestamp,
    /// How far it is.
    pub progress: Progress,
}

/// How far an accepted chat is.
pub enum Progress {
    /// It waits or runs.
    Processing,
    /// The whole answer.
    Succeeded(Vec<ChatEvent>),
    /// It will not be answered.
    Failed(Failure),
}

/// Why an accepted chat was not answered, as it is kept with the task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Failure {
    /// The prompt does not fit.
    ContextOverflow {
        /// Tokens of the prompt.
        prompt: u64,
        /// Tokens of the window.
        window: u64,
    },
    /// An engine refused the request as wrong.
    Refused {
        /// A sentence for the caller.
        message: String,
    },
    /// When its turn came, the account could not have it: its money or quota was gone, or its plan or key had changed.
    NotAllowed {
        /// A sentence for the caller.
        message: String,
    },
    /// The platform was too busy for too long.
    Busy,
    /// The engine failed or could not be reached.
    EngineFailed,
}

/// Why a chat was not accepted, or not found.
#[derive(Debug, thiserror::Error)]
pub enum AsyncChatError {
    /// It would not be served.
    #[error(transparent)]
    Chat(#[from] ChatError),
    /// It was not accepted.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The caller has no chat of that id (rule ASYNC-02).
    #[error("there is no such task")]
    Unknown,
    /// The queue failed.
    #[error("tasks are not available")]
    Queue(#[from] TaskQueueError),
}

#[derive(Serialize, Deserialize)]
struct Payload {
    door: Door,
    /// Tasks that were accepted before programs were recognised have none.
    #[serde(default = "Finding::unknown")]
    client: Finding,
    request: ChatRequest,
}

impl AsyncChat {
    /// Chats that run through `gateway` and are kept in `tasks`.
    pub fn new(gateway: Arc<Gateway>, tasks: Arc<Tasks>) -> Self {
        Self { gateway, tasks }
    }

    /// Accepts a chat. When this returns, the chat will be answered, also after a crash (rule ASYNC-07).
    pub async fn submit(&self, caller: &Caller, call: AsyncChatCall) -> Result<(), AsyncChatError> {
        let request = self.gateway.may_run(caller, call.door, &call.client, &call.id, call.request).await?;
        let model = request.model.clone();
        let payload = Payload { door: call.door, client: call.client, request };
        let task = NewTask {
            id: call.id,
            account: caller.account,
            key: caller.key,
            kind: TASK_KIND.to_owned(),
            request_id: call.client_request_id,
            model,
            payload: serde_json::to_value(payload).unwrap_or_default(),
        };
        self.tasks.submit(task).await?;
        Ok(())
    }

    /// The caller's chat of this id.
    pub async fn find(&self, caller: &Caller, id: &RequestId) -> Result<AcceptedChat, AsyncChatError> {
        let task = self.tasks.find(caller.account, id).await?.ok_or(AsyncChatError::Unknown)?;
        Ok(AcceptedChat {
            progress: progress(&task),
            request_id: task.request_id,
            model: task.model,
            updated: task.updated,
        })
    }
}

fn progress(task: &Task) -> Progress {
    let result = task.result.clone().unwrap_or_default();
    match task.state {
        TaskState::Queued | TaskState::Running => Progress::Processing,
        TaskState::Succeeded => match serde_json::from_value(result) {
            Ok(events) => Progress::Succeeded(events),
            Err(_) => Progress::Failed(Failure::EngineFailed),
        },
        TaskState::Failed => {
            Progress::Failed(serde_json::from_value(result).unwrap_or(Failure::EngineFailed))
        }
    }
}

/// Runs accepted chats.
pub struct ChatTaskHandler {
    gateway: Arc<Gateway>,
}

impl ChatTaskHandler {
    /// A handler that runs chats through `gateway`.
    pub fn new(gateway: Arc<Gateway>) -> Self {
        Self { gateway }
    }

    async fn answer(&self, task: &Task) -> Result<Vec<ChatEvent>, Failure> {
        let payload: Payload =
            serde_json::from_value(task.payload.clone()).map_err(|_| Failure::EngineFailed)?;
        let caller = Caller::new(task.account, task.key);
        for _ in 0..BUSY_TRIES_MAX {
            let call = ChatCall {
                id: task.id.clone(),
                client_request_id: None,
                is_repeated: true,
                client: payload.client.clone(),
                door: payload.door,
                request: payload.request.clone(),
            };
            match self.gateway.chat(&caller, call).await {
                Ok(reply) => return whole(reply.collect(Instant::now() + ANSWER_DURATION_MAX).await),
                Err(error) if passes_by_itself(&error) => {
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                Err(error) => {
                    tracing::warn!(task.id = %task.id, error = &error as &dyn std::error::Error, "an accepted chat failed");
                    return Err(error.into());
                }
            }
        }
        Err(Failure::Busy)
    }
}

fn passes_by_itself(error: &ChatError) -> bool {
    matches!(
        error,
        ChatError::Engine(EngineError::Busy { .. })
            | ChatError::MeteringBehind
            | ChatError::Refused(
                Refusal::Limited(_) | Refusal::GivesWay | Refusal::ModelBusy { .. } | Refusal::Unavailable(_)
            )
    )
}

fn whole(events: Vec<ChatEvent>) -> Result<Vec<ChatEvent>, Failure> {
    match events.last() {
        Some(ChatEvent::Finished { reason: FinishReason::NetworkError, .. }) | None => {
            Err(Failure::EngineFailed)
        }
        Some(_) => Ok(events),
    }
}

impl From<ChatError> for Failure {
    fn from(error: ChatError) -> Self {
        match error {
            ChatError::Engine(EngineError::ContextOverflow(Overflow { prompt, window })) => {
                Self::ContextOverflow { prompt: prompt.0, window: window.0 }
            }
            ChatError::Engine(
                EngineError::Unavailable { .. }
                | EngineError::TimedOut { .. }
                | EngineError::Failed { .. }
                | EngineError::Unauthorized,
            ) => Self::EngineFailed,
            ChatError::Engine(EngineError::Busy { .. }) | ChatError::MeteringBehind => Self::Busy,
            ChatError::Refused(refusal) => Self::NotAllowed { message: refusal.to_string() },
            ChatError::Engine(error @ (EngineError::Rejected { .. } | EngineError::Unsupported { .. })) => {
                Self::Refused { message: error.to_string() }
            }
            error @ (ChatError::UnknownModel(_)
            | ChatError::Unmapped(_)
            | ChatError::DoesNotChat { .. }
            | ChatError::OutOfRange { .. }
            | ChatError::TextOnly { .. }
            | ChatError::InProgress(_)) => Self::Refused { message: error.to_string() },
        }
    }
}

#[async_trait]
impl TaskHandler for ChatTaskHandler {
    async fn run(&self, task: &Task) -> Outcome {
        match self.answer(task).await {
            Ok(events) => Outcome::Succeeded(serde_json::to_value(events).unwrap_or_default()),
            Err(failure) => Outcome::Failed(serde_json::to_value(failure).unwrap_or_default()),
        }
    }

    fn gave_up(&self, _task: &Task) -> Value {
        serde_json::to_value(Failure::EngineFailed).unwrap_or_default()
    }
}
