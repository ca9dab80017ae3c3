use gateway::Ending;
use inference::EngineError;
use serde_json::{Value, json};
use testkit::TestApp;
use testkit::scripted_engine::Answer;

use crate::{hello, hello_with};

async fn submit(app: &TestApp, body: &Value) -> Value {
    let response = app.post("/async/chat/completions").body(body.to_string()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

async fn ended(app: &TestApp, id: &str) -> Value {
    let result =
        async || app.get(&format!("/async-result/{id}")).send().await.unwrap().json::<Value>().await.unwrap();
    app.until("the task ends", async || result().await["task_status"] != "PROCESSING").await;
    result().await
}

/// ASYNC-01, ASYNC-02: accepted at once, polled until it is done.
#[tokio::test]
async fn an_accepted_chat_is_answered_later() {
    let app = TestApp::start().await;
    let accepted = submit(&app, &hello_with(&json!({"request_id": "job-000001"}))).await;
    assert_eq!(accepted["task_status"], "PROCESSING");
    assert_eq!(accepted["request_id"], "job-000001");
    assert_eq!(accepted["model"], "glm-4.7");
    let result = ended(&app, accepted["id"].as_str().unwrap()).await;
    assert_eq!(result["task_status"], "SUCCESS");
    assert_eq!(result["id"], accepted["id"]);
    assert_eq!(result["choices"][0]["message"]["content"], "Hi");
    assert_eq!(result["usage"]["total_tokens"], 11);
    assert_eq!(app.usage().await.len(), 1);
}

/// http-api.md §4.2: a failed task is HTTP 200 with `FAIL`.
#[tokio::test]
async fn a_chat_that_fails_says_so_in_its_result() {
    let app = TestApp::start().await;
    app.engine.will(Answer::Refusal(EngineError::Failed { reason: "inner reason".to_owned() }));
    let accepted = submit(&app, &hello()).await;
    let result = ended(&app, accepted["id"].as_str().unwrap()).await;
    assert_eq!(result["task_status"], "FAIL");
    assert_eq!(result["error"]["code"], "1230");
    assert!(!result.to_string().contains("inner reason"));
}

/// ASYNC-02: nobody sees another account's task, and an id that is none is not found.
#[tokio::test]
async fn a_result_is_seen_only_by_its_account() {
    let app = TestApp::start().await;
    let accepted = submit(&app, &hello()).await;
    let path = format!("/async-result/{}", accepted["id"].as_str().unwrap());
    ended(&app, accepted["id"].as_str().unwrap()).await;
    let stranger = app.strangers_key().await;
    let response = app.http.get(app.paas(&path)).bearer_auth(stranger.expose()).send().await.unwrap();
    assert_eq!(response.status(), 404);
    for id in ["20000101000000ffffffffffffffff", "nonsense", "..%2f..%2fetc", "%ff%fe"] {
        let response = app.get(&format!("/async-result/{id}")).send().await.unwrap();
        assert_eq!(response.status(), 404, "{id}");
        assert_eq!(response.json::<Value>().await.unwrap()["error"]["code"], "1222", "{id}");
    }
}

/// An accepted task is in no hurry: it waits for an engine that is busy, and leaves one record, of the answer it got.
#[tokio::test]
async fn a_task_that_found_the_engine_busy_is_recorded_by_its_answer() {
    let app = TestApp::start().await;
    app.engine.will(Answer::Refusal(EngineError::Busy { retry_after: None }));
    let accepted = submit(&app, &hello_with(&json!({"model": "GLM-4.7"}))).await;
    let result = ended(&app, accepted["id"].as_str().unwrap()).await;
    assert_eq!((&result["task_status"], &result["model"]), (&json!("SUCCESS"), &json!("glm-4.7")));
    let records = app.usage().await;
    assert_eq!((records.len(), records[0].ending), (1, Ending::Finished));
    assert_eq!(records[0].usage.total().0, 11);
}

/// http-api.md §4.1: what chat refuses is refused at submission.
#[tokio::test]
async fn a_chat_that_cannot_be_served_is_refused_at_once() {
    let app = TestApp::start().await;
    let body = hello_with(&json!({"model": "no-such-model"}));
    let response = app.post("/async/chat/completions").body(body.to_string()).send().await.unwrap();
    assert_eq!(response.status(), 400);
}
