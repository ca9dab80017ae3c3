use testkit::scripted_host::{Answer, content};
use vocab::Tokens;

use super::*;

/// A broken stream is told as a failure, with the figures of what was sent.
#[tokio::test]
async fn a_cut_in_the_middle_is_a_failure_after_what_was_said() {
    let host = ScriptedHost::start().await;
    host.will(
        Answer::open_stream().event(&content("Hel").to_string()).event(&content("lo").to_string()).cut(),
    );
    let told = listen(engine(&host).chat(hi()).await.unwrap()).await;
    assert_eq!(told.content, "Hello");
    assert_eq!(told.usage.completion(), Tokens(2), "what was sent is counted");
    assert!(matches!(told.error, Some(EngineError::Failed { .. })), "{:?}", told.error);
    assert!(told.finish.is_none());
}

#[tokio::test]
async fn an_end_without_a_last_word_is_a_failure_too() {
    let host = ScriptedHost::start().await;
    host.will(Answer::open_stream().event(&content("Hel").to_string()).end());
    let told = listen(engine(&host).chat(hi()).await.unwrap()).await;
    assert!(matches!(told.error, Some(EngineError::Failed { .. })));
}

/// Before the first piece of output every failure is a refusal, so that another engine can be asked.
#[tokio::test]
async fn failures_before_the_first_piece_are_refusals() {
    let huge = format!("data: {}", "x".repeat(9 << 20));
    for answer in [
        Answer::open_stream().cut(),
        Answer::open_stream().end(),
        Answer::open_stream().piece(b"data: \xff\xfe{{{\n\n").end(),
        Answer::open_stream().piece(huge.as_bytes()).silence(),
        Answer::open_stream()
            .event("{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}")
            .cut(),
        Answer::open_stream().event("{\"error\":{\"message\":\"CUDA out of memory\",\"code\":500}}").end(),
        Answer::status(200, &[("content-type", "text/html")], "<!doctype html><h1>It works!</h1>"),
        Answer::json(200, &serde_json::json!({"status": "ok"})),
    ] {
        let host = ScriptedHost::start().await;
        host.will(answer.clone());
        let error = refused(&engine(&host)).await;
        assert!(matches!(error, EngineError::Failed { .. }), "{error:?}");
        assert!(error.is_worth_retrying_elsewhere());
    }
}

#[tokio::test]
async fn an_error_in_the_stream_says_what_it_is_before_the_first_piece() {
    let host = ScriptedHost::start().await;
    host.will(
        Answer::open_stream()
            .event(r#"{"error":{"code":"1261","message":"Prompt exceeds max length"}}"#)
            .end(),
    );
    assert!(matches!(refused(&engine(&host)).await, EngineError::ContextOverflow(_)));
}

#[tokio::test]
async fn a_host_that_is_not_there_is_unavailable() {
    let host = ScriptedHost::start().await;
    let config = config(&host);
    drop(host);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let error = refused(&RemoteEngine::new(config).unwrap()).await;
    assert!(matches!(error, EngineError::Unavailable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_host_that_closes_at_accept_is_unavailable() {
    let host = ScriptedHost::start().await;
    host.will(Answer::closes_at_accept()).will(Answer::closes_at_accept());
    let error = refused(&engine(&host)).await;
    assert!(matches!(error, EngineError::Unavailable { .. }), "{error:?}");
    assert!(host.requests().is_empty());
}

/// A kept-alive connection that the host closes just then costs the caller nothing.
#[tokio::test]
async fn one_lost_connection_is_made_up_for() {
    let host = ScriptedHost::start().await;
    host.will(Answer::closes_at_accept());
    assert_eq!(listen(engine(&host).chat(hi()).await.unwrap()).await.content, "Hello");
}

#[tokio::test]
async fn a_host_that_never_answers_is_timed_out() {
    for answer in [
        Answer::never(),
        Answer::open_stream().silence(),
        Answer::open_stream().piece(b": wait\n\n").silence(),
    ] {
        let host = ScriptedHost::start().await;
        host.will(answer);
        let mut config = config(&host);
        config.timeouts.first_token = Duration::from_millis(100);
        let error = refused(&RemoteEngine::new(config).unwrap()).await;
        assert!(matches!(error, EngineError::TimedOut { .. }), "{error:?}");
        host.wait_for_hang_up(0).await;
    }
}

#[tokio::test]
async fn a_host_that_falls_silent_is_timed_out_and_a_slow_one_is_not() {
    let host = ScriptedHost::start().await;
    let mut slow = Answer::open_stream();
    for piece in ["a", "b", "c", "d"] {
        slow = slow.event(&content(piece).to_string()).wait(Duration::from_millis(120));
    }
    host.will(slow.silence());
    let mut config = config(&host);
    config.timeouts.idle = Duration::from_millis(300);
    let told = listen(RemoteEngine::new(config).unwrap().chat(hi()).await.unwrap()).await;
    assert_eq!(told.content, "abcd", "pauses shorter than the limit do not add up");
    assert!(matches!(told.error, Some(EngineError::TimedOut { .. })), "{:?}", told.error);
    host.wait_for_hang_up(0).await;
}
