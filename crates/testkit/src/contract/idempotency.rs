//! What every store of idempotency keys must do.

use accounts::{IdempotencyBegun, IdempotencyRecord, IdempotencyStore, SealedSecret};
use futures::future::join_all;
use vocab::Timestamp;

/// Runs every rule on a fresh store.
pub async fn all<S: IdempotencyStore>(fresh: impl AsyncFn() -> S) {
    the_first_writes_and_others_read_it(&fresh().await).await;
    of_several_at_once_one_writes(&fresh().await).await;
    what_is_over_counts_as_unused(&fresh().await).await;
    a_scope_has_only_so_many(&fresh().await).await;
    a_sweep_removes_what_is_over_and_nothing_else(&fresh().await).await;
}

fn record(scope: &str, key: &str, sealed: &str, expires_ms: i64) -> IdempotencyRecord {
    IdempotencyRecord {
        scope: scope.to_owned(),
        key: key.to_owned(),
        sealed: SealedSecret::from_text(sealed.to_owned()),
        expires: Timestamp::from_millis(expires_ms),
    }
}

async fn begin<S: IdempotencyStore>(store: &S, record: &IdempotencyRecord, now_ms: i64) -> IdempotencyBegun {
    let begun = store.idempotency_begin(record, Timestamp::from_millis(now_ms), 3).await;
    begun.expect("the store answers")
}

async fn the_first_writes_and_others_read_it<S: IdempotencyStore>(store: &S) {
    let first = record("per_a", "k-1; DROP TABLE", "aa", 100);
    assert_eq!(begin(store, &first, 0).await, IdempotencyBegun::Written);
    let second = record("per_a", "k-1; DROP TABLE", "bb", 200);
    assert_eq!(begin(store, &second, 1).await, IdempotencyBegun::Known(first.clone()));
    assert_eq!(
        begin(store, &record("per_b", "k-1; DROP TABLE", "cc", 100), 1).await,
        IdempotencyBegun::Written
    );

    let finished = record("per_a", "k-1; DROP TABLE", "dd", 500);
    store.idempotency_finish(&finished).await.expect("the store answers");
    assert_eq!(begin(store, &second, 499).await, IdempotencyBegun::Known(finished));

    store.idempotency_remove("per_a", "k-1; DROP TABLE").await.expect("the store answers");
    assert_eq!(begin(store, &second, 1).await, IdempotencyBegun::Written);
}

async fn of_several_at_once_one_writes<S: IdempotencyStore>(store: &S) {
    let records: Vec<_> = (0..8).map(|number| record("per_a", "same", &number.to_string(), 100)).collect();
    let begun = join_all(records.iter().map(|record| begin(store, record, 0))).await;
    assert_eq!(begun.iter().filter(|begun| **begun == IdempotencyBegun::Written).count(), 1);
    assert!(begun.iter().all(|begun| *begun != IdempotencyBegun::Full));
}

async fn what_is_over_counts_as_unused<S: IdempotencyStore>(store: &S) {
    assert_eq!(begin(store, &record("per_a", "k", "aa", 100), 0).await, IdempotencyBegun::Written);
    let again = record("per_a", "k", "bb", 200);
    assert_eq!(begin(store, &again, 100).await, IdempotencyBegun::Written);
    assert_eq!(begin(store, &record("per_a", "k", "cc", 300), 101).await, IdempotencyBegun::Known(again));
}

async fn a_scope_has_only_so_many<S: IdempotencyStore>(store: &S) {
    for key in ["1", "2", "3"] {
        assert_eq!(begin(store, &record("per_a", key, "aa", 100), 0).await, IdempotencyBegun::Written);
    }
    assert_eq!(begin(store, &record("per_a", "4", "aa", 100), 0).await, IdempotencyBegun::Full);
    assert!(matches!(begin(store, &record("per_a", "3", "aa", 100), 0).await, IdempotencyBegun::Known(_)));
    assert_eq!(begin(store, &record("per_b", "4", "aa", 100), 0).await, IdempotencyBegun::Written);
    assert_eq!(begin(store, &record("per_a", "4", "aa", 300), 100).await, IdempotencyBegun::Written);
}

async fn a_sweep_removes_what_is_over_and_nothing_else<S: IdempotencyStore>(store: &S) {
    for (key, expires) in [("1", 100), ("2", 100), ("3", 101)] {
        assert_eq!(begin(store, &record("per_a", key, "aa", expires), 0).await, IdempotencyBegun::Written);
    }
    let sweep = async |limit| {
        let swept = store.idempotency_expire(Timestamp::from_millis(100), limit).await;
        swept.expect("the store answers")
    };
    assert_eq!((sweep(1).await, sweep(10).await, sweep(10).await), (1, 1, 0));
    assert!(matches!(begin(store, &record("per_a", "3", "bb", 200), 100).await, IdempotencyBegun::Known(_)));
}
