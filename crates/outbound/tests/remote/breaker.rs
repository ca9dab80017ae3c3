use testkit::scripted_host::Answer;

use super::*;

fn touchy(host: &ScriptedHost) -> RemoteEngine {
    let mut config = config(host);
    config.breaker.failures_max = 3;
    config.breaker.cool_down = Duration::from_millis(200);
    RemoteEngine::new(config).unwrap()
}

#[tokio::test]
async fn failures_in_a_row_take_a_host_out_and_a_trial_brings_it_back() {
    let host = ScriptedHost::start().await;
    let engine = touchy(&host);
    for _ in 0..3 {
        assert!(engine.is_healthy());
        host.will(Answer::status(500, &[], "boom"));
        refused(&engine).await;
    }
    assert!(!engine.is_healthy());
    let error = refused(&engine).await;
    assert!(
        matches!(&error, EngineError::Unavailable { reason } if reason.contains("left alone")),
        "{error:?}"
    );
    assert_eq!(host.requests().len(), 3, "the host is left alone");

    tokio::time::sleep(Duration::from_millis(250)).await;
    assert!(engine.is_healthy());
    assert_eq!(listen(engine.chat(hi()).await.unwrap()).await.content, "Hello");
    assert!(engine.is_healthy());
}

/// One caller's bad requests and full queues do not close the door to the others.
#[tokio::test]
async fn refusals_that_are_the_callers_doing_never_take_a_host_out() {
    let host = ScriptedHost::start().await;
    let engine = touchy(&host);
    for status in [400, 401, 403, 404, 413, 422, 429].into_iter().cycle().take(20) {
        host.will(Answer::status(status, &[], "no"));
        refused(&engine).await;
    }
    host.will(Answer::json(
        500,
        &serde_json::json!({"error": "the input length exceeds the context length"}),
    ));
    refused(&engine).await;
    assert!(engine.is_healthy());
}

#[tokio::test]
async fn streams_that_break_count_as_failures() {
    let host = ScriptedHost::start().await;
    let engine = touchy(&host);
    host.otherwise(Answer::open_stream().event(&testkit::scripted_host::content("x").to_string()).cut());
    for _ in 0..3 {
        assert!(listen(engine.chat(hi()).await.unwrap()).await.error.is_some());
    }
    assert!(!engine.is_healthy());
}

#[tokio::test]
async fn a_probe_notices_a_host_that_went_and_one_that_came_back() {
    let host = ScriptedHost::start().await;
    let engine = touchy(&host);
    host.otherwise(Answer::status(503, &[], "loading"));
    for _ in 0..3 {
        assert!(matches!(engine.probe().await, Err(EngineError::Unavailable { .. })));
    }
    assert!(!engine.is_healthy());

    host.otherwise(Answer::json(200, &serde_json::json!({"data": []})));
    engine.probe().await.unwrap();
    assert!(engine.is_healthy());
    let seen = host.requests().pop().unwrap();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("GET", "/v1/models"));
}
