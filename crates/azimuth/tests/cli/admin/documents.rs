//! What the operator changes at run time: prices, plans, limits and rules, each version kept.

use std::time::Duration;

use serde_json::json;

use crate::Installation;

/// BILL-20: prices change while the server runs; what was charged before is still explained by the old ones.
#[tokio::test(flavor = "multi_thread")]
async fn prices_change_while_the_server_runs() {
    let installation = Installation::new();
    let server = installation.serve(&[]);
    let (account, key) = installation.newcomer();
    installation.json(&["admin", "topup", &account, "10", "--reference", "r", "--json"]);
    let first = installation.set_price("1", "1");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(server.code(&key, "Hi").await.0, 200);
    let before = installation.request_of(&account, &[]).await;

    let second = installation.set_price("7", "7");
    assert_eq!(second, first + 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(server.code(&key, "Hi").await.0, 200);
    let after = installation.request_of(&account, std::slice::from_ref(&before)).await;

    for (request, version, each) in [(&before, first, "0.000001"), (&after, second, "0.000007")] {
        let explained = installation.json(&["ledger", "explain", request, "--json"]);
        assert_eq!((&explained["adds_up"], &explained["price_version"]), (&json!(true), &json!(version)));
        assert_eq!(explained["lines"][0]["unit_price_usd"], each);
    }
    let history = installation.json(&["admin", "history", "prices", "--json"]);
    assert_eq!((&history[0]["version"], &history[1]["version"]), (&json!(second), &json!(first)));
}

/// USE-01, USE-02: a tool that the program does not know is known within a second of the operator saying by what, and is
/// unknown again when that is taken back.
#[tokio::test(flavor = "multi_thread")]
async fn a_tool_of_the_house_is_recognised_from_now_on() {
    let installation = Installation::new();
    let server = installation.serve(&[]);
    let (account, key) = installation.newcomer();
    let mut seen = Vec::new();
    let mut ask = async || {
        let body = json!({"model": "azimuth-demo", "max_tokens": 2, "messages": [{"role": "user", "content": "Hi"}]});
        let response = reqwest::Client::new()
            .post(format!("{}/api/paas/v4/chat/completions", server.base_url))
            .bearer_auth(&key)
            .header("user-agent", "HouseAgent/1.2.3 python-httpx/0.28")
            .body(body.to_string())
            .send();
        assert_eq!(response.await.unwrap().status(), 200);
        let request = installation.request_of(&account, &seen).await;
        seen.push(request.clone());
        let usage = installation.json(&["usage", "--requests", "--json"]);
        let record = usage.as_array().unwrap().iter().find(|one| one["request"] == request);
        record.unwrap()["client"].clone()
    };
    assert_eq!(ask().await["name"], json!(null));

    let tool =
        json!({"tools": [{"name": "House Agent", "category": "coding_tool", "user_agent": ["HouseAgent/"]}]});
    let file = installation.write("tools.json", &tool);
    let written = installation.json(&["admin", "set", "tool_patterns", &file, "--json"]);
    assert_eq!(written["version"], 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let client = ask().await;
    assert_eq!((&client["name"], &client["version"]), (&json!("House Agent"), &json!("1.2.3")));

    let file = installation.write("tools.json", &json!({"tools": []}));
    installation.json(&["admin", "set", "tool_patterns", &file, "--json"]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(ask().await["name"], json!(null));
}

/// A mistake in a document names its key, and a change that began with another version is not written over a newer one.
#[test]
fn a_document_is_not_spoilt() {
    let installation = Installation::new();
    let shown = |name: &str| installation.json(&["admin", "show", name, "--json"])["body"].take();
    let history = || installation.json(&["admin", "history", "prices", "--json"]);
    let before = history();
    let mistakes = [
        ("prices", "/models/glm-4.7/input", json!("cheap"), "models.glm-4.7.input"),
        ("plans", "/plans/lite/concurrency", json!(0), "plans.lite.concurrency"),
        ("rates", "/account/concurrency", json!("many"), "account.concurrency"),
        ("use_rules", "/enforcement", json!("strict"), "enforcement"),
        ("tool_patterns", "/tools", json!([{"name": "X", "category": "robot"}]), "tools[0].category"),
        ("tool_patterns", "/tools", json!([{"name": "X", "category": "plain_sdk", "title": ["x"]}]), "`X`"),
    ];
    for (name, place, value, key) in mistakes {
        let mut body = shown(name);
        *body.pointer_mut(place).unwrap_or_else(|| panic!("{name} has {place}")) = value;
        let said = installation.refused(&["admin", "set", name, &installation.write("wrong.json", &body)]);
        assert!(said.contains(key), "{name}: {said}");
    }
    assert_eq!(history(), before);

    let version = installation.set_price("1", "1");
    let (now, stale) = (version.to_string(), (version - 1).to_string());
    let file = installation.write("old.json", &shown("prices"));
    let said = installation.refused(&["admin", "set", "prices", &file, "--base", &stale]);
    assert!(said.contains(&format!("version {now}")) && said.contains("admin history prices"), "{said}");
    assert_eq!(
        installation.json(&["admin", "show", "prices", "--version", &now, "--json"])["version"],
        version
    );
    assert!(installation.refused(&["admin", "show", "prices", "--version", "99"]).contains("no version 99"));
}

/// An editor changes a document; what it leaves unchanged or broken is not put in force, and a broken text is kept.
#[cfg(unix)]
#[test]
fn a_document_is_edited() {
    let installation = Installation::new();
    let edited = |editor: &str| installation.run(&["admin", "edit", "plans", "--editor", editor]);
    let said = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    assert!(said(edited("true").stdout).contains("nothing was changed"));
    assert!(said(edited("sed -i s/\"name\":/\"label\":/").stderr).contains("your text is kept"));
    let kept: Vec<_> = std::fs::read_dir(installation.data())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("edit-plans-"))
        .collect();
    assert_eq!(kept.len(), 1);

    let shown = || installation.json(&["admin", "show", "plans", "--json"]);
    let before = shown();
    assert!(edited("sed -i s/\"concurrency\":.*/\"concurrency\":77,/").status.success());
    let after = shown();
    assert_eq!(after["body"]["plans"]["lite"]["concurrency"], 77);
    assert_eq!(after["version"].as_i64().unwrap(), before["version"].as_i64().unwrap() + 1);
}
