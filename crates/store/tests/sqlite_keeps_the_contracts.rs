//! SQLite does what every adapter of the storage ports must do.

#![expect(clippy::unwrap_used, reason = "a helper that cannot do its part fails the test")]

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
async fn tasks_in_sqlite() {
    let shelf = Shelf::new();
    contract::tasks::all(async || shelf.fresh().await).await;
}

#[tokio::test]
async fn usage_in_sqlite() {
    let shelf = Shelf::new();
    contract::usage::all(async || shelf.fresh().await).await;
}
