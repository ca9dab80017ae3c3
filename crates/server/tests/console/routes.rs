//! The description of the interface, and what is checked for every route in it.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::TestApp;

use crate::User;

/// Routes that strangers may ask. A reviewer agreed to each.
const PUBLIC: [&str; 10] = [
    "get /api/console/entry",
    "get /api/console/login/{provider}/callback",
    "post /api/console/login",
    "post /api/console/login/confirm",
    "post /api/console/login/{provider}/begin",
    "post /api/console/password/forgot",
    "post /api/console/password/reset",
    "post /api/console/sign-up",
    "post /api/console/verify-email",
    "post /api/console/verify-email/again",
];

/// One route of the document.
pub(crate) struct Route {
    pub(crate) method: Method,
    /// As the document has it.
    pub(crate) path: String,
    pub(crate) operation: Value,
}

impl Route {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method.as_str().to_lowercase(), self.path)
    }

    fn is_public(&self) -> bool {
        self.operation["security"] == json!([{}])
    }
}

/// Every route of the document.
pub(crate) async fn every_route(app: &TestApp) -> Vec<Route> {
    let document: Value =
        app.http.get(format!("{}/openapi.json", app.base_url)).send().await.unwrap().json().await.unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method = method.to_uppercase().parse().unwrap();
            routes.push(Route { method, path: path.clone(), operation: operation.clone() });
        }
    }
    routes
}

/// Nobody gets anywhere without a credential, but where a reviewer agreed to it.
#[tokio::test]
async fn every_route_needs_a_credential_or_is_on_the_list() {
    let app = TestApp::start().await;
    let stranger = User::stranger(&app);
    let mut public = BTreeSet::new();
    for route in every_route(&app).await {
        let Some(path) = route.path.strip_prefix("/api/console") else { continue };
        if route.is_public() {
            public.insert(route.name());
            continue;
        }
        let answer = stranger.ask(route.method.clone(), path, Some(&json!({})), &[]).await;
        assert_eq!(answer.refusal(), (401, "not_signed_in"), "{}", route.name());
        let answer =
            User::with_key(&app, "no.key").ask(route.method.clone(), path, Some(&json!({})), &[]).await;
        assert_eq!(answer.refusal(), (401, "not_signed_in"), "{}", route.name());
    }
    assert_eq!(public, PUBLIC.map(str::to_owned).into());
}

/// The other doors are listed, and closed to strangers too.
#[tokio::test]
async fn the_other_doors_are_described_and_closed() {
    let app = TestApp::start().await;
    let mut doors = BTreeSet::new();
    for route in every_route(&app).await {
        if route.path.starts_with("/api/console") {
            continue;
        }
        doors.insert(route.path.split('/').nth(2).unwrap().to_owned());
        let url = format!("{}{}", app.base_url, route.path.replace("{id}", "x"));
        let response = app.http.request(route.method.clone(), url).body("{}").send().await.unwrap();
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap();
        // The meters look at the body only.
        let is_refused =
            status == 401 || (route.path.starts_with("/api/monitor") && body["success"] == false);
        assert!(is_refused, "{}: {status} {body}", route.name());
    }
    assert_eq!(doors, ["anthropic", "coding", "monitor", "paas"].map(str::to_owned).into());
}

/// A client can be generated from the document: names are unique, path parameters and shapes are all there.
#[tokio::test]
async fn the_document_is_whole() {
    let app = TestApp::start().await;
    let document: Value =
        app.http.get(format!("{}/openapi.json", app.base_url)).send().await.unwrap().json().await.unwrap();
    let routes = every_route(&app).await;
    assert!(routes.len() > 100, "{}", routes.len());
    let mut names = BTreeSet::new();
    for route in &routes {
        let operation = &route.operation;
        assert!(
            names.insert(operation["operationId"].as_str().unwrap().to_owned()),
            "{}",
            operation["operationId"]
        );
        assert!(operation["summary"].is_string(), "{} says nothing", route.name());
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let named: BTreeSet<_> =
            parameters.iter().filter(|p| p["in"] == "path").map(|p| p["name"].as_str().unwrap()).collect();
        let wanted =
            route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        assert_eq!(named, wanted, "{}", route.name());
    }
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "`{name}` is not described");
    }
}

/// What is not there is said in the console's own words.
#[tokio::test]
async fn unknown_paths_and_methods_are_refused_in_the_consoles_words() {
    let app = TestApp::start().await;
    let stranger = User::stranger(&app);
    assert_eq!(stranger.get("/nonsense").await.refusal(), (404, "not_found"));
    assert_eq!(stranger.get("/login").await.refusal(), (405, "method_not_allowed"));
    let (ana, _) = User::owner(&app, "ana@example.com").await;
    assert_eq!(ana.get("/accounts/nonsense").await.refusal(), (404, "not_found"));
    let large = json!({"name": "x".repeat(3 * 1024 * 1024)});
    assert_eq!(ana.post("/accounts", &large).await.refusal(), (413, "body_too_large"));
}
