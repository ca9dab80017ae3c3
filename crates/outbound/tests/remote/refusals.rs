use inference::Overflow;
use serde_json::json;
use testkit::scripted_host::Answer;
use vocab::Tokens;

use super::*;

async fn after(answer: Answer) -> EngineError {
    let host = ScriptedHost::start().await;
    host.will(answer);
    refused(&engine(&host)).await
}

#[tokio::test]
async fn a_full_host_says_when_to_come_again() {
    let error = after(Answer::status(429, &[("retry-after", "7")], "slow down")).await;
    assert!(matches!(error, EngineError::Busy { retry_after: Some(wait) } if wait == Duration::from_secs(7)));
    let date = [("date", "Wed, 21 Oct 2026 07:27:50 GMT"), ("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")];
    let error = after(Answer::status(429, &date, "")).await;
    assert!(
        matches!(error, EngineError::Busy { retry_after: Some(wait) } if wait == Duration::from_secs(10))
    );
}

#[tokio::test]
async fn the_words_of_a_host_reach_the_caller_of_a_bad_request() {
    let error = after(Answer::json(400, &json!({"error": {"message": "top_p must be in (0, 1]"}}))).await;
    assert!(matches!(error, EngineError::Rejected { message } if message == "top_p must be in (0, 1]"));
}

/// `clients.md` §3.7 needs the numbers.
#[tokio::test]
async fn a_prompt_that_does_not_fit_is_told_with_numbers() {
    let message =
        "This model's maximum context length is 4096 tokens. However, your request has 5000 input tokens.";
    let error = after(Answer::json(400, &json!({"object": "error", "message": message, "code": 400}))).await;
    let expected = Overflow { prompt: Tokens(5000), window: Tokens(4096) };
    assert!(matches!(error, EngineError::ContextOverflow(overflow) if overflow == expected), "{error:?}");
}

#[tokio::test]
async fn redirects_are_not_followed_on_the_way_to_a_model() {
    let error =
        after(Answer::status(307, &[("location", "http://127.0.0.1:1/v1/chat/completions")], "")).await;
    assert!(matches!(error, EngineError::Unavailable { reason } if reason.contains("base_url")));
}

#[tokio::test]
async fn a_refusal_whose_body_never_ends_is_still_a_refusal() {
    let endless = Answer::status(400, &[], &"x".repeat(1 << 20));
    let error = after(endless).await;
    assert!(matches!(error, EngineError::Rejected { message } if message.chars().count() == 500));
}
