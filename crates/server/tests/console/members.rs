//! Accounts, their members and invitations.

use accounts::Role;
use serde_json::json;
use testkit::TestApp;

use crate::User;

/// Someone is asked by letter, joins, is given another role and taken out again.
#[tokio::test]
async fn someone_is_invited_joins_and_leaves() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    let (bob, _) = User::owner(&app, "bob@example.com").await;
    let (eve, _) = User::owner(&app, "eve@example.com").await;
    let path = format!("/accounts/{account}");

    let wish = json!({"email": "bob@example.com", "role": "billing"});
    ana.post(&format!("{path}/invitations"), &wish).await.ok();
    let token = json!({"token": app.house.letters.token_for("bob@example.com").await});
    assert_eq!(eve.post("/invitations/accept", &token).await.refusal(), (403, "other_address"));
    assert_eq!(bob.post("/invitations/accept", &token).await.ok()["role"], "billing");
    assert_eq!(bob.post("/invitations/accept", &token).await.refusal(), (410, "invitation_gone"));

    let members = bob.get(&format!("{path}/members")).await.ok();
    assert_eq!(members["items"].as_array().unwrap().len(), 2);
    let bobs = bob.get("/session").await.ok()["person"]["id"].as_str().unwrap().to_owned();
    let role = |role: &str| json!({"role": role});
    ana.patch(&format!("{path}/members/{bobs}"), &role("admin")).await.ok();
    let answer = bob.patch(&format!("{path}/members/{bobs}"), &role("owner")).await;
    assert_eq!(answer.refusal(), (403, "role_not_allowed"));

    let anas = ana.get("/session").await.ok()["person"]["id"].as_str().unwrap().to_owned();
    assert_eq!(ana.post(&format!("{path}/leave"), &json!({})).await.refusal(), (409, "last_owner"));
    assert_eq!(bob.delete(&format!("{path}/members/{anas}")).await.refusal(), (403, "role_not_allowed"));
    ana.delete(&format!("{path}/members/{bobs}")).await.ok();
    assert_eq!(bob.get(&path).await.refusal(), (404, "not_found"));
}

/// Each role may do what it is for, and nothing else.
#[tokio::test]
async fn a_role_allows_what_it_is_for() {
    let app = TestApp::start().await;
    let (account, _) = app.house.newcomer().await;
    let path = format!("/accounts/{account}");
    let mut seen = Vec::new();
    for role in Role::ALL {
        let user = User::member(&app, &format!("{}@example.com", role.name()), account, role).await;
        let statuses = [
            user.get(&format!("{path}/keys")).await.status,
            user.get(&format!("{path}/wallet")).await.status,
            user.get(&format!("{path}/audit")).await.status,
            user.post(&format!("{path}/keys"), &json!({"name": "k"})).await.status,
            user.post(&format!("{path}/projects"), &json!({"name": "p"})).await.status,
            user.patch(&path, &json!({"name": "a name"})).await.status,
        ];
        seen.push((role.name(), statuses));
    }
    assert_eq!(
        seen,
        [
            ("owner", [200, 200, 200, 200, 200, 200]),
            ("admin", [200, 200, 200, 200, 200, 200]),
            ("member", [200, 403, 403, 200, 403, 403]),
            ("billing", [403, 200, 403, 403, 403, 403]),
        ]
    );
}

/// Every list comes in pages that together are the list.
#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    let path = format!("/accounts/{account}/projects");
    for number in 0..5 {
        ana.post(&path, &json!({"name": format!("project {number}")})).await.ok();
    }
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = ana.get(&format!("{path}?limit=2{cursor}")).await.ok();
        names.extend(
            page["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(names, (0..5).map(|number| format!("project {number}")).collect::<Vec<_>>());
    assert_eq!(ana.get(&format!("{path}?cursor=nonsense")).await.refusal(), (422, "invalid_field"));
}

/// Every privileged act is in the account's audit log, with who did it.
#[tokio::test]
async fn what_was_done_is_in_the_audit_log() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    let path = format!("/accounts/{account}");
    ana.patch(&path, &json!({"name": "renamed"})).await.ok();
    let key = ana.post(&format!("{path}/keys"), &json!({"name": "k"})).await.ok();
    let id = key["key"]["id"].as_str().unwrap();
    ana.delete(&format!("{path}/keys/{id}")).await.ok();
    ana.post(&format!("{path}/end-users/block"), &json!({"id": "u-000001"})).await.ok();

    let log = ana.get(&format!("{path}/audit")).await.ok();
    let lines = log["items"].as_array().unwrap();
    let actions: Vec<_> = lines.iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions[..4], ["end_user.block", "key.revoke", "key.create", "account.rename"]);
    let me = ana.get("/session").await.ok();
    assert!(
        lines[..4].iter().all(|line| line["actor"] == me["person"]["id"] && line["source"] == "127.0.0.1")
    );
    assert!(!log.to_string().contains(key["text"].as_str().unwrap()));
}
