//! What somebody changed in the database with another program is found.

#![expect(clippy::unwrap_used, reason = "a helper that cannot do its part fails the test")]

use ledger::LedgerStore;
use ledger::verify::Invariant;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, Executor, SqliteConnection};
use store::Store;
use testkit::contract::ledger::{NOW, cost, credits, funded, hold};
use testkit::contract::quota::{limits, pool, slice, used};

/// Lets something of everything happen, then runs `tampering` and says which invariants are broken.
async fn found_after(tampering: &'static str) -> Vec<&'static str> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("azimuth.db");
    let store = Store::open(&path).await.unwrap();
    let account = funded(&store, 1_000).await;
    store.grant(&credits(account, 100, 0, None)).await.unwrap();
    let lease = hold(account, 300, 300);
    store.hold_open(&lease).await.unwrap();
    let pool = pool();
    let part = slice(pool, limits(100, 500), 50, 50, NOW);
    ledger::QuotaStore::slice_open(&store, &part).await.unwrap();
    let group =
        [cost(account, Some(lease.id), 120), cost(account, None, 7), used(pool, Some(part.id), 9, NOW)];
    store.settle(&group).await.unwrap();
    let ended = hold(account, 5, 5);
    store.hold_open(&ended).await.unwrap();
    store.hold_release(ended.id, NOW).await.unwrap();
    let refund = ledger::Refund {
        reference: "refund-1".to_owned(),
        request: group[1].request.clone(),
        amount: vocab::NanoUsd(3),
        credits: vocab::GrantId::generate(),
        at: NOW,
    };
    store.refund(&refund).await.unwrap();
    assert!(store.verify().await.unwrap().is_clean());

    let options = SqliteConnectOptions::new()
        .filename(&path)
        .foreign_keys(false)
        .pragma("ignore_check_constraints", "ON");
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let changed = connection.execute(tampering).await.unwrap();
    assert!(changed.rows_affected() > 0, "`{tampering}` changed nothing");
    connection.close().await.unwrap();
    let findings = store.verify().await.unwrap().findings;
    findings.iter().filter(|one| !one.broken_by.is_empty()).map(|one| one.invariant).collect()
}

#[tokio::test]
async fn tampering_is_found() {
    use Invariant as I;
    let cases: [(&str, &[Invariant]); 17] = [
        ("UPDATE ledger_account SET cash = cash + 1", &[I::CashIsPosted]),
        ("UPDATE ledger_account SET cash = -1", &[I::CashIsPosted, I::NobodyOwesMore]),
        ("DELETE FROM ledger_account", &[I::CashIsPosted]),
        ("UPDATE ledger_grant SET remaining = 101", &[I::CreditsArePosted, I::NothingBelowZero]),
        ("UPDATE ledger_hold SET opened = opened + 1", &[I::HoldsArePosted]),
        ("UPDATE ledger_hold SET closed = 1", &[I::EndedIsEmpty]),
        (
            "UPDATE ledger_hold_part SET remaining = -1",
            &[I::HoldsArePosted, I::NothingBelowZero, I::EndedIsEmpty],
        ),
        ("DELETE FROM ledger_posting WHERE book = 'payments'", &[I::EntriesAddUp, I::BooksAddUp]),
        ("DELETE FROM ledger_entry WHERE kind = 'top_up'", &[I::EntriesAddUp]),
        ("DELETE FROM ledger_entry WHERE kind = 'settle'", &[I::EntriesAddUp, I::ChargesAddUp]),
        (
            "UPDATE ledger_settlement SET charged = cost + 1 WHERE cost = 7",
            &[I::ChargedByEntry, I::ChargesAddUp],
        ),
        ("DELETE FROM ledger_settlement WHERE charged = 120", &[I::ChargesAddUp]),
        ("UPDATE ledger_settlement SET refunded = 4 WHERE refunded = 3", &[I::RefundsAddUp]),
        ("DELETE FROM ledger_refund", &[I::RefundsAddUp]),
        ("UPDATE quota_slice SET is_open = FALSE", &[I::EndedIsEmpty]),
        ("UPDATE quota_use SET settled = settled + 1", &[I::UsesWereSettled]),
        ("UPDATE quota_window SET settled = settled - 1", &[I::WindowsAddUp]),
    ];
    for (tampering, broken) in cases {
        let broken: Vec<_> = broken.iter().map(|invariant| invariant.as_str()).collect();
        assert_eq!(found_after(tampering).await, broken, "{tampering}");
    }
}
