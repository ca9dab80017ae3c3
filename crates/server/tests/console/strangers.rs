//! What is one account's is nobody else's.

use accounts::{Cause, Evidence};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::TestApp;

use crate::User;
use crate::routes::every_route;

/// Bodies that would be granted if the account were theirs, by the end of the route's path.
fn body_of(path: &str) -> Value {
    let name = json!({"name": "taken over"});
    let bodies = [
        ("/rotate", json!({})),
        ("/appeal", json!({"words": "please"})),
        ("/block", json!({"id": "u-000001"})),
        ("/unblock", json!({"id": "u-000001"})),
        ("/invitations", json!({"email": "eve@example.com", "role": "owner"})),
        ("/{person}", json!({"role": "member"})),
    ];
    bodies.into_iter().find(|(end, _)| path.ends_with(end)).map_or(name, |(_, body)| body)
}

/// Neither someone else's session nor their key gets anything of an account, on any route, and nothing changes.
#[tokio::test]
async fn nobody_gets_at_another_account() {
    let app = TestApp::start().await;
    let (ana, account) = User::owner(&app, "ana@example.com").await;
    let (eve, eves) = User::owner(&app, "eve@example.com").await;
    let (_, key) = app.house.newcomer().await;
    let program = User::with_key(&app, key.expose());
    let operators_key = User::with_key(&app, app.key.expose());

    let path = format!("/accounts/{account}");
    let made = ana.post(&format!("{path}/keys"), &json!({"name": "k"})).await.ok();
    let project = ana.post(&format!("{path}/projects"), &json!({"name": "p"})).await.ok();
    let invited = json!({"email": "bob@example.com", "role": "member"});
    let invitation = ana.post(&format!("{path}/invitations"), &invited).await.ok();
    let case = app.house.conduct.open(account, Cause::Other, Evidence::default()).await.unwrap();
    let me = ana.get("/session").await.ok();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let segments = [
        ("{key}", text(&made["key"]["id"])),
        ("{project}", text(&project["id"])),
        ("{invitation}", text(&invitation["id"])),
        ("{person}", text(&me["person"]["id"])),
        ("{case}", case.id.to_string()),
        ("{request}", "20260101000000ffffffffffffffff".to_owned()),
    ];

    let mut tried = 0;
    for route in every_route(&app).await {
        let Some(route_path) = route.path.strip_prefix("/api/console/accounts/{account}") else { continue };
        let filled =
            segments.iter().fold(route_path.to_owned(), |path, (name, value)| path.replace(name, value));
        assert!(!filled.contains('{'), "`{}` has a segment that this test does not know", route.path);
        let body = body_of(route_path);
        let theirs = format!("/accounts/{account}{filled}");
        for (who, user) in [("session", &eve), ("key", &program), ("operator's key", &operators_key)] {
            let answer = user.ask(route.method.clone(), &theirs, Some(&body), &[]).await;
            let is_refused =
                answer.refusal() == (404, "not_found") || answer.refusal() == (403, "key_reads_only");
            assert!(is_refused, "{} with another's {who}: {} {}", route.name(), answer.status, answer.body);
        }
        // The same thing by way of an account that is theirs.
        if filled.matches('/').count() > 1 && filled.contains('_') {
            let smuggled = format!("/accounts/{eves}{filled}");
            let answer = eve.ask(route.method.clone(), &smuggled, Some(&body), &[]).await;
            assert!(
                matches!(answer.status, 404 | 410),
                "{}: {} {}",
                route.name(),
                answer.status,
                answer.body
            );
        }
        tried += 1;
    }
    assert!(tried > 25, "{tried}");

    assert_eq!(ana.get(&path).await.ok()["account"]["name"], "newcomer");
    let keys = ana.ask(Method::GET, &format!("{path}/keys"), None, &[]).await.ok();
    assert!(keys["items"].as_array().unwrap().iter().all(|key| key["revoked"].is_null()));
    assert_eq!(ana.get(&format!("{path}/members")).await.ok()["items"][0]["role"], "owner");
}
