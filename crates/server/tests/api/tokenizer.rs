use serde_json::{Value, json};
use testkit::TestApp;
use testkit::scripted_engine::PROMPT_TOKENS;

use crate::hello_with;

/// http-api.md §10
#[tokio::test]
async fn the_served_models_own_tokenizer_counts() {
    let app = TestApp::start().await;
    let body = hello_with(&json!({"request_id": "probe-1"}));
    let answer: Value =
        app.post("/tokenizer").body(body.to_string()).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["usage"]["prompt_tokens"], PROMPT_TOKENS);
    assert_eq!(answer["usage"]["total_tokens"], PROMPT_TOKENS);
    assert_eq!(answer["request_id"], "probe-1");
    assert!(app.usage().await.is_empty(), "counting is no use of the model");
}

#[tokio::test]
async fn an_unknown_model_has_no_tokenizer() {
    let app = TestApp::start().await;
    for (model, code) in [("no-such-model", "1211"), ("glm-image", "1212")] {
        // errors.md §5: the model is told before a field out of range.
        let body = hello_with(&json!({"model": model, "temperature": -1}));
        let answer = app.post("/tokenizer").body(body.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], code);
    }
}
