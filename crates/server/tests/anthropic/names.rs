//! Which model a name leads to (`anthropic-api.md` §4).

use gateway::Door;
use serde_json::{Value, json};
use testkit::{TestApp, TestSettings};

use crate::{events, hello_with, own, refusal};

async fn with(models: &'static [&'static str]) -> TestApp {
    TestApp::with(TestSettings { models, ..TestSettings::default() }).await
}

/// ENDP-07, ENDP-08: a Claude name is answered by a GLM model, which the answer, the stream and the usage name.
#[tokio::test]
async fn a_claude_name_is_answered_by_a_glm_model() {
    let app = with(&["glm-5.1", "glm-4.7", "glm-4.5-air"]).await;
    for (asked, model) in [
        ("claude-opus-4-8", "glm-4.7"),
        ("claude-sonnet-4-5-20250929", "glm-4.7"),
        ("claude-haiku-4-5-20251001", "glm-4.5-air"),
        ("claude-fable-1", "glm-4.7"),
        ("GLM-5.1", "glm-5.1"),
        ("glm-5.1[1m]", "glm-5.1"),
        ("claude-glm-5.1", "glm-5.1"),
    ] {
        let answer: Value = own(&app, &hello_with(&json!({"model": asked}))).await.json().await.unwrap();
        assert_eq!(answer["model"], model, "{asked}");
        let streamed = own(&app, &hello_with(&json!({"model": asked, "stream": true}))).await;
        let events = events(&streamed.text().await.unwrap());
        assert_eq!(events[0]["message"]["model"], model, "{asked}");
        assert_eq!(app.engine.requests().last().unwrap().model.as_str(), model);
    }
    let recorded = app.usage().await;
    assert!(recorded.iter().all(|record| record.door == Door::Anthropic));
    for (model, calls) in [("glm-4.7", 6), ("glm-4.5-air", 2), ("glm-5.1", 6)] {
        assert_eq!(recorded.iter().filter(|record| record.model.as_str() == model).count(), calls, "{model}");
    }
}

/// Where one model is all there is, it answers for every name of the family, so that a first start answers Claude Code.
#[tokio::test]
async fn the_only_model_answers_for_the_whole_family() {
    let app = with(&["glm-5-turbo"]).await;
    for asked in ["claude-opus-4-8", "claude-haiku-4-5"] {
        let answer: Value = own(&app, &hello_with(&json!({"model": asked}))).await.json().await.unwrap();
        assert_eq!(answer["model"], "glm-5-turbo");
    }
    let unknown = refusal(own(&app, &hello_with(&json!({"model": "gpt-5"}))).await).await;
    assert_eq!((unknown.status, unknown.code.as_str()), (400, "1211"));
}

/// ENDP-09: the other doors know no Claude.
#[tokio::test]
async fn other_doors_know_no_names_of_the_family() {
    let app = TestApp::start().await;
    for door in ["paas", "coding/paas"] {
        let body = json!({"model": "claude-opus-4-8", "messages": [{"role": "user", "content": "Hi"}]});
        let refused = app.chat_through(door, &app.key, &body).await;
        assert_eq!(refused.status(), 400);
        assert_eq!(refused.json::<Value>().await.unwrap()["error"]["code"], "1211");
    }
}
