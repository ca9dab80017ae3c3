//! The in-memory reference keeps every contract, so that an adapter that fails one is at fault itself.

use testkit::contract;
use testkit::memory::{MemoryAccounts, MemoryTasks, MemoryUsage};

#[tokio::test]
async fn accounts_in_memory() {
    contract::accounts::all(async || MemoryAccounts::default()).await;
}

#[tokio::test]
async fn tasks_in_memory() {
    contract::tasks::all(async || MemoryTasks::default()).await;
}

#[tokio::test]
async fn usage_in_memory() {
    contract::usage::all(async || MemoryUsage::default()).await;
}
