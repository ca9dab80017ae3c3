//! What every store of operator documents must do.

use accounts::{DocumentName, DocumentStore, OperatorDocument};
use futures::future::join_all;
use serde_json::{Value, json};
use vocab::Timestamp;

/// Runs every rule on a fresh store.
pub async fn all<S: DocumentStore>(fresh: impl AsyncFn() -> S) {
    versions_come_back_as_they_went_in(&fresh().await).await;
    each_version_follows_the_last(&fresh().await).await;
    of_several_at_once_one_writes(&fresh().await).await;
    the_history_is_read_in_pages(&fresh().await).await;
}

/// A version of a document, written by Ana.
pub fn document(name: DocumentName, version: i64, body: Value) -> OperatorDocument {
    let at = Timestamp::from_millis(1_770_631_146_000 + version);
    OperatorDocument { name, version, body, at, by: "Ana".to_owned() }
}

async fn append<S: DocumentStore>(store: &S, document: &OperatorDocument) -> bool {
    store.document_append(document).await.expect("the store answers")
}

async fn versions_come_back_as_they_went_in<S: DocumentStore>(store: &S) {
    assert_eq!(store.document_versions().await.expect("the store answers"), []);
    let odd = json!({ "z": "'; --", "a": [1, null, { "ключ": "値 \u{1f980}" }], "big": i64::MAX, "": {} });
    for name in DocumentName::ALL {
        let mut written = document(name, 1, odd.clone());
        written.by = "Оля \"the operator\"".to_owned();
        assert!(append(store, &written).await);
        let found = store.document_find(name, 1).await.expect("the store answers").expect("it was written");
        assert_eq!(found, written);
        // What an operator wrote is shown in the order of writing.
        assert_eq!(found.body.to_string(), written.body.to_string());
        assert_eq!(store.document_find(name, 2).await.expect("the store answers"), None);
    }
    let mut versions = store.document_versions().await.expect("the store answers");
    versions.sort();
    assert_eq!(versions, DocumentName::ALL.map(|name| (name, 1)));
}

async fn each_version_follows_the_last<S: DocumentStore>(store: &S) {
    let version = |version, body: &str| document(DocumentName::Prices, version, json!(body));
    assert!(!append(store, &version(2, "there is no first")).await);
    assert!(!append(store, &version(0, "they begin with one")).await);
    assert!(append(store, &version(1, "first")).await);
    assert!(!append(store, &version(1, "someone else's first")).await);
    assert!(!append(store, &version(3, "one is left out")).await);
    assert!(append(store, &version(2, "second")).await);
    assert!(append(store, &document(DocumentName::Plans, 1, json!("its own"))).await);

    let mut versions = store.document_versions().await.expect("the store answers");
    versions.sort();
    assert_eq!(versions, [(DocumentName::Prices, 2), (DocumentName::Plans, 1)]);
    let first = store.document_find(DocumentName::Prices, 1).await.expect("the store answers");
    assert_eq!(first, Some(version(1, "first")), "what is written stays");
}

async fn of_several_at_once_one_writes<S: DocumentStore>(store: &S) {
    for version in 1..=5 {
        let rivals: Vec<_> =
            (0..8).map(|rival| document(DocumentName::Rates, version, json!({ "rival": rival }))).collect();
        let written = join_all(rivals.iter().map(|rival| append(store, rival))).await;
        assert_eq!(written.iter().filter(|wrote| **wrote).count(), 1, "version {version}");
        let winner = written.iter().position(|wrote| *wrote).expect("one wrote");
        let found = store.document_find(DocumentName::Rates, version).await.expect("the store answers");
        assert_eq!(found.as_ref(), Some(&rivals[winner]));
    }
}

async fn the_history_is_read_in_pages<S: DocumentStore>(store: &S) {
    for version in 1..=5 {
        assert!(append(store, &document(DocumentName::Models, version, json!(version))).await);
    }
    assert!(append(store, &document(DocumentName::Engines, 1, json!(null))).await);

    let page = async |cursor, limit| {
        let page = store.document_list(DocumentName::Models, cursor, limit).await.expect("the store answers");
        page.into_iter().map(|document| document.version).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 100).await, [5, 4, 3, 2, 1]);
    assert_eq!(page(None, 2).await, [5, 4]);
    assert_eq!(page(Some(4), 2).await, [3, 2]);
    assert_eq!(page(Some(1), 2).await, [0i64; 0]);
    assert_eq!(page(None, 0).await, [0i64; 0]);
}
