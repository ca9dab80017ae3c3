//! One PostgreSQL database, several nodes. Two `Store`s share nothing but the server, as two nodes would.

#![expect(clippy::unwrap_used, reason = "a helper that cannot do its part fails the test")]

use std::collections::BTreeSet;
use std::sync::Arc;

use accounts::{AccountStore, Accounts, Keys, Seal};
use futures::future::join_all;
use gateway::{UsageLog, UsageQuery};
use store::{PostgresSettings, Store};
use tasks::{Lease, Submission, TaskQueue};
use testkit::contract;
use testkit::postgres::TestDatabase;
use vocab::{LeaseId, SystemClock, Timestamp};

async fn nodes<const COUNT: usize>(database: &TestDatabase) -> [Store; COUNT] {
    let settings = PostgresSettings { connections_max: 4, ..PostgresSettings::default() };
    // At once, so that they also race to make the schema.
    let opening = (0..COUNT).map(|_| Store::connect(database.url(), settings));
    let stores: Vec<_> = join_all(opening).await.into_iter().map(Result::unwrap).collect();
    stores.try_into().unwrap()
}

/// Several nodes that start on an empty database at once agree on one operator and print one first key.
#[tokio::test(flavor = "multi_thread")]
async fn several_first_starts_make_one_operator() {
    let Some(database) = TestDatabase::create().await else { return };
    let starts = nodes::<6>(&database).await.map(|store| async move {
        let store = Arc::new(store);
        let keys = Arc::new(Keys::new(store.clone(), Seal::from_bytes(&[7; 32]), Arc::new(SystemClock)));
        Accounts::new(store, keys, Arc::new(SystemClock)).ensure_operator().await.unwrap()
    });
    let operators = join_all(starts).await;

    assert_eq!(operators.iter().filter(|operator| operator.first_key.is_some()).count(), 1);
    assert!(operators.iter().all(|operator| operator.account == operators[0].account));
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_writers_at_once_lose_nothing() {
    let Some(database) = TestDatabase::create().await else { return };
    let stores = nodes::<2>(&database).await;
    let writers = (0..64usize).map(|number| {
        let store = stores[number % 2].clone();
        tokio::spawn(async move {
            let account = contract::accounts::account(&format!("writer {number}"));
            store.account_insert(&account).await.unwrap();
            let key = contract::accounts::key(&account, "key");
            store.key_insert(&key).await.unwrap();
            let records: Vec<_> =
                (0..5).map(|_| contract::usage::record(account.id, key.id, "glm-4.7", 1_000)).collect();
            store.usage_append(&records).await.unwrap();
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }

    let store = &stores[0];
    assert_eq!(store.account_list(None, 1_000).await.unwrap().len(), 64);
    assert_eq!(store.key_list(None, None, 1_000).await.unwrap().len(), 64);
    assert_eq!(store.usage_list(&UsageQuery::default(), 1_000).await.unwrap().len(), 320);
}

/// Nodes that submit at once do not get past an account's limit together.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_open_tasks_holds_for_all_nodes_together() {
    let Some(database) = TestDatabase::create().await else { return };
    let stores = nodes::<2>(&database).await;
    let first = contract::tasks::task("chat", 0);
    let submits = (0..32usize).map(|number| {
        let mut task = contract::tasks::task("chat", 0);
        task.account = first.account;
        let store = stores[number % 2].clone();
        tokio::spawn(async move { store.task_submit(&task, 5).await.unwrap() })
    });
    let answers: Vec<_> = join_all(submits).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|answer| **answer == Submission::Accepted).count(), 5);
}

/// Workers that claim at once get different tasks, and all of them.
#[tokio::test(flavor = "multi_thread")]
async fn each_task_is_claimed_once() {
    let Some(database) = TestDatabase::create().await else { return };
    let stores = nodes::<2>(&database).await;
    for _ in 0..20 {
        stores[0].task_submit(&contract::tasks::task("chat", 0), 100).await.unwrap();
    }
    let claims = (0..20usize).map(|number| {
        let store = stores[number % 2].clone();
        let lease = Lease { id: LeaseId::generate(), until: Timestamp::from_millis(60_000) };
        tokio::spawn(async move {
            store.task_claim(&["chat".to_owned()], lease, Timestamp::from_millis(1_000)).await.unwrap()
        })
    });
    let claimed: Vec<_> = join_all(claims).await.into_iter().filter_map(Result::unwrap).collect();
    let different: BTreeSet<_> = claimed.iter().map(|task| task.id.as_str()).collect();
    assert_eq!((claimed.len(), different.len()), (20, 20));
}
