//! SQLite does what every adapter of the storage ports must do.

#![expect(clippy::unwrap_used, reason = "a helper that cannot do its part fails the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use store::Store;
use tempfile::TempDir;
use testkit::contract;

/// Empty stores, each a file of its own in a folder that goes away.
struct Shelf {
    folder: TempDir,
    next: AtomicU32,
}

impl Shelf {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), next: AtomicU32::new(0) }
    }

    async fn fresh(&self) -> Store {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Store::open(self.folder.path().join(format!("{number}.db"))).await.unwrap()
    }
}

#[tokio::test]
async fn accounts_in_sqlite() {
    let shelf = Shelf::new();
    contract::accounts::all(async || shelf.fresh().await).await;
}

#[tokio::test]
async fn conduct_in_sqlite() {
    let shelf = Shelf::new();
    contract::conduct::all(async || shelf.fresh().await).await;
}

#[tokio::test]
async fn tasks_in_sqlite() {
    let shelf = Shelf::new();
    contract::tasks::all(async || shelf.fresh().await).await;
}

#[tokio::test]
async fn usage_in_sqlite() {
    let shelf = Shelf::new();
    contract::usage::all(async || shelf.fresh().await).await;
}

#[tokio::test]
async fn documents_in_sqlite() {
    let shelf = Shelf::new();
    contract::documents::all(async || shelf.fresh().await).await;
}

#[tokio::test]
async fn idempotency_keys_in_sqlite() {
    let shelf = Shelf::new();
    contract::idempotency::all(async || shelf.fresh().await).await;
}

#[tokio::test]
async fn daily_sums_in_sqlite() {
    let shelf = Shelf::new();
    contract::rollup::all(async || {
        let store = Arc::new(shelf.fresh().await);
        (store.clone(), store)
    })
    .await;
}

#[tokio::test]
async fn subscriptions_in_sqlite() {
    let shelf = Shelf::new();
    contract::subscriptions::all(async || {
        let store = shelf.fresh().await;
        (store.clone(), store)
    })
    .await;
}

#[tokio::test]
async fn money_in_sqlite() {
    let shelf = Shelf::new();
    contract::ledger::all(async || shelf.fresh().await).await;
}

#[tokio::test]
async fn quota_in_sqlite() {
    let shelf = Shelf::new();
    contract::quota::all(async || shelf.fresh().await).await;
}

#[test]
fn random_operations_in_sqlite() {
    let shelf = Shelf::new();
    contract::ledger_random::equals_the_reference(2_000, async || shelf.fresh().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_in_sqlite() {
    let shelf = Shelf::new();
    contract::ledger_writers::all(async || shelf.fresh().await).await;
}

#[tokio::test]
async fn people_in_sqlite() {
    let shelf = Shelf::new();
    contract::people::all(async || {
        let store = Arc::new(shelf.fresh().await);
        contract::people::House { accounts: store.clone(), people: store }
    })
    .await;
}
