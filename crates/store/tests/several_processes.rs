//! One file, several processes. Two `Store`s opened on the same path share nothing but the file, as two
//! processes would.

use std::sync::Arc;
use std::time::{Duration, Instant};

use accounts::{AccountStore, Accounts, AuthError, Keys, Seal};
use futures::future::join_all;
use gateway::{UsageLog, UsageQuery};
use store::Store;
use tasks::{Submission, TaskQueue};
use testkit::contract;
use vocab::{AccountId, KeyId, SystemClock};

const MASTER: [u8; 32] = [7; 32];

fn keys(store: &Store) -> Keys {
    Keys::new(Arc::new(store.clone()), Seal::from_bytes(&MASTER), Arc::new(SystemClock))
}

/// AUTH-08: `azimuth keys revoke` in another process ends a key here within a second.
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_by_another_process_is_noticed_within_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("azimuth.db");
    let (server, command) = (Store::open(&path).await.unwrap(), Store::open(&path).await.unwrap());
    let (server, command) = (keys(&server), (keys(&command), command));
    let account = contract::accounts::account("Ana");
    command.1.account_insert(&account).await.unwrap();

    let (key, text) = command.0.create(account.id, "laptop", None).await.unwrap();
    assert_eq!(server.authenticate(text.expose()).await.unwrap().key, key.id);
    assert!(command.0.revoke(key.id).await.unwrap());
    let revoked = Instant::now();

    let refused = loop {
        let arrived = Instant::now();
        match server.authenticate(text.expose()).await {
            Ok(_) => assert!(arrived - revoked <= Duration::from_secs(1), "the key still works"),
            Err(refused) => break refused,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(matches!(refused, AuthError::Invalid));
}

/// Several processes that start on an empty folder at once agree on one operator and print one first key.
#[tokio::test(flavor = "multi_thread")]
async fn several_first_starts_make_one_operator() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("azimuth.db");
    // Opening creates and migrates, so this also races the migrations.
    let starts = (0..8).map(|_| async {
        let store = Store::open(&path).await.unwrap();
        let keys = Arc::new(keys(&store));
        let accounts = Accounts::new(Arc::new(store), keys, Arc::new(SystemClock));
        accounts.ensure_operator().await.unwrap()
    });
    let operators = join_all(starts).await;

    let first_keys: Vec<_> = operators.iter().filter_map(|operator| operator.first_key.as_ref()).collect();
    assert_eq!(first_keys.len(), 1);
    assert!(operators.iter().all(|operator| operator.account == operators[0].account));
    let caller =
        keys(&Store::open(&path).await.unwrap()).authenticate(first_keys[0].1.expose()).await.unwrap();
    assert!(caller.is_operator);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_writers_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("azimuth.db");
    let stores = [Store::open(&path).await.unwrap(), Store::open(&path).await.unwrap()];

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
            let task = contract::tasks::task("chat", 0);
            assert_eq!(store.task_submit(&task, 10).await.unwrap(), Submission::Accepted);
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

/// What was acknowledged is there after a kill: the copy is what the disk holds at that moment, with no
/// chance for the store to tidy up.
#[tokio::test]
async fn a_kill_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("azimuth.db");
    let store = Store::open(&path).await.unwrap();
    let account = contract::accounts::account("Ana");
    store.account_insert(&account).await.unwrap();
    let key = contract::accounts::key(&account, "laptop");
    store.key_insert(&key).await.unwrap();
    let records: Vec<_> =
        (0..700).map(|n| contract::usage::record(account.id, key.id, "glm-4.7", 10_000 - n)).collect();
    store.usage_append(&records).await.unwrap();
    let task = contract::tasks::task("chat", 0);
    store.task_submit(&task, 10).await.unwrap();

    let copy = folder.path().join("copy.db");
    for suffix in ["", "-wal"] {
        let from = folder.path().join(format!("azimuth.db{suffix}"));
        std::fs::copy(from, folder.path().join(format!("copy.db{suffix}"))).unwrap();
    }

    let reopened = Store::open(&copy).await.unwrap();
    assert_eq!(reopened.key_find(key.id).await.unwrap(), Some(key));
    assert_eq!(reopened.usage_list(&UsageQuery::default(), 1_000).await.unwrap(), records);
    assert!(reopened.task_find(task.account, &task.id).await.unwrap() == Some(task));
}

/// A batch is kept whole or not at all, also when the writer is dropped in the middle of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_batch_leaves_all_or_nothing_and_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("azimuth.db")).await.unwrap();
    let (account, key) = (AccountId::generate(), KeyId::generate());
    for round in 0..10u64 {
        let started = i64::try_from(round).unwrap() * 10_000;
        let records: Vec<_> =
            (0..2_000).map(|n| contract::usage::record(account, key, "glm-4.7", started + n)).collect();
        let append = store.usage_append(&records);
        let _ = tokio::time::timeout(Duration::from_millis(2 * round), append).await;
    }
    let kept = store.usage_list(&UsageQuery::default(), 100_000).await.unwrap().len();
    assert_eq!(kept % 2_000, 0);
    store.usage_append(&[contract::usage::record(account, key, "glm-4.7", 1)]).await.unwrap();
}
