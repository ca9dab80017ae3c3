//! What is used and what it costs (rules BILL-17, BILL-18).

use gateway::UsageLog;
use serde_json::json;
use testkit::TestApp;
use vocab::Secret;

use crate::User;

/// One chat with a key of the account, and its request's id.
async fn chat(app: &TestApp, user: &User<'_>, account: vocab::AccountId) -> String {
    let key = user.post(&format!("/accounts/{account}/keys"), &json!({"name": "k"})).await.ok();
    let body = json!({"model": "glm-4.7", "messages": [{"role": "user", "content": "Hi"}]});
    let key = Secret::new(key["text"].as_str().unwrap());
    let response = app.chat_through("paas", &key, &body).await;
    assert_eq!(response.status(), 200);
    response.headers()["x-request-id"].to_str().unwrap().to_owned()
}

/// BILL-18: grants and deductions appear in the transaction history with kind, amount and time.
#[tokio::test]
async fn a_request_is_explained_line_by_line_and_stands_in_the_history() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    app.house.top_up(account, "1").await;
    let id = chat(&app, &ana, account).await;
    app.usage().await;
    let path = format!("/accounts/{account}");

    let explained = ana.get(&format!("{path}/usage/requests/{id}")).await.ok();
    let charge = &explained["charge"];
    assert_eq!(charge["is_explained"], true, "{explained}");
    let amount = |text: &serde_json::Value| text.as_str().unwrap().parse::<vocab::NanoUsd>().unwrap();
    let lines = charge["lines"].as_array().unwrap();
    assert!(!lines.is_empty());
    assert_eq!(
        lines.iter().map(|line| amount(&line["amount"])).sum::<vocab::NanoUsd>(),
        amount(&charge["cost"])
    );
    assert!(amount(&charge["charged"]).is_positive());

    let requests = ana.get(&format!("{path}/usage/requests")).await.ok();
    assert_eq!(requests["items"][0]["id"], json!(id));
    let entries = ana.get(&format!("{path}/wallet/entries")).await.ok();
    let entries = entries["items"].as_array().unwrap();
    assert!(
        entries.iter().any(|entry| entry["kind"] == "settle")
            && entries.iter().any(|entry| entry["kind"] == "top_up")
    );
    for entry in entries {
        let postings = entry["postings"].as_array().unwrap();
        let sum: vocab::NanoUsd = postings.iter().map(|posting| amount(&posting["amount"])).sum();
        assert_eq!(sum, vocab::NanoUsd::ZERO, "{entry}");
    }
    let wallet = ana.get(&format!("{path}/wallet")).await.ok();
    let all =
        ["cash", "credits", "held"].map(|part| amount(&wallet[part])).into_iter().sum::<vocab::NanoUsd>();
    assert_eq!(all, "1".parse::<vocab::NanoUsd>().unwrap().checked_sub(amount(&charge["charged"])).unwrap());

    let nobodys = "20260101000000ffffffffffffffff";
    assert_eq!(ana.get(&format!("{path}/usage/requests/{nobodys}")).await.status, 404);
    assert_eq!(ana.get(&format!("{path}/usage/requests/nonsense")).await.status, 404);
}

/// A list of many requests is read page by page, from the newest on, and ends.
#[tokio::test]
async fn requests_are_read_in_pages() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    app.house.top_up(account, "1").await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.insert(0, chat(&app, &ana, account).await);
    }
    app.usage().await;
    let path = format!("/accounts/{account}/usage/requests?limit=2");
    let page = |body: &serde_json::Value| {
        let items = body["items"].as_array().unwrap();
        let ids: Vec<_> = items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
        (ids, body["next_cursor"].as_str().map(ToOwned::to_owned))
    };
    let (mut read, cursor) = page(&ana.get(&path).await.ok());
    assert_eq!(read.len(), 2);
    let (rest, end) = page(&ana.get(&format!("{path}&cursor={}", cursor.unwrap())).await.ok());
    read.extend(rest);
    read.sort();
    ids.sort();
    assert_eq!((read, end), (ids, None));
    assert_eq!(ana.get(&format!("{path}&cursor=nonsense")).await.refusal(), (422, "invalid_field"));
}

/// DATA-14: when a request's record was kept long enough and is gone, its account still sees what it cost.
#[tokio::test]
async fn a_charge_says_that_its_record_was_deleted() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    app.house.top_up(account, "1").await;
    let id = chat(&app, &ana, account).await;
    app.usage().await;
    let path = format!("/accounts/{account}/usage/requests/{id}");
    let before = ana.get(&path).await.ok();
    let far_off = vocab::Timestamp::from_millis(i64::MAX);
    assert_eq!(app.house.usage.usage_purge(far_off, 10).await.unwrap(), 1);

    let after = ana.get(&path).await.ok();
    assert_eq!(after["request"], json!(null));
    assert_eq!(after["charge"]["charged"], before["charge"]["charged"]);
    assert_eq!((&after["charge"]["lines"], &after["charge"]["is_explained"]), (&json!([]), &json!(false)));
    let (ben, bens) = User::owner(&app, "ben@example.com").await;
    assert_eq!(ben.get(&format!("/accounts/{bens}/usage/requests/{id}")).await.status, 404);
}

/// BILL-17: the statement ends yesterday, while the sums of usage have today; the table is for spreadsheets.
#[tokio::test]
async fn today_is_in_the_sums_and_not_in_the_statement() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    app.house.top_up(account, "1").await;
    chat(&app, &ana, account).await;
    app.usage().await;
    app.house.console.statements.roll_up().await.unwrap();
    let path = format!("/accounts/{account}");

    let daily = ana.get(&format!("{path}/usage/daily")).await.ok();
    assert_eq!((&daily["items"][0]["requests"], &daily["items"][0]["model"]), (&json!(1), &json!("glm-4.7")));
    let today = daily["items"][0]["day"].as_str().unwrap();
    let statement = ana.get(&format!("{path}/statements")).await.ok();
    assert_eq!(statement["items"], json!([]));
    assert!(statement["last_day"].as_str().unwrap() < today);

    let table = ana.get(&format!("{path}/usage/daily.csv")).await.ok();
    let table: Vec<_> = table.as_str().unwrap().split_terminator("\r\n").collect();
    assert_eq!(table.len(), 2);
    assert!(table[0].starts_with("day,account,key,model,requests,"));
    assert!(table[1].starts_with(&format!("{today},{account},key_")), "{}", table[1]);

    assert_eq!(
        ana.get(&format!("{path}/usage/daily?until={today}")).await.ok()["items"].as_array().unwrap().len(),
        1
    );
    assert_eq!(ana.get(&format!("{path}/usage/daily?until=2020-01-01")).await.ok()["items"], json!([]));
    assert_eq!(
        ana.get(&format!("{path}/usage/daily?since=yesterday")).await.refusal(),
        (422, "invalid_field")
    );
}
