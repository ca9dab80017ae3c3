//! A PostgreSQL server that goes away or says nothing: calls fail soon and say so, and succeed again by themselves.

#![expect(clippy::unwrap_used, reason = "a helper that cannot do its part fails the test")]

use std::time::{Duration, Instant};

use accounts::{AccountStore, AccountStoreError};
use gateway::{UsageLog, UsageQuery};
use store::{OpenError, PostgresSettings, Store, StoreError};
use testkit::contract;
use testkit::gate::Gate;
use testkit::postgres::TestDatabase;
use vocab::{AccountId, KeyId, Secret};

/// Longer than a call may take at the worst, on a busy machine.
const SOON: Duration = Duration::from_secs(8);

const SETTINGS: PostgresSettings =
    PostgresSettings { connections_max: 4, statement_for_max: Duration::from_millis(500) };

/// A store whose server is behind a gate.
struct Behind {
    gate: Gate,
    store: Store,
    _database: TestDatabase,
}

impl Behind {
    async fn gate() -> Option<Self> {
        let database = TestDatabase::create().await?;
        let gate = Gate::before(database.server_address()).await;
        let store = Store::connect(&database.url_through(&gate), SETTINGS).await.unwrap();
        Some(Self { gate, store, _database: database })
    }

    /// Several calls at once, all of which fail soon and say that trying again may help.
    async fn nobody_waits(&self) {
        let asked = Instant::now();
        let calls = (0..8).map(|_| self.store.account_list(None, 10));
        for answer in futures::future::join_all(calls).await {
            let AccountStoreError(error) = answer.unwrap_err();
            let error = error.downcast_ref().unwrap();
            assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        }
        assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
    }

    async fn answers_again(&self) {
        let opened = Instant::now();
        while let Err(error) = self.store.account_list(None, 10).await {
            assert!(opened.elapsed() < SOON, "{error:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_is_an_error_soon_and_is_found_again() {
    let Some(behind) = Behind::gate().await else { return };
    let account = contract::accounts::account("Ana");
    behind.store.account_insert(&account).await.unwrap();

    behind.gate.shut();
    behind.nobody_waits().await;
    assert!(behind.store.account_insert(&contract::accounts::account("Ben")).await.is_err());

    behind.gate.open();
    behind.answers_again().await;
    assert_eq!(behind.store.account_list(None, 10).await.unwrap(), [account]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_keeps_nobody_waiting() {
    let Some(behind) = Behind::gate().await else { return };
    // Connections that are open and in use when it falls silent.
    futures::future::join_all((0..8).map(|_| behind.store.account_list(None, 10))).await;

    behind.gate.stall();
    behind.nobody_waits().await;
    behind.nobody_waits().await;

    behind.gate.open();
    behind.answers_again().await;
}

/// A batch is kept whole or not at all, also when the writer is dropped in the middle of it; and its connection serves
/// the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_batch_leaves_all_or_nothing_and_no_lock() {
    let Some(database) = TestDatabase::create().await else { return };
    let settings = PostgresSettings { connections_max: 1, ..PostgresSettings::default() };
    let store = Store::connect(database.url(), settings).await.unwrap();
    let (account, key) = (AccountId::generate(), KeyId::generate());
    for round in 0..10u64 {
        let started = i64::try_from(round).unwrap() * 10_000;
        let records: Vec<_> =
            (0..2_000).map(|n| contract::usage::record(account, key, "glm-4.7", started + n)).collect();
        let append = store.usage_append(&records);
        let _ = tokio::time::timeout(Duration::from_millis(4 * round), append).await;
    }
    store.usage_append(&[contract::usage::record(account, key, "glm-4.7", -1)]).await.unwrap();
    let kept = store.usage_list(&UsageQuery::default(), 100_000).await.unwrap().len();
    assert_eq!(kept % 2_000, 1);
}

/// A password does not get into what is printed.
#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_the_password() {
    let url = Secret::new("postgres://azimuth:hunter2@127.0.0.1:1/accounts");
    let error = Store::connect(&url, SETTINGS).await.unwrap_err();
    assert!(matches!(error, OpenError::Database { .. }), "{error:?}");
    assert!(error.to_string().contains("127.0.0.1:1/accounts"), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");

    let error = Store::connect(&Secret::new("postgres:hunter2"), SETTINGS).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}
