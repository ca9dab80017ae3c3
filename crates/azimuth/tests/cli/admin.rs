//! The operator on the command line, beside a running server: what is changed here holds there within a second or two.

mod documents;

use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Installation, Server};

impl Installation {
    /// An account and a key of it.
    pub(crate) fn newcomer(&self) -> (String, String) {
        let account = self.json(&["admin", "accounts", "create", "Ana's team", "--json"]);
        let id = account["id"].as_str().expect("an id").to_owned();
        let key = self.json(&["admin", "keys", "create", "--account", &id, "--json"]);
        (id, key["api_key"].as_str().expect("a key").to_owned())
    }

    /// Gives `azimuth-demo` a price, in dollars for a million tokens in and out, and says which version that is.
    pub(crate) fn set_price(&self, input: &str, output: &str) -> i64 {
        let mut prices = self.json(&["admin", "show", "prices", "--json"])["body"].take();
        prices["models"]["azimuth-demo"] = json!({ "input": input, "output": output });
        let set = self.json(&["admin", "set", "prices", &self.write("prices.json", &prices), "--json"]);
        set["version"].as_i64().expect("a version")
    }

    pub(crate) fn write(&self, name: &str, value: &Value) -> String {
        let path = self.data().join(name);
        std::fs::write(&path, value.to_string()).expect("writable");
        path.to_str().expect("UTF-8").to_owned()
    }

    /// What the program says when it refuses.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let Output { status, stderr, .. } = self.run(arguments);
        assert!(!status.success(), "{arguments:?}");
        String::from_utf8(stderr).expect("UTF-8")
    }

    /// The newest usage record of `account` after those in `seen`, once it is written.
    pub(crate) async fn request_of(&self, account: &str, seen: &[String]) -> String {
        let of_account = |record: &&Value| record["account"] == account;
        let mut found = None;
        soon("the request is recorded", async || {
            let records = self.json(&["usage", "--requests", "--json"]);
            let records: Vec<_> =
                records.as_array().into_iter().flatten().filter(of_account).cloned().collect();
            let id = |record: &Value| record["request"].as_str().expect("an id").to_owned();
            found = records.iter().map(id).find(|request| !seen.contains(request));
            found.is_some()
        })
        .await;
        found.expect("it was found")
    }
}

