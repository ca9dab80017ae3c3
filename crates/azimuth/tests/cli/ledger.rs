//! Proofs: what is stored explains what was charged, and what somebody changed behind the program's back is found.

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, Executor, SqliteConnection};
use vocab::NanoUsd;

use crate::Installation;

fn usd(value: &Value) -> NanoUsd {
    value.as_str().expect("an amount is a text").parse().expect("an amount")
}

/// BILL-01, BILL-02: every line is exactly its price times its count, and the lines are what was charged.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_explained_line_by_line_and_the_books_are_right() {
    let installation = Installation::new();
    let server = installation.serve(&[]);
    let (account, key) = installation.newcomer();
    installation.set_price("0.6", "2.2");
    installation.json(&["admin", "topup", &account, "3", "--reference", "first", "--json"]);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(server.code(&key, "Hi").await.0, 200);

    let request = installation.request_of(&account, &[]).await;
    let explained = installation.json(&["ledger", "explain", &request, "--json"]);
    let lines = explained["lines"].as_array().unwrap();
    assert!(lines.len() >= 2, "{explained}");
    for line in lines {
        let count = line["quantity"].as_u64().unwrap();
        assert_eq!(usd(&line["unit_price_usd"]).checked_mul(count), Some(usd(&line["amount_usd"])), "{line}");
    }
    let sum = NanoUsd::checked_sum(lines.iter().map(|line| usd(&line["amount_usd"]))).unwrap();
    assert!(sum.is_positive());
    assert_eq!((sum, sum), (usd(&explained["cost_usd"]), usd(&explained["charged_usd"])));
    let told = installation.run(&["ledger", "explain", &request]);
    assert!(told.status.success());
    assert!(String::from_utf8(told.stdout).unwrap().contains("The sum is what the request cost."));

    // What was paid in is in cash, set aside for the server, or earned.
    let entries = installation.json(&["ledger", "entries", &account, "--json"]);
    let moved = |book: &str| {
        let postings =
            entries.as_array().unwrap().iter().flat_map(|entry| entry["postings"].as_array().unwrap());
        NanoUsd::checked_sum(postings.filter(|one| one["book"] == book).map(|one| usd(&one["usd"]))).unwrap()
    };
    assert_eq!(moved("payments"), -usd(&json!("3")));
    assert_eq!(moved("revenue"), sum);
    assert_eq!(
        NanoUsd::checked_sum([moved("cash"), moved("held"), moved("revenue")]),
        Some(usd(&json!("3")))
    );

    let verified = installation.json(&["ledger", "verify", "--json"]);
    assert_eq!((&verified["is_clean"], &verified["counted"]["settled requests"]), (&json!(true), &json!(1)));
    assert!(verified["findings"].as_array().unwrap().iter().all(|finding| finding["holds"] == true));
}

/// DATA-14: what a request cost is told for as long as there are books, also when its record is gone, and then why there
/// are no lines.
#[tokio::test(flavor = "multi_thread")]
async fn a_charge_is_told_when_its_record_was_deleted() {
    let installation = Installation::new();
    let server = installation.serve(&[]);
    let (account, key) = installation.newcomer();
    installation.set_price("0.6", "2.2");
    installation.json(&["admin", "topup", &account, "3", "--reference", "first", "--json"]);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert_eq!(server.code(&key, "Hi").await.0, 200);
    let request = installation.request_of(&account, &[]).await;
    let before = installation.json(&["ledger", "explain", &request, "--json"]);

    let options = SqliteConnectOptions::new().filename(installation.data().join("azimuth.db"));
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    database.execute("DELETE FROM usage_record").await.unwrap();
    database.close().await.unwrap();
    let after = installation.json(&["ledger", "explain", &request, "--json"]);
    assert_eq!(after["record_deleted"], true);
    assert_eq!((&after["charged_usd"], &after["entry"]), (&before["charged_usd"], &before["entry"]));
    let told = installation.run(&["ledger", "explain", &request]);
    assert!(String::from_utf8(told.stdout).unwrap().contains("retention.usage_days"));
    assert!(installation.json(&["ledger", "verify", "--json"])["is_clean"].as_bool().unwrap());
}

/// BILL-03, BILL-23: a request that nobody pays for is explained too.
#[tokio::test(flavor = "multi_thread")]
async fn a_free_request_is_explained_as_free() {
    let installation = Installation::new();
    let server = installation.serve(&[]);
    let (account, key) = installation.newcomer();
    assert_eq!(server.code(&key, "Hi").await.0, 200);
    let request = installation.request_of(&account, &[]).await;
    let explained = installation.json(&["ledger", "explain", &request, "--json"]);
    assert_eq!((&explained["paid_by"], &explained["adds_up"]), (&Value::Null, &json!(true)));
    assert!(explained["why"].as_str().unwrap().contains("no price"));
}

/// Who changes a balance in the database itself is found out, and a script notices by the exit status.
#[tokio::test(flavor = "multi_thread")]
async fn a_balance_that_was_changed_by_hand_is_found() {
    let installation = Installation::new();
    let (account, _) = installation.newcomer();
    installation.json(&["admin", "topup", &account, "3", "--reference", "first", "--json"]);
    assert!(installation.run(&["ledger", "verify"]).status.success());

    let options = SqliteConnectOptions::new().filename(installation.data().join("azimuth.db"));
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    database.execute("UPDATE ledger_account SET cash = cash + 1000000000").await.unwrap();
    database.close().await.unwrap();

    let output = installation.run(&["ledger", "verify"]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("BROKEN  the cash of each account") && told.contains(&account), "{told}");
    let output = installation.run(&["ledger", "verify", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["is_clean"], false);
}
