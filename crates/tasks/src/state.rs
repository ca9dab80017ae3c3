use serde::{Deserialize, Serialize};

/// Where a task is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Accepted, waiting for a worker.
    Queued,
    /// Claimed by a worker, under a lease.
    Running,
    /// Over, with a result.
    Succeeded,
    /// Over, with an error.
    Failed,
}

/// What can happen to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskEvent {
    /// A worker takes it: from the queue, or from a worker whose lease ran out.
    Claim,
    /// Its worker gives it back unfinished.
    Release,
    /// Its worker brings a result.
    Succeed,
    /// Its worker brings an error.
    Fail,
}

/// Something that cannot happen to a task in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a task that is {state:?} cannot {event:?}")]
pub struct IllegalTransition {
    /// Where the task is.
    pub state: TaskState,
    /// What was to happen to it.
    pub event: TaskEvent,
}

impl TaskState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Succeeded, Self::Failed];

    /// The state after `event`.
    ///
    /// ```text
    ///            ╭─claim─╮
    ///            ▼       │
    /// Queued ──claim──▶ Running ──succeed──▶ Succeeded
    ///    ▲                │ ╲──fail──▶ Failed
    ///    ╰────release─────╯
    /// ```
    pub fn after(self, event: TaskEvent) -> Result<Self, IllegalTransition> {
        use {TaskEvent as E, TaskState as S};
        match (self, event) {
            (S::Queued | S::Running, E::Claim) => Ok(S::Running),
            (S::Running, E::Release) => Ok(S::Queued),
            (S::Running, E::Succeed) => Ok(S::Succeeded),
            (S::Running, E::Fail) => Ok(S::Failed),
            (state, event) => Err(IllegalTransition { state, event }),
        }
    }

    /// Whether nothing can happen to the task any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    /// The name used in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ASYNC-02: an answer that a client has seen does not change again.
    #[test]
    fn a_task_that_is_over_stays_as_it_is() {
        let events = [TaskEvent::Claim, TaskEvent::Release, TaskEvent::Succeed, TaskEvent::Fail];
        for state in TaskState::ALL.into_iter().filter(|state| state.is_over()) {
            for event in events {
                assert_eq!(state.after(event), Err(IllegalTransition { state, event }));
            }
        }
    }

    #[test]
    fn only_a_worker_that_claimed_a_task_can_end_it() {
        for event in [TaskEvent::Release, TaskEvent::Succeed, TaskEvent::Fail] {
            assert!(TaskState::Queued.after(event).is_err());
            assert!(TaskState::Running.after(event).is_ok());
        }
    }
}
