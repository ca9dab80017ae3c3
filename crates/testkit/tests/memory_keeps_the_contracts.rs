//! The in-memory reference keeps every contract, so that an adapter that fails one is at fault itself.

use std::sync::Arc;

use gateway::{MemoryPermits, MemoryPermitsSettings};
use ledger::MemoryLedger;
use testkit::contract;
use testkit::memory::{
    MemoryAccounts, MemoryDocuments, MemoryIdempotency, MemoryPeople, MemorySubscriptions, MemoryTasks,
    MemoryUsage,
};
use vocab::SystemClock;

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

#[tokio::test]
async fn subscriptions_in_memory() {
    contract::subscriptions::all(async || (MemoryAccounts::default(), MemorySubscriptions::default())).await;
}

#[tokio::test]
async fn idempotency_keys_in_memory() {
    contract::idempotency::all(async || MemoryIdempotency::default()).await;
}

#[tokio::test]
async fn documents_in_memory() {
    contract::documents::all(async || MemoryDocuments::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn permits_in_memory() {
    contract::permits::all(async || {
        MemoryPermits::new(Arc::new(SystemClock), &MemoryPermitsSettings::default())
    })
    .await;
}

#[tokio::test]
async fn money_in_memory() {
    contract::ledger::all(async || MemoryLedger::default()).await;
}

#[tokio::test]
async fn quota_in_memory() {
    contract::quota::all(async || MemoryLedger::default()).await;
}

#[test]
fn random_operations_in_memory() {
    contract::ledger_random::equals_the_reference(200, async || MemoryLedger::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_in_memory() {
    contract::ledger_writers::all(async || MemoryLedger::default()).await;
}

#[tokio::test]
async fn daily_sums_in_memory() {
    contract::rollup::all(async || {
        let ledger = Arc::new(MemoryLedger::default());
        (Arc::new(MemoryUsage::with_ledger(ledger.clone())), ledger)
    })
    .await;
}

#[tokio::test]
async fn people_in_memory() {
    contract::people::all(async || {
        let accounts = Arc::new(MemoryAccounts::default());
        contract::people::House { accounts: accounts.clone(), people: Arc::new(MemoryPeople::new(accounts)) }
    })
    .await;
}
