//! The storage ports in memory: the reference that real stores are compared with.

mod accounts;
mod conduct;
mod documents;
mod idempotency;
mod people;
mod rollup;
mod subscriptions;
mod tasks;
mod usage;

pub use accounts::MemoryAccounts;
pub use conduct::MemoryConduct;
pub use documents::MemoryDocuments;
pub use idempotency::MemoryIdempotency;
pub use people::MemoryPeople;
pub use subscriptions::MemorySubscriptions;
pub use tasks::MemoryTasks;
pub use usage::MemoryUsage;
