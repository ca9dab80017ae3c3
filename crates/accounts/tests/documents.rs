//! An operator changes documents while the platform runs.

use std::sync::Arc;

use accounts::{DocumentError, DocumentName, Documents, InvalidDocument};
use serde_json::{Value, json};
use testkit::clock::ManualClock;
use testkit::memory::MemoryDocuments;

/// Documents of one node; rates must name how many.
fn node(store: &Arc<MemoryDocuments>) -> Documents {
    let has_concurrency = |body: &Value| -> Result<(), InvalidDocument> {
        body.get("concurrency").map(|_| ()).ok_or_else(|| "`concurrency` is missing".into())
    };
    Documents::new(store.clone(), Arc::new(ManualClock::default()))
        .with_validator(DocumentName::Rates, has_concurrency)
}

fn rates(concurrency: u32) -> Value {
    json!({ "concurrency": concurrency })
}

#[tokio::test]
async fn a_change_is_in_force_here_at_once_and_elsewhere_after_a_look() {
    let store = Arc::new(MemoryDocuments::default());
    let (here, elsewhere) = (node(&store), node(&store));
    assert!(here.current(DocumentName::Rates).is_none());

    let written = here.propose(DocumentName::Rates, 0, rates(5), "Ana").await.unwrap();
    assert_eq!((written.version, written.by.as_str()), (1, "Ana"));
    assert_eq!(here.current(DocumentName::Rates).unwrap().body, rates(5));
    assert!(elsewhere.current(DocumentName::Rates).is_none());

    assert_eq!(elsewhere.refresh().await.unwrap().changed, [DocumentName::Rates]);
    assert_eq!(elsewhere.current(DocumentName::Rates).unwrap().body, rates(5));
    assert!(elsewhere.refresh().await.unwrap().changed.is_empty(), "nothing happened since");
    let heard_here = here.refresh().await.unwrap().changed;
    assert_eq!(heard_here, [DocumentName::Rates], "what depends on it here is told too");
    assert!(here.refresh().await.unwrap().changed.is_empty());
}

#[tokio::test]
async fn two_operators_do_not_overwrite_each_other() {
    let store = Arc::new(MemoryDocuments::default());
    let (ana, ben) = (node(&store), node(&store));
    ana.propose(DocumentName::Rates, 0, rates(5), "Ana").await.unwrap();
    ben.refresh().await.unwrap();

    ana.propose(DocumentName::Rates, 1, rates(6), "Ana").await.unwrap();
    let refused = ben.propose(DocumentName::Rates, 1, rates(7), "Ben").await;
    assert!(matches!(refused, Err(DocumentError::Conflict { version: 2, .. })), "{refused:?}");
    assert_eq!(ben.current(DocumentName::Rates).unwrap().body, rates(5), "what was refused is not in force");
    ben.propose(DocumentName::Rates, 2, rates(7), "Ben").await.unwrap();

    let history = ana.history(DocumentName::Rates, None, 10).await.unwrap();
    let lines: Vec<_> = history.iter().map(|document| (document.version, document.by.as_str())).collect();
    assert_eq!(lines, [(3, "Ben"), (2, "Ana"), (1, "Ana")]);
    let before = ana.version(DocumentName::Rates, 1).await.unwrap().unwrap();
    assert_eq!(before.body, rates(5), "an old version can be read again");
    assert_eq!(ana.every(DocumentName::Rates).await.unwrap(), history);
}

#[tokio::test]
async fn what_cannot_be_worked_with_is_not_written() {
    let store = Arc::new(MemoryDocuments::default());
    let node = node(&store);
    let propose = async |name, body, by: &str| node.propose(name, 0, body, by).await.unwrap_err();

    let invalid = propose(DocumentName::Rates, json!({}), "Ana").await;
    assert_eq!(std::error::Error::source(&invalid).unwrap().to_string(), "`concurrency` is missing");
    let unread = propose(DocumentName::Engines, rates(5), "Ana").await;
    assert!(matches!(unread, DocumentError::NotChangeable(DocumentName::Engines)));
    let long = propose(DocumentName::Rates, json!({ "concurrency": "x".repeat(1 << 20) }), "Ana").await;
    assert!(matches!(long, DocumentError::TooLong));
    assert!(matches!(propose(DocumentName::Rates, rates(5), "").await, DocumentError::InvalidAuthor));
    assert!(node.history(DocumentName::Rates, None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_older_program_keeps_what_it_understands() {
    let store = Arc::new(MemoryDocuments::default());
    let older = node(&store);
    older.propose(DocumentName::Rates, 0, rates(5), "Ana").await.unwrap();
    older.refresh().await.unwrap();
    let newer = Documents::new(store, Arc::new(ManualClock::default()))
        .with_validator(DocumentName::Rates, |_| Ok(()));
    newer.propose(DocumentName::Rates, 1, json!({ "permits": 7 }), "Ana").await.unwrap();

    let refreshed = older.refresh().await.unwrap();
    assert!(refreshed.changed.is_empty());
    assert_eq!(refreshed.refused[0].version, 2);
    assert_eq!(older.current(DocumentName::Rates).unwrap().body, rates(5));
    assert!(older.refresh().await.unwrap().refused.is_empty(), "it is said once");

    newer.propose(DocumentName::Rates, 2, rates(9), "Ana").await.unwrap();
    assert_eq!(older.refresh().await.unwrap().changed, [DocumentName::Rates]);
    assert_eq!(older.current(DocumentName::Rates).unwrap().version, 3);
}

#[tokio::test]
async fn what_the_program_brings_is_the_first_version() {
    let store = Arc::new(MemoryDocuments::default());
    let (first, second) = (node(&store), node(&store));
    let brought = first.ensure(DocumentName::Rates, rates(5), "azimuth").await.unwrap().unwrap();
    assert_eq!((brought.version, &brought.body), (1, &rates(5)));
    let found = second.ensure(DocumentName::Rates, rates(8), "azimuth").await.unwrap().unwrap();
    assert_eq!((found.version, &found.body), (1, &rates(5)), "what is there stays");
}
