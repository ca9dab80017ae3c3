//! API keys (rule AUTH-08).

use serde_json::{Value, json};
use testkit::TestApp;
use vocab::Secret;

use crate::User;

async fn works(app: &TestApp, key: &Value) -> u16 {
    let body = json!({"model": "glm-4.5", "messages": [{"role": "user", "content": "Hi"}]});
    app.chat_through("paas", &Secret::new(key.as_str().unwrap()), &body).await.status().as_u16()
}

/// AUTH-08: a key is made and works; it is removed, and its next call is refused.
#[tokio::test]
async fn a_key_works_until_it_is_removed() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    app.house.top_up(account, "1").await;
    let path = format!("/accounts/{account}/keys");
    let made = ana.post(&path, &json!({"name": "laptop", "monthly_spend_max": "0.50"})).await.ok();
    assert_eq!((&made["key"]["name"], &made["key"]["monthly_spend_max"]), (&json!("laptop"), &json!("0.50")));
    assert_eq!(works(&app, &made["text"]).await, 200);

    // Nobody can read its text again.
    let listed = ana.get(&path).await.ok();
    let secret = made["text"].as_str().unwrap().split_once('.').unwrap().1;
    assert!(listed.to_string().contains(made["key"]["public_id"].as_str().unwrap()));
    assert!(!listed.to_string().contains(secret));

    let id = made["key"]["id"].as_str().unwrap();
    assert_eq!(ana.delete(&format!("{path}/{id}")).await.ok(), json!({"changed": true}));
    assert_eq!(works(&app, &made["text"]).await, 401);
    assert_eq!(ana.delete(&format!("{path}/{id}")).await.ok(), json!({"changed": false}));
}

/// A successor takes over; the old key goes on for as long as was said.
#[tokio::test]
async fn a_key_is_rotated_with_or_without_an_overlap() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    app.house.top_up(account, "1").await;
    let path = format!("/accounts/{account}/keys");
    let first = ana.post(&path, &json!({"name": "server"})).await.ok();
    let rotate = async |key: &Value, body: Value| {
        ana.post(&format!("{path}/{}/rotate", key["key"]["id"].as_str().unwrap()), &body).await
    };
    let second = rotate(&first, json!({"overlap_seconds": 3600})).await.ok();
    assert_eq!(second["key"]["successor_of"], first["key"]["id"]);
    assert_eq!((works(&app, &first["text"]).await, works(&app, &second["text"]).await), (200, 200));
    let third = rotate(&second, json!({})).await.ok();
    assert_eq!((works(&app, &second["text"]).await, works(&app, &third["text"]).await), (401, 200));
    let answer = rotate(&third, json!({"overlap_seconds": 91 * 24 * 3600})).await;
    assert_eq!(
        (answer.refusal(), &answer.body["error"]["field"]),
        ((422, "invalid_field"), &json!("overlap_seconds"))
    );
}

/// A key has the scope that it was given, which can be changed, and no nonsense.
#[tokio::test]
async fn a_key_is_limited_to_its_scope() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    app.house.top_up(account, "1").await;
    let path = format!("/accounts/{account}/keys");
    let made = ana.post(&path, &json!({"name": "k", "scope": {"doors": ["coding"]}})).await.ok();
    assert_eq!(works(&app, &made["text"]).await, 403);
    let id = made["key"]["id"].as_str().unwrap();
    let changed = json!({"name": "k", "scope": {"models": ["glm-4.5"], "addresses": ["127.0.0.0/8"]}});
    assert_eq!(ana.put(&format!("{path}/{id}"), &changed).await.ok()["scope"]["addresses"][0], "127.0.0.0/8");
    assert_eq!(works(&app, &made["text"]).await, 200);

    for (wish, field) in [
        (json!({"name": "k", "scope": {"doors": ["back"]}}), "scope"),
        (json!({"name": "k", "scope": {"addresses": ["everywhere"]}}), "scope.addresses"),
        (json!({"name": "k", "expires": "2020-01-01T00:00:00Z"}), "expires"),
        (json!({"name": "k", "monthly_spend_max": "-1"}), "monthly_spend_max"),
        (json!({"name": "k", "monthly_spend_max": 0.5}), "monthly_spend_max"),
    ] {
        let answer = ana.post(&path, &wish).await;
        assert_eq!((answer.status, &answer.body["error"]["field"]), (422, &json!(field)), "{wish}");
    }
    let answer = ana.post(&path, &json!({"name": "k", "project": vocab::ProjectId::generate()})).await;
    assert_eq!(answer.refusal(), (404, "not_found"));
}

/// A program reads its account with its key, and changes nothing; a key that is for certain doors does not read.
#[tokio::test]
async fn a_key_reads_its_own_account_and_changes_nothing() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    let program = User::with_key(&app, key.expose());
    let path = format!("/accounts/{account}");
    for route in [
        "",
        "/members",
        "/projects",
        "/keys",
        "/wallet",
        "/wallet/entries",
        "/usage/daily",
        "/plan",
        "/limits",
    ] {
        assert_eq!(program.get(&format!("{path}{route}")).await.status, 200, "{route}");
    }
    assert_eq!(program.get("/session").await.ok()["key_account"], json!(account));
    for (route, body) in
        [("/keys", json!({"name": "k"})), ("/projects", json!({"name": "p"})), ("/leave", json!({}))]
    {
        let answer = program.post(&format!("{path}{route}"), &body).await;
        assert_eq!(answer.refusal(), (403, "key_reads_only"), "{route}");
    }
    assert_eq!(program.get(&format!("{path}/audit")).await.refusal(), (403, "key_reads_only"));
    assert_eq!(program.get("/accounts").await.refusal(), (403, "key_reads_only"));
    let other = app.house.operator.id;
    assert_eq!(program.get(&format!("/accounts/{other}/wallet")).await.refusal(), (404, "not_found"));
    assert_eq!(program.get("/admin/accounts").await.refusal(), (403, "operator_only"));

    let ana = User::member(&app, "ana@example.com", account, accounts::Role::Owner).await;
    let scope = json!({"name": "k", "scope": {"doors": ["general"]}});
    let narrow = ana.post(&format!("{path}/keys"), &scope).await.ok();
    let narrow = User::with_key(&app, narrow["text"].as_str().unwrap());
    assert_eq!(narrow.get(&format!("{path}/wallet")).await.refusal(), (403, "key_reads_only"));
}
