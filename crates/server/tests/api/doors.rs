//! Which door a request came by, and what follows from it.

use accounts::PlanBook;
use gateway::Door;
use ledger::Units;
use serde_json::{Value, json};
use testkit::TestApp;
use vocab::NanoUsd;

use crate::{hello, hello_with};

const GENERAL: &str = "paas";
const CODING: &str = "coding/paas";

/// Six fresh tokens, four cached ones and one of answer, with `glm-4.7`: 6 × 600 + 4 × 110 + 2,200.
const ONE_CALL: NanoUsd = NanoUsd(6_240);

/// ENDP-02: with a plan the coding door answers in OpenAI's form, and the use is written down as the plan's.
#[tokio::test]
async fn the_coding_door_answers_whoever_has_a_plan() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.grant(account, "lite").await;
    let answer = app.chat_through(CODING, &key, &hello()).await;
    assert_eq!(answer.status(), 200);
    let body: Value = answer.json().await.unwrap();
    assert_eq!((&body["object"], &body["model"]), (&json!("chat.completion"), &json!("glm-4.7")));
    let recorded = app.usage().await;
    assert_eq!((recorded.len(), recorded[0].account, recorded[0].door), (1, account, Door::Coding));
}

/// ENDP-05, QUOTA-06: with the quota gone the coding door refuses ten times and leaves 100 dollars alone; the general door
/// takes its money and no quota.
#[tokio::test]
async fn a_used_up_quota_never_falls_back_on_the_wallet() {
    let app = TestApp::start().await;
    let mut book: Value = serde_json::from_str(PlanBook::documented_json()).unwrap();
    book["plans"]["lite"]["prompts_per_5h"] = 1.into();
    app.house.plan_book.replace(PlanBook::from_value(&book).unwrap());
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "100").await;
    app.house.grant(account, "lite").await;
    for _ in 0..20 {
        assert_eq!(app.chat_through(CODING, &key, &hello()).await.status(), 200);
    }

    let hundred = NanoUsd(100_000_000_000);
    for _ in 0..10 {
        let refused = app.chat_through(CODING, &key, &hello()).await;
        assert_eq!(refused.status(), 429);
        assert_eq!(refused.json::<Value>().await.unwrap()["error"]["code"], "1308");
    }
    assert_eq!(app.wallet(account).await, hundred);

    assert_eq!(app.chat_through(GENERAL, &key, &hello()).await.status(), 200);
    assert_eq!(app.wallet(account).await, hundred.checked_sub(ONE_CALL).unwrap());
    assert_eq!(app.prompts_used(account).await, [Units(1000), Units(1000)]);
}

/// ENDP-08: both spellings of a model are one row of usage and cost the same.
#[tokio::test]
async fn both_spellings_of_a_model_are_the_same_use() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "1").await;
    for name in ["GLM-4.7", "glm-4.7"] {
        let answer = app.chat_through(GENERAL, &key, &hello_with(&json!({"model": name}))).await;
        assert_eq!(answer.json::<Value>().await.unwrap()["model"], "glm-4.7");
    }
    let recorded = app.usage().await;
    assert_eq!(recorded.len(), 2);
    assert!(recorded.iter().all(|record| record.model.as_str() == "glm-4.7"));
    let twice = ONE_CALL.checked_mul(2).unwrap();
    assert_eq!(app.wallet(account).await, NanoUsd(1_000_000_000).checked_sub(twice).unwrap());
}

/// AUTH-12: the header chooses a language of messages, and never changes what is answered.
#[tokio::test]
async fn a_language_is_optional_and_changes_no_status() {
    let app = TestApp::start().await;
    for (key, status) in [(app.key.expose(), 200), ("nonsense", 401)] {
        for language in [None, Some("en-US,en"), Some("zh-CN"), Some(";q=,,")] {
            let mut request = app.http.post(app.paas("/chat/completions")).bearer_auth(key);
            if let Some(language) = language {
                request = request.header("accept-language", language);
            }
            let answer = request.body(hello().to_string()).send().await.unwrap();
            assert_eq!(answer.status(), status, "{language:?}");
        }
    }
}
