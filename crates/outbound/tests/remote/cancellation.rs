use testkit::scripted_host::{Answer, content};

use super::*;

#[tokio::test]
async fn dropping_the_stream_hangs_up_on_the_host() {
    let host = ScriptedHost::start().await;
    host.will(Answer::open_stream().event(&content("Hel").to_string()).silence());
    let engine = engine(&host);
    let mut stream = engine.chat(hi()).await.unwrap();
    assert_eq!(next_content(&mut stream).await, "Hel");
    assert_eq!(engine.describe().in_flight, 1);

    drop(stream);
    host.wait_for_hang_up(0).await;
    assert_eq!(engine.describe().in_flight, 0);
    assert!(engine.is_healthy());
}

#[tokio::test]
async fn a_caller_who_leaves_before_the_first_piece_hangs_up_too() {
    let host = ScriptedHost::start().await;
    host.otherwise(Answer::never());
    let engine = std::sync::Arc::new(engine(&host));
    let pending = tokio::spawn({
        let engine = engine.clone();
        async move { engine.chat(hi()).await.map(drop) }
    });
    host.wait_for_requests(1).await;
    pending.abort();
    host.wait_for_hang_up(0).await;
    assert!(pending.await.unwrap_err().is_cancelled());
    assert_eq!(engine.describe().in_flight, 0);
}

#[tokio::test]
async fn one_request_too_many_is_refused_at_once_and_places_come_back() {
    let host = ScriptedHost::start().await;
    host.will(Answer::open_stream().event(&content("a").to_string()).silence());
    let mut config = config(&host);
    config.concurrency_max = Some(1);
    let engine = RemoteEngine::new(config).unwrap();

    let stream = engine.chat(hi()).await.unwrap();
    assert!(matches!(refused(&engine).await, EngineError::Busy { retry_after: None }));
    assert_eq!(host.requests().len(), 1, "the host was not bothered");

    drop(stream);
    assert!(listen(engine.chat(hi()).await.unwrap()).await.finish.is_some());
    host.will(Answer::status(500, &[], ""));
    refused(&engine).await;
    assert_eq!(engine.describe().in_flight, 0);
}

/// The host has done its work with its last word, however long the caller then takes to read.
#[tokio::test]
async fn a_place_is_free_again_when_the_host_is_done() {
    let host = ScriptedHost::start().await;
    let engine = engine(&host);
    let mut stream = engine.chat(hi()).await.unwrap();
    while let Some(event) = stream.next().await {
        if matches!(event.unwrap(), ChatEvent::Finished { .. }) {
            break;
        }
    }
    assert_eq!(engine.describe().in_flight, 0);
}
