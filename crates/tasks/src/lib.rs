//! Work that outlives a request.
//!
//! [`Tasks`] accepts and finds tasks, a [`Worker`] runs them through a [`TaskHandler`], and the
//! [`TaskQueue`] port keeps them, so that an accepted task ends whatever happens to the process
//! (rule ASYNC-07).

mod queue;
mod state;
mod task;
mod tasks;
mod worker;

pub use queue::{Submission, TaskQueue, TaskQueueError};
pub use state::{IllegalTransition, TaskEvent, TaskState};
pub use task::{Lease, Outcome, Task};
pub use tasks::{NewTask, SubmitError, TaskSettings, Tasks};
pub use worker::{TaskHandler, Worker, WorkerSettings};
