//! PostgreSQL does what every adapter of the storage ports must do.
//!
//! `AZIMUTH_TEST_POSTGRES` names a server; without it these tests print a line and pass. `scripts/services.sh` starts
//! one.

#![expect(clippy::unwrap_used, reason = "a helper that cannot do its part fails the test")]

use std::sync::{Arc, Mutex};

use store::{PostgresSettings, Store};
use testkit::contract;
use testkit::postgres::TestDatabase;

/// Empty stores, each a database of its own that goes away at the end.
#[derive(Default)]
struct Shelf {
    databases: Mutex<Vec<TestDatabase>>,
}

impl Shelf {
    /// Nothing, if there is no server to try.
    async fn new() -> Option<Self> {
        TestDatabase::create().await.map(|_| Self::default())
    }

    async fn fresh(&self) -> Store {
        let database = TestDatabase::create().await.unwrap();
        let store = Store::connect(database.url(), PostgresSettings::default()).await.unwrap();
        self.databases.lock().unwrap().push(database);
        store
    }
}

#[tokio::test]
async fn accounts_in_postgres() {
    let Some(shelf) = Shelf::new().await else { return };
    contract::accounts::all(async || shelf.fresh().await).await;
}

#[tokio::test]
async fn conduct_in_postgres() {
    let Some(shelf) = Shelf::new().await else { return };
    contract::conduct::all(async || shelf.fresh().await).await;
}

#[tokio::test]
async fn tasks_in_postgres() {
    let Some(shelf) = Shelf::new().await else { return };
    contract::tasks::all(async || shelf.fresh().await).await;
}

#[tokio::test]
async fn usage_in_postgres() {
    let Some(shelf) = Shelf::new().await else { return };
    contract::usage::all(async || shelf.fresh().await).await;
}

#[tokio::test]
async fn documents_in_postgres() {
    let Some(shelf) = Shelf::new().await else { return };
    contract::documents::all(async || shelf.fresh().await).await;
}

#[tokio::test]
async fn idempotency_keys_in_postgres() {
    let Some(shelf) = Shelf::new().await else { return };
    contract::idempotency::all(async || shelf.fresh().await).await;
}

#[tokio::test]
async fn daily_sums_in_postgres() {
    let Some(shelf) = Shelf::new().await else { return };
    contract::rollup::all(async || {
        let store = Arc::new(shelf.fresh().await);
        (store.clone(), store)
    })
    .await;
}

#[tokio::test]
async fn subscriptions_in_postgres() {
    let Some(shelf) = Shelf::new().await else { return };
    contract::subscriptions::all(async || {
        let store = shelf.fresh().await;
        (store.clone(), store)
    })
    .await;
}

#[tokio::test]
async fn money_in_postgres() {
    let Some(shelf) = Shelf::new().await else { return };
    contract::ledger::all(async || shelf.fresh().await).await;
}

#[tokio::test]
async fn quota_in_postgres() {
    let Some(shelf) = Shelf::new().await else { return };
    contract::quota::all(async || shelf.fresh().await).await;
}

#[test]
fn random_operations_in_postgres() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(shelf) = runtime.block_on(Shelf::new()) else { return };
    contract::ledger_random::equals_the_reference(300, async || shelf.fresh().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_in_postgres() {
    let Some(shelf) = Shelf::new().await else { return };
    contract::ledger_writers::all(async || shelf.fresh().await).await;
}

#[tokio::test]
async fn people_in_postgres() {
    let Some(shelf) = Shelf::new().await else { return };
    contract::people::all(async || {
        let store = Arc::new(shelf.fresh().await);
        contract::people::House { accounts: store.clone(), people: store }
    })
    .await;
}