impl Server {
    pub(crate) async fn code(&self, key: &str, text: &str) -> (u16, String) {
        let response = self.chat(key, text).await;
        let status = response.status().as_u16();
        let body: Value = response.json().await.expect("JSON");
        (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
    }

    async fn code_at_the_coding_door(&self, key: &str) -> (u16, String) {
        let body = json!({
            "model": "azimuth-demo", "max_tokens": 8, "thinking": {"type": "disabled"},
            "messages": [{"role": "user", "content": "Hi"}],
        });
        let url = format!("{}/api/coding/paas/v4/chat/completions", self.base_url);
        let sent = reqwest::Client::new().post(url).bearer_auth(key).body(body.to_string()).send().await;
        let response = sent.expect("the server answers");
        let status = response.status().as_u16();
        let body: Value = response.json().await.expect("JSON");
        (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
    }
}

/// Asks again until it is so.
pub(crate) async fn soon(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so().await {
        assert!(Instant::now() < deadline, "not so after a while: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// BILL-10, BILL-15: an account is made, gets a key and money, and pays for what it uses; credits go first.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_and_pays_for_what_it_uses() {
    let installation = Installation::new();
    installation.set_price("100", "200");
    let server = installation.serve(&[]);
    let (account, key) = installation.newcomer();
    assert_eq!(server.code(&key, "Hi").await, (429, "1113".to_owned()), "nothing is paid in");

    let paid = installation.json(&["admin", "topup", &account, "10", "--reference", "invoice 7", "--json"]);
    assert_eq!((&paid["cash_usd"], &paid["applied"]), (&json!("10.00"), &json!(true)));
    let again = installation.json(&["admin", "topup", &account, "10", "--reference", "invoice 7", "--json"]);
    assert_eq!((&again["cash_usd"], &again["applied"]), (&json!("10.00"), &json!(false)));
    assert!(
        installation
            .refused(&["admin", "topup", &account, "11", "--reference", "invoice 7"])
            .contains("invoice 7")
    );
    installation.json(&[
        "admin",
        "credits",
        &account,
        "0.000001",
        "--expires-days",
        "30",
        "--note",
        "hi",
        "--json",
    ]);

    soon("the money is noticed", async || server.code(&key, "Hi").await.0 == 200).await;
    let request = installation.request_of(&account, &[]).await;
    let explained = installation.json(&["ledger", "explain", &request, "--json"]);
    assert_eq!(explained["from_credits_usd"], "0.000001");
    let charged = explained["charged_usd"].as_str().unwrap();

    // The rollup is brought up to date by whoever asks.
    let report = installation.json(&["admin", "usage", "--account", &account, "--json"]);
    assert_eq!((&report[0]["requests"], report[0]["charged_usd"].as_str()), (&json!(1), Some(charged)));
    let csv = String::from_utf8(installation.run(&["admin", "usage", "--csv"]).stdout).unwrap();
    assert!(csv.starts_with("day,account,key,model,requests,"), "{csv}");
    assert!(csv.contains(&account) && csv.contains(charged), "{csv}");

    // BILL-19: what is given back is given back once.
    let refund = ["admin", "refund", &request, "0.000001", "--reference", "complaint 1", "--json"];
    assert_eq!(installation.json(&refund)["refunded_usd"], "0.000001");
    assert_eq!(installation.json(&refund)["refunded_usd"], "0.000001");
    assert!(
        installation
            .refused(&["admin", "refund", &request, "5", "--reference", "complaint 2"])
            .contains("left to give back")
    );
    assert_eq!(installation.json(&["ledger", "verify", "--json"])["is_clean"], true);

    let seen = installation.json(&["admin", "accounts", "show", &account, "--json"]);
    assert_eq!(seen["keys"].as_array().unwrap().len(), 1);
    assert!(!seen.to_string().contains(key.split('.').nth(1).unwrap()), "secrets are never shown again");
    let log = installation.json(&["admin", "audit", "--account", &account, "--json"]);
    let done: Vec<&str> =
        log.as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(
        done,
        ["balance.refund", "balance.grant", "balance.top_up", "key.create", "account.create"],
        "what changed nothing is not an act"
    );
}

/// ENDP-05, PLAN-04, QUOTA-10: a plan that the operator grants opens the coding door, and is counted; ending it shuts it.
#[tokio::test(flavor = "multi_thread")]
async fn a_granted_plan_opens_the_coding_door() {
    let installation = Installation::new();
    let server = installation.serve(&[]);
    let (account, key) = installation.newcomer();
    assert_eq!(server.code_at_the_coding_door(&key).await.0, 429);

    let unknown = installation.refused(&["admin", "plan", "grant", &account, "gold"]);
    assert!(unknown.contains("lite, pro, max"), "{unknown}");
    let held = installation.json(&["admin", "plan", "grant", &account, "lite", "--months", "3", "--json"]);
    assert_eq!(held["state"], "active");
    soon("the plan holds", async || server.code_at_the_coding_door(&key).await.0 == 200).await;

    let request = installation.request_of(&account, &[]).await;
    let explained = installation.json(&["ledger", "explain", &request, "--json"]);
    assert_eq!((&explained["paid_by"], &explained["plan"]), (&json!("plan"), &json!("lite")));
    let units = explained["units"].as_i64().unwrap();
    assert!(units > 0);
    assert_eq!(explained["windows"][0]["window"], "week");
    let windows =
        || installation.json(&["admin", "accounts", "show", &account, "--json"])["plan"]["windows"].take();
    assert_eq!((&windows()[0]["used_units"], &windows()[1]["used_units"]), (&json!(units), &json!(units)));

    let subscription = held["id"].as_str().unwrap();
    installation.json(&["admin", "plan", "reset", subscription, "--json"]);
    assert_eq!((&windows()[0]["used_units"], &windows()[1]["used_units"]), (&json!(0), &json!(0)));
    assert_eq!(installation.json(&["admin", "plan", "end", subscription, "--json"])["ended"], true);
    assert_eq!(installation.json(&["admin", "plan", "end", subscription, "--json"])["ended"], false);
    soon("the plan is over", async || server.code_at_the_coding_door(&key).await.0 == 429).await;
    assert_eq!(installation.json(&["ledger", "verify", "--json"])["is_clean"], true);
}

/// AUTH-09, USE-10: locked is refused, released goes on; an end user is kept out alone.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_locked_and_end_users_kept_out() {
    let installation = Installation::new();
    let server = installation.serve(&[]);
    let (account, key) = installation.newcomer();
    assert_eq!(server.code(&key, "Hi").await.0, 200);

    assert_eq!(installation.json(&["admin", "accounts", "lock", &account, "--json"])["state"], "locked");
    soon("it is locked", async || server.code(&key, "Hi").await == (429, "1112".to_owned())).await;
    assert!(installation.refused(&["admin", "accounts", "lock", &account]).contains("locked"));
    installation.json(&["admin", "accounts", "release", &account, "--json"]);
    soon("it goes on", async || server.code(&key, "Hi").await.0 == 200).await;

    installation.json(&["admin", "users", "block", &account, "bad-user-1", "--note", "spam", "--json"]);
    assert_eq!(installation.json(&["admin", "users", "list", &account, "--json"])[0]["note"], "spam");
    let of = async |user: &str| {
        let body = json!({"model": "azimuth-demo", "max_tokens": 4, "user_id": user,
            "messages": [{"role": "user", "content": "Hi"}]});
        let url = format!("{}/api/paas/v4/chat/completions", server.base_url);
        let sent = reqwest::Client::new().post(url).bearer_auth(&key).body(body.to_string()).send().await;
        sent.unwrap().status().as_u16()
    };
    soon("the end user is kept out", async || of("bad-user-1").await == 429).await;
    assert_eq!(of("good-user").await, 200);
    assert_eq!(
        installation.json(&["admin", "users", "unblock", &account, "bad-user-1", "--json"])["changed"],
        true
    );

    let operator = installation.json(&["admin", "accounts", "list", "--json"])[0]["id"].take();
    assert!(
        installation.refused(&["admin", "accounts", "lock", operator.as_str().unwrap()]).contains("operator")
    );
    assert!(installation.refused(&["admin", "accounts", "close", &account]).contains("--yes"));
    installation.json(&["admin", "accounts", "close", &account, "--yes", "--json"]);
    soon("it is over", async || server.code(&key, "Hi").await.1 == "1111").await;
}

/// USE-05, USE-08: a case is opened, struck and taken back, and the account stands as before; every step is in the log.
#[test]
fn a_strike_is_given_and_taken_back() {
    let installation = Installation::new();
    let (account, _) = installation.newcomer();
    let case = installation.json(&[
        "admin",
        "cases",
        "open",
        &account,
        "--cause",
        "resale",
        "--note",
        "sold on a market",
        "--json",
    ]);
    let id = case["id"].as_str().unwrap();
    assert_eq!(installation.json(&["admin", "cases", "list", "--json"])[0]["id"], id);
    let struck = installation.json(&["admin", "cases", "strike", id, "--reason", "seen", "--json"]);
    assert_eq!((&struck["state"], &struck["measure"]), (&json!("struck"), &json!("throttle")));
    let shown = || installation.json(&["admin", "accounts", "show", &account, "--json"]);
    assert_eq!((&shown()["strikes"], &shown()["restriction"]["kind"]), (&json!(1), &json!("throttled")));

    assert!(
        installation.refused(&["admin", "cases", "confirm", id, "--reason", "x"]).contains("as it stands")
    );
    installation.json(&["admin", "cases", "appeal", id, "--words", "it was our sister company", "--json"]);
    assert_eq!(installation.json(&["admin", "cases", "list", "--json"])[0]["state"], "appealed");
    let lifted = installation.json(&["admin", "cases", "lift", id, "--reason", "it was", "--json"]);
    assert_eq!((&lifted["state"], &lifted["decision"]["words"]), (&json!("lifted"), &json!("it was")));
    assert_eq!((&shown()["strikes"], &shown()["restriction"]), (&json!(0), &Value::Null));
    let log = installation.json(&["admin", "audit", "--account", &account, "--json"]);
    let done: Vec<&str> =
        log.as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(done[..4], ["case.lift", "case.appeal", "case.strike", "case.open"]);
}

/// AUTH-05: a key is made for some doors, models and networks, lives for a time, and is replaced and revoked.
#[test]
fn a_key_is_limited_replaced_and_revoked() {
    let installation = Installation::new();
    let (account, _) = installation.newcomer();
    let made = installation.json(&[
        "admin",
        "keys",
        "create",
        "--account",
        &account,
        "--name",
        "ci",
        "--expires-days",
        "7",
        "--door",
        "coding",
        "--model",
        "glm-4.7",
        "--address",
        "10.0.0.0/8",
        "--monthly-usd",
        "5",
        "--json",
    ]);
    assert_eq!(
        made["scope"],
        json!({"doors": ["coding"], "models": ["glm-4.7"], "addresses": ["10.0.0.0/8"]})
    );
    assert_eq!(made["monthly_usd"], "5.00");
    let id = made["id"].as_str().unwrap();
    let next = installation.json(&["admin", "keys", "rotate", id, "--overlap-hours", "1", "--json"]);
    assert_eq!((&next["successor_of"], &next["scope"]), (&made["id"], &made["scope"]));
    assert_eq!(installation.json(&["admin", "keys", "revoke", id, "--json"])["was_alive"], true);
    assert_eq!(installation.json(&["admin", "keys", "revoke", id, "--json"])["was_alive"], false);
    let listed = installation.json(&["admin", "keys", "list", "--account", &account, "--json"]);
    assert_eq!(listed.as_array().unwrap().len(), 3);
    let wrong = ["admin", "keys", "create", "--account", &account, "--address", "here"];
    assert!(installation.refused(&wrong).contains("10.0.0.0/8"));
}

/// RATE-01: limits of an account's own are laid over each other, and taken away together.
#[test]
fn an_account_gets_limits_of_its_own() {
    let installation = Installation::new();
    let (account, _) = installation.newcomer();
    let rates = |more: &[&str]| {
        let asked = [&["admin", "accounts", "rates", &account, "--json"], more].concat();
        installation.json(&asked)["rates"].take()
    };
    assert_eq!(rates(&["--concurrency", "2"]), json!({"concurrency": 2}));
    assert_eq!(rates(&["--tokens-per-minute", "900"]), json!({"concurrency": 2, "tokens_per_minute": 900}));
    assert_eq!(rates(&["--clear", "--requests-per-day", "5"]), json!({"requests_per_day": 5}));
    assert_eq!(rates(&["--clear"]), json!({}));
}

/// What is typed wrong is told with what is right.
#[test]
fn mistakes_are_told_with_what_to_do() {
    let installation = Installation::new();
    let nobody = format!("acct_{}", "0".repeat(32));
    let told = [
        (vec!["admin", "topup", "ana", "5", "--reference", "r"], "acct_"),
        (vec!["admin", "topup", &nobody, "5", "--reference", "r"], "admin accounts list"),
        (vec!["admin", "topup", &nobody, "5e3", "--reference", "r"], "nine decimals"),
        (vec!["admin", "topup", &nobody, "5"], "--reference"),
        (vec!["admin", "show", "price"], "prices"),
        (vec!["admin", "usage", "--csv", "--json"], "cannot be combined"),
        (vec!["admin", "plan", "end", "sub_1"], "sub_"),
        (vec!["ledger", "explain", "req-1"], "usage --requests"),
        (vec!["ledger", "explain", "202602091759060123456789abcdef"], "usage --requests"),
        (
            vec!["admin", "refund", "202602091759060123456789abcdef", "1", "--reference", "r"],
            "ledger explain",
        ),
    ];
    for (arguments, expected) in told {
        let said = installation.refused(&arguments);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
    let completions = installation.run(&["completions", "bash"]).stdout;
    assert!(String::from_utf8(completions).unwrap().contains("overdraft"));
}
