//! What the numbers and switches of a request do, with the documented models' own limits.

use inference::{ChatEvent, FinishReason};
use serde_json::{Value, json};
use testkit::scripted_engine::Answer;
use testkit::{TestApp, TestSettings};

use crate::{hello, hello_with};

/// MODEL-01: to the letter, `glm-4.5v` refuses 16385 and `glm-4.5` 98305; what is not sent is 65536.
#[tokio::test]
async fn the_most_tokens_are_the_models() {
    let mut settings = TestSettings { models: &["glm-4.5v", "glm-4.5"], ..TestSettings::default() };
    settings.gateway.out_of_range = gateway::OutOfRange::Refuse;
    let app = TestApp::with(settings).await;
    let code = async |fields: Value| {
        let (_, body) = app.chat(&hello_with(&fields)).await;
        body["error"]["code"].as_str().map(str::to_owned)
    };
    assert_eq!(code(json!({"model": "glm-4.5v", "max_tokens": 16_385})).await.as_deref(), Some("1214"));
    assert_eq!(code(json!({"model": "glm-4.5v", "max_tokens": 16_384})).await, None);
    assert_eq!(code(json!({"model": "glm-4.5"})).await, None);
    assert_eq!(code(json!({"model": "glm-4.5", "max_tokens": 98_304})).await, None);
    assert_eq!(code(json!({"model": "glm-4.5", "max_tokens": 98_305})).await.as_deref(), Some("1214"));
    let asked: Vec<_> = app.engine.requests().iter().map(|request| request.max_tokens).collect();
    assert_eq!(asked, [16_384, 65_536, 98_304].map(Some));
}

/// MODEL-02: the limit counts what is generated and not the prompt; an answer of so many tokens ends with `length`.
#[tokio::test]
async fn an_answer_that_reaches_its_limit_says_so() {
    let app = TestApp::start().await;
    let fifty = vec![ChatEvent::Content("word ".to_owned()); 50];
    app.engine.will(Answer::Events(fifty, FinishReason::Length));
    let (status, body) = app.chat(&hello_with(&json!({"max_tokens": 50}))).await;
    assert_eq!((status, &body["choices"][0]["finish_reason"]), (200, &json!("length")));
    assert_eq!(body["usage"]["completion_tokens"], 50);
    assert_eq!(app.engine.requests()[0].max_tokens, Some(50));
}

/// MODEL-03: an answer that meets the window's end is not an error, and says why it ends.
#[tokio::test]
async fn an_answer_that_fills_the_window_says_so() {
    let app = TestApp::start().await;
    let say = || {
        Answer::Events(
            vec![ChatEvent::Content("on and on".to_owned())],
            FinishReason::ModelContextWindowExceeded,
        )
    };
    app.engine.will(say());
    let (status, body) = app.chat(&hello_with(&json!({"max_tokens": 131_072}))).await;
    assert_eq!(
        (status, &body["choices"][0]["finish_reason"]),
        (200, &json!("model_context_window_exceeded"))
    );
    app.engine.will(say());
    let stream = app.stream(&hello_with(&json!({"max_tokens": 131_072, "stream": true}))).await;
    assert!(stream.contains("\"finish_reason\":\"model_context_window_exceeded\""), "{stream}");
}

/// MODEL-05: without sampling, two requests reach the engine as the same greedy one.
#[tokio::test]
async fn without_sampling_the_engine_is_asked_to_be_greedy() {
    let app = TestApp::start().await;
    for _ in 0..2 {
        app.chat(&hello_with(&json!({"do_sample": false}))).await;
    }
    let requests = app.engine.requests();
    assert!(requests[0].sampling.greedy);
    assert_eq!(requests[0], requests[1]);
    app.chat(&hello()).await;
    assert!(!app.engine.requests()[2].sampling.greedy, "sampling is the default");
}

/// MODEL-06, MODEL-07: a body without the fields is the body with their defaults, and fields that nobody knows change
/// nothing.
#[tokio::test]
async fn defaults_and_unknown_fields_reach_the_engine_as_nothing_new() {
    let app = TestApp::start().await;
    app.chat(&hello()).await;
    let (status, answer) = app
        .chat(&hello_with(&json!({"stream": false, "thinking": {"type": "enabled"}, "do_sample": true})))
        .await;
    assert_eq!((status, &answer["object"]), (200, &json!("chat.completion")), "not streamed");
    let unknown =
        json!({"store": true, "service_tier": "auto", "metadata": {"a": "b"}, "some_future_field": [1]});
    assert_eq!(app.chat(&hello_with(&unknown)).await.0, 200);
    let requests = app.engine.requests();
    assert_eq!(requests[0], requests[1]);
    assert_eq!(requests[0], requests[2]);
    assert_eq!(app.chat(&hello_with(&json!({"logprobs": true}))).await.0, 200);
}
