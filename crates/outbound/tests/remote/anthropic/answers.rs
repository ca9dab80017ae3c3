use outbound::remote::Tokenize;
use serde_json::json;
use testkit::scripted_host::{Answer, message_end, message_start, text_delta};
use vocab::Tokens;

use super::*;

#[tokio::test]
async fn a_streamed_message_arrives_with_the_figures_of_the_host() {
    let host = ScriptedHost::start().await;
    host.will(Answer::message(&["Hel", "lo"]));
    let told = listen(engine(&host).chat(hi()).await.unwrap()).await;
    assert_eq!(told.content, "Hello");
    let (reason, usage) = told.finish.unwrap();
    assert_eq!(reason, FinishReason::Stop);
    assert_eq!((usage.prompt(), usage.completion()), (Tokens(9), Tokens(2)));
}

/// CACHE-02: what the host read from its cache is part of the prompt, and known before the first piece.
#[tokio::test]
async fn the_prompt_is_counted_before_the_first_piece() {
    let host = ScriptedHost::start().await;
    let start = Answer::open_stream().named_event(&message_start(20, 80));
    host.will(start.named_event(&text_delta("Hel")).silence());
    let mut stream = engine(&host).chat(hi()).await.unwrap();
    let first = stream.next().await.unwrap().unwrap();
    assert_eq!(first, ChatEvent::Started { prompt: Tokens(100), cached: Tokens(80) });
    assert_eq!(next_content(&mut stream).await, "Hel");
}

#[tokio::test]
async fn thinking_comes_with_its_signature_and_a_stop_text_with_its_name() {
    let host = ScriptedHost::start().await;
    let block = json!({"type": "thinking", "thinking": "", "signature": ""});
    let delta = |delta| json!({"type": "content_block_delta", "index": 0, "delta": delta});
    host.will(Answer::messages(&[
        message_start(9, 0),
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
        delta(json!({"type": "thinking_delta", "thinking": "Hm"})),
        delta(json!({"type": "signature_delta", "signature": "EqQB"})),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "stop_sequence", "stop_sequence": "END"},
            "usage": {"output_tokens": 3}}),
        json!({"type": "message_stop"}),
    ]));
    let events: Vec<_> = engine(&host).chat(hi()).await.unwrap().map(Result::unwrap).collect().await;
    let place = |wanted: &ChatEvent| events.iter().position(|event| event == wanted);
    let thought = place(&ChatEvent::Reasoning("Hm".to_owned())).unwrap();
    let signature = place(&ChatEvent::Signature("EqQB".to_owned())).unwrap();
    let stop = place(&ChatEvent::StopMet("END".to_owned())).unwrap();
    assert!(thought < signature && signature < stop);
    assert_eq!(stop + 2, events.len(), "just before the end");
}

/// Connections are used again.
#[tokio::test]
async fn one_connection_serves_many_messages() {
    let host = ScriptedHost::start().await;
    host.otherwise(Answer::message(&["x"]));
    let engine = engine(&host);
    for _ in 0..3 {
        assert!(listen(engine.chat(hi()).await.unwrap()).await.finish.is_some());
        // The last bytes of the body come after the last event.
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    assert_eq!(host.connections(), 1);
}

/// A host that goes on pinging while it works is not silent.
#[tokio::test]
async fn pings_keep_a_slow_answer_alive() {
    let host = ScriptedHost::start().await;
    let mut slow = Answer::open_stream().named_event(&message_start(9, 0)).named_event(&text_delta("a"));
    for _ in 0..4 {
        slow = slow.wait(Duration::from_millis(120)).named_event(&json!({"type": "ping"}));
    }
    let [delta, stop] = message_end("end_turn", 1);
    host.will(slow.named_event(&delta).named_event(&stop).end());
    let mut config = config(&host);
    config.timeouts.idle = Duration::from_millis(300);
    let told = listen(RemoteEngine::new(config).unwrap().chat(hi()).await.unwrap()).await;
    assert_eq!((told.content.as_str(), told.finish.is_some()), ("a", true));
}

#[tokio::test]
async fn prompts_are_counted_by_the_host_unless_it_cannot() {
    let host = ScriptedHost::start().await;
    host.will(Answer::json(200, &json!({"input_tokens": 2095})));
    assert_eq!(engine(&host).count_tokens(&hi()).await.unwrap(), Tokens(2095));
    let seen = host.only_request();
    assert_eq!(seen.path, "/v1/messages/count_tokens");
    let message = json!({"role": "user", "content": [{"type": "text", "text": "Hi"}]});
    let thinking = json!({"type": "enabled", "budget_tokens": 4_096});
    assert_eq!(seen.json(), json!({"model": "claude-x", "messages": [message], "thinking": thinking}));

    let mut config = config(&host);
    config.tokenize = Tokenize::Estimate;
    assert_eq!(RemoteEngine::new(config).unwrap().count_tokens(&hi()).await.unwrap(), Tokens(5));
    assert_eq!(host.requests().len(), 1);
}
