use gateway::{Door, Ending};
use inference::{ChatEvent, EngineError, FinishReason};
use serde_json::json;
use testkit::TestApp;
use testkit::scripted_engine::Answer;

use crate::{hello, hello_with};

/// A record for every admitted request, whichever way it ends, with its tokens in disjoint classes.
#[tokio::test]
async fn every_ending_is_recorded_once() {
    let app = TestApp::start().await;
    let say = |text: &str| vec![ChatEvent::Content(text.to_owned())];
    let failure = EngineError::Failed { reason: "gone".to_owned() };
    let endings = [
        (Answer::Events(say("a"), FinishReason::Stop), Ending::Finished),
        (Answer::Events(say("a"), FinishReason::Length), Ending::Cut),
        (Answer::Events(say("a"), FinishReason::ModelContextWindowExceeded), Ending::Cut),
        (Answer::Events(say("a"), FinishReason::Sensitive), Ending::Filtered),
        (Answer::Events(Vec::new(), FinishReason::Stop), Ending::Empty),
        (Answer::BreaksOff(say("a"), failure.clone()), Ending::EngineFailed),
        (Answer::BreaksOff(Vec::new(), failure.clone()), Ending::EngineFailed),
        (Answer::Refusal(failure), Ending::EngineRefused),
    ];
    for (answer, ending) in endings {
        let before = app.usage().await;
        app.engine.will(answer);
        app.stream_or_error(&hello_with(&json!({"stream": true}))).await;
        let mut records = app.usage().await;
        records.retain(|record| !before.contains(record));
        let [record] = &records[..] else { panic!("{ending:?} left {} records", records.len()) };
        assert_eq!(record.ending, ending);
        assert_eq!(record.door, Door::General);
        assert_eq!(record.model.as_str(), "glm-4.7");
    }
}

/// What is refused before an engine is asked is not use.
#[tokio::test]
async fn refused_requests_are_not_recorded() {
    let app = TestApp::start().await;
    app.chat(&hello_with(&json!({"model": "no-such-model"}))).await;
    app.chat(&hello_with(&json!({"messages": []}))).await;
    assert!(app.usage().await.is_empty());
    app.chat(&hello()).await;
    let records = app.usage().await;
    assert_eq!(records[0].usage.prompt().0, 10);
    assert_eq!(records[0].usage.cached_prompt.0, 4);
    assert_eq!(records[0].usage.answer.0, 1);
    assert!(records[0].first_token.is_some());
}
