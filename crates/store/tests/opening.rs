//! Opening a database: what is made, and what is said when it cannot be used.

use accounts::AccountStore;
use store::{OpenError, Store};
use testkit::contract;

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("azimuth.db")).await.unwrap();
    store.account_insert(&contract::accounts::account("Ana")).await.unwrap();
    let mut seen = 0;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?} is {mode:o}", file.file_name());
        seen += 1;
    }
    assert!(seen >= 2, "the database and its log");
}

#[tokio::test]
async fn a_closed_store_opens_again_with_everything_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("azimuth.db");
    let account = contract::accounts::account("Ana");
    let store = Store::open(&path).await.unwrap();
    store.account_insert(&account).await.unwrap();
    store.close().await;
    assert!(store.account_find(account.id).await.is_err(), "closed is closed");

    let store = Store::open(&path).await.unwrap();
    assert_eq!(store.account_find(account.id).await.unwrap(), Some(account));
}

#[tokio::test]
async fn what_is_not_a_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    let notes = "not a database ".repeat(1_000);
    std::fs::write(&path, &notes).unwrap();
    let error = Store::open(&path).await.unwrap_err();
    assert!(matches!(error, OpenError::Database { .. } | OpenError::Migration { .. }), "{error:?}");
    assert!(error.to_string().contains("notes.txt"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), notes);
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Store::open(folder.path().join("nowhere").join("azimuth.db")).await.unwrap_err();
    assert!(matches!(error, OpenError::File { .. }), "{error:?}");
    assert!(error.to_string().contains("nowhere"));
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("azimuth.db");
    Store::open(&path).await.unwrap().close().await;

    let pool = sqlx::SqlitePool::connect(path.to_str().unwrap()).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', TRUE, x'00', 0)",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;

    let error = Store::open(&path).await.unwrap_err();
    assert!(matches!(error, OpenError::Migration { .. }), "{error:?}");
}
