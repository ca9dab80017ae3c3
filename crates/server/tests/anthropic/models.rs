//! Which models there are (`anthropic-api.md` §10).

use accounts::KeyTerms;
use serde_json::{Value, json};
use testkit::{TestApp, TestSettings};
use vocab::Secret;

use crate::{door, refusal};

async fn get(app: &TestApp, key: &Secret, path: &str) -> reqwest::Response {
    app.http.get(door(app, path)).header("x-api-key", key.expose()).send().await.unwrap()
}

async fn page(app: &TestApp, query: &str) -> Value {
    get(app, &app.key, &format!("/v1/models{query}")).await.json().await.unwrap()
}

fn ids(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect()
}

async fn app() -> TestApp {
    let models = &["glm-4.5-air", "glm-4.6", "glm-4.7", "glm-5.1"];
    TestApp::with(TestSettings { models, ..TestSettings::default() }).await
}

/// The newest first, with what clients want to know of each.
#[tokio::test]
async fn models_are_listed_with_their_limits() {
    let app = app().await;
    let all = page(&app, "").await;
    assert_eq!(ids(&all), ["glm-5.1", "glm-4.7", "glm-4.6", "glm-4.5-air"]);
    assert_eq!(
        all["data"][1],
        json!({
            "type": "model", "id": "glm-4.7", "display_name": "GLM-4.7", "created_at": "2025-12-21T16:00:00Z",
            "max_input_tokens": 204_800, "max_tokens": 131_072, "lifecycle": "active",
        })
    );
    assert_eq!((&all["first_id"], &all["last_id"]), (&json!("glm-5.1"), &json!("glm-4.5-air")));
    assert_eq!((&all["has_more"], &all["hasMore"]), (&json!(false), &json!(false)));
}

#[tokio::test]
async fn a_long_list_is_read_page_by_page_in_both_directions() {
    let app = app().await;
    let first = page(&app, "?limit=2").await;
    assert_eq!((ids(&first), &first["has_more"]), (vec!["glm-5.1", "glm-4.7"], &json!(true)));
    let second = page(&app, "?limit=2&after_id=glm-4.7").await;
    assert_eq!((ids(&second), &second["hasMore"]), (vec!["glm-4.6", "glm-4.5-air"], &json!(false)));
    let back = page(&app, "?limit=1&before_id=glm-4.6").await;
    assert_eq!((ids(&back), &back["has_more"]), (vec!["glm-4.7"], &json!(true)));
    let start = page(&app, "?limit=1000&before_id=glm-5.1").await;
    assert_eq!((ids(&start), &start["first_id"]), (Vec::new(), &json!(null)));
    assert_eq!(ids(&page(&app, "?limit=&beta=true").await).len(), 4);
    assert_eq!(ids(&page(&app, "?limit=0").await).len(), 1);

    for query in ["?limit=many", "?limit=-1", "?after_id=glm-9"] {
        let refused = refusal(get(&app, &app.key, &format!("/v1/models{query}")).await).await;
        assert_eq!(refused.brief(), (400, "invalid_request_error", "1214", true), "{query}");
    }
}

/// A key that is for some models is shown those, and no others exist for it.
#[tokio::test]
async fn a_key_is_shown_the_models_it_may_ask() {
    let app = app().await;
    let (account, _) = app.house.newcomer().await;
    let scope = serde_json::from_value(json!({"models": ["glm-4.7"]})).unwrap();
    let terms = KeyTerms { scope, ..KeyTerms::default() };
    let (_, key) = app.house.keys.create_under(account, "narrow", terms).await.unwrap();
    let page: Value = get(&app, &key, "/v1/models").await.json().await.unwrap();
    assert_eq!(ids(&page), ["glm-4.7"]);
    assert_eq!(get(&app, &key, "/v1/models/glm-4.7").await.status(), 200);
    assert_eq!(get(&app, &key, "/v1/models/glm-5.1").await.status(), 404);
}

/// One model by any of the names that lead to it; anything else is not found.
#[tokio::test]
async fn a_model_is_shown_by_every_name_that_leads_to_it() {
    let app = app().await;
    for (asked, id) in [
        ("glm-4.7", "glm-4.7"),
        ("GLM-4.7", "glm-4.7"),
        ("claude-glm-5.1", "glm-5.1"),
        ("claude-sonnet-5", "glm-4.7"),
        ("glm-5.1%5B1m%5D", "glm-5.1"),
    ] {
        let model: Value = get(&app, &app.key, &format!("/v1/models/{asked}")).await.json().await.unwrap();
        assert_eq!((&model["id"], &model["type"]), (&json!(id), &json!("model")), "{asked}");
    }
    for asked in ["glm-9", "glm-4.5", "glm-image", "%FF", "a%20b"] {
        let refused = refusal(get(&app, &app.key, &format!("/v1/models/{asked}")).await).await;
        assert_eq!((refused.status, refused.kind.as_str()), (404, "not_found_error"), "{asked}");
    }
}

/// Claude Code's menu shows only names of its own family, so it gets one for each model, after the models' own; others are
/// not told of such names.
#[tokio::test]
async fn claude_code_finds_names_of_its_family() {
    let app = app().await;
    let request = app.http.get(door(&app, "/v1/models?limit=1000")).bearer_auth(app.key.expose());
    let page: Value =
        request.header("user-agent", "claude-code/2.1.197").send().await.unwrap().json().await.unwrap();
    assert_eq!(ids(&page).len(), 8);
    let alias = &page["data"][5];
    assert_eq!((&alias["id"], &alias["display_name"]), (&json!("claude-glm-4.7"), &json!("GLM-4.7")));
}
