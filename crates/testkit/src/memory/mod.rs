//! The storage ports in memory: the reference that real stores are compared with.

mod accounts;
mod tasks;
mod usage;

pub use accounts::MemoryAccounts;
pub use tasks::MemoryTasks;
pub use usage::MemoryUsage;
