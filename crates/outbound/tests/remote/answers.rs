use serde_json::json;
use testkit::scripted_host::{Answer, content};
use vocab::Tokens;

use super::*;

#[tokio::test]
async fn a_streamed_answer_arrives_with_the_figures_of_the_host() {
    let host = ScriptedHost::start().await;
    let told = listen(engine(&host).chat(hi()).await.unwrap()).await;
    assert_eq!(told.content, "Hello");
    let (reason, usage) = told.finish.unwrap();
    assert_eq!(reason, FinishReason::Stop);
    assert_eq!((usage.prompt(), usage.completion()), (Tokens(9), Tokens(2)));
}

/// Connections are used again, also when the last bytes of an answer come late.
#[tokio::test]
async fn one_connection_serves_many_answers() {
    let host = ScriptedHost::start().await;
    let engine = engine(&host);
    for _ in 0..3 {
        let late = Answer::open_stream().event(&content("x").to_string()).event("[DONE]");
        host.will(late.wait(Duration::from_millis(20)).end());
        assert!(listen(engine.chat(hi()).await.unwrap()).await.finish.is_some());
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    assert_eq!(host.connections(), 1);
}

/// The first event is not held back until the answer is complete.
#[tokio::test]
async fn the_first_piece_is_there_while_the_host_still_works() {
    let host = ScriptedHost::start().await;
    host.will(Answer::open_stream().event(&content("Hel").to_string()).silence());
    let mut stream = engine(&host).chat(hi()).await.unwrap();
    assert_eq!(next_content(&mut stream).await, "Hel");
}

#[tokio::test]
async fn a_whole_answer_is_taken_where_a_stream_was_asked_for() {
    let host = ScriptedHost::start().await;
    host.will(Answer::json(
        200,
        &json!({"choices": [{"index": 0, "message": {"content": "Hi", "reasoning_content": "Hm"}, "finish_reason": "length"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 4, "completion_tokens_details": {"reasoning_tokens": 3}}}),
    ));
    let told = listen(engine(&host).chat(hi()).await.unwrap()).await;
    assert_eq!((told.reasoning.as_str(), told.content.as_str()), ("Hm", "Hi"));
    let (reason, usage) = told.finish.unwrap();
    assert_eq!(reason, FinishReason::Length);
    assert_eq!((usage.reasoning, usage.answer), (Tokens(3), Tokens(1)));
}

#[tokio::test]
async fn a_wrong_content_type_does_not_hide_a_good_stream() {
    let host = ScriptedHost::start().await;
    host.will(Answer::open("text/plain").event(&content("Hi").to_string()).event("[DONE]").end());
    assert_eq!(listen(engine(&host).chat(hi()).await.unwrap()).await.content, "Hi");
}

/// Hosts that keep the connection open after the last word are not waited for.
#[tokio::test]
async fn an_answer_ends_with_its_finish_reason_even_if_the_host_forgets_to_close() {
    let host = ScriptedHost::start().await;
    let last = json!({"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]});
    host.will(Answer::open_stream().event(&last.to_string()).silence());
    let mut config = config(&host);
    config.timeouts.idle = Duration::from_millis(100);
    let told = listen(RemoteEngine::new(config).unwrap().chat(hi()).await.unwrap()).await;
    assert_eq!(told.finish.unwrap().0, FinishReason::Stop);
}

#[tokio::test]
async fn tool_calls_come_in_pieces_and_end_as_json() {
    let host = ScriptedHost::start().await;
    let delta = |call: serde_json::Value| json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]});
    host.will(Answer::stream(&[
        delta(json!({"index": 0, "id": "a", "type": "function", "function": {"name": "get_weather", "arguments": ""}})),
        delta(json!({"index": 0, "function": {"arguments": "{\"city\":"}})),
        delta(json!({"index": 0, "function": {"arguments": "\"Bonn\"}"}})),
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
    ]));
    let events: Vec<_> = engine(&host).chat(hi()).await.unwrap().map(Result::unwrap).collect().await;
    let calls: Vec<_> = events
        .into_iter()
        .filter(|event| !matches!(event, ChatEvent::Started { .. } | ChatEvent::Usage(_)))
        .collect();
    assert_eq!(
        calls[0],
        ChatEvent::ToolCallStarted { index: 0, id: "a".to_owned(), name: "get_weather".to_owned() }
    );
    assert_eq!(calls[1], ChatEvent::ToolCallArguments { index: 0, fragment: "{\"city\":".to_owned() });
    assert_eq!(calls[3], ChatEvent::ToolCallFinished { index: 0 });
    assert!(matches!(calls[4], ChatEvent::Finished { reason: FinishReason::ToolCalls, .. }));
}

#[tokio::test]
async fn a_host_of_raw_text_gets_our_own_parser() {
    let host = ScriptedHost::start().await;
    host.will(Answer::text(&["Hm</th", "ink>Hello"]));
    let mut config = config(&host);
    config.raw_text = Some(inference::parser::Generation::B);
    let told = listen(RemoteEngine::new(config).unwrap().chat(hi()).await.unwrap()).await;
    assert_eq!((told.reasoning.as_str(), told.content.as_str()), ("Hm", "Hello"));
}
