use serde_json::{Value, json};
use testkit::TestApp;

/// http-api.md §24: text models that can be used, oldest first.
#[tokio::test]
async fn the_list_shows_what_can_be_used() {
    let app = TestApp::start().await;
    let list: Value = app.get("/models").send().await.unwrap().json().await.unwrap();
    assert_eq!(
        list,
        json!({"object": "list", "data": [
            {"id": "glm-4.5", "object": "model", "created": 1_753_632_000, "owned_by": "z-ai"},
            {"id": "glm-4.7", "object": "model", "created": 1_766_332_800, "owned_by": "z-ai"}
        ]})
    );
    let coding = format!("{}/api/coding/paas/v4/v1/models", app.base_url);
    let again = app.http.get(coding).bearer_auth(app.key.expose()).send().await.unwrap();
    assert_eq!(again.json::<Value>().await.unwrap(), list);
}

#[tokio::test]
async fn one_model_is_shown_by_any_spelling_of_its_name() {
    let app = TestApp::start().await;
    let model: Value = app.get("/models/GLM-4.7").send().await.unwrap().json().await.unwrap();
    assert_eq!(model["id"], "glm-4.7");
    for name in ["no-such-model", "glm-5.1", "a%20b", "%ff%fe"] {
        let response = app.get(&format!("/models/{name}")).send().await.unwrap();
        assert_eq!(response.status(), 404, "{name}");
        assert_eq!(response.json::<Value>().await.unwrap()["error"]["code"], "1211", "{name}");
    }
}
