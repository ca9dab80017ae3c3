//! Answers: what our own doors write, our own engines read.

use futures::StreamExt;
use inference::{ChatEngine, ChatEvent, ChatRequest, FinishReason, Message, Part};
use outbound::remote::{Kind, RemoteConfig, RemoteEngine};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use testkit::scripted_host::{Answer, ScriptedHost};
use vocab::{RequestId, Timestamp, Tokens, Usage};
use wire::anthropic::{EventWriter, MessageHead};
use wire::paas::{AnswerHead, ChunkWriter};

use super::Host;
use super::requests::{object_text, text};

/// A part of an answer, in pieces as they came.
#[derive(Clone, Debug)]
enum Segment {
    /// With the signature that ends it.
    Thinking(Vec<String>, String),
    Text(Vec<String>),
    Call(String, String),
}

/// Any answer that came to its end, calls whole.
fn answer() -> impl Strategy<Value = Vec<ChatEvent>> {
    let segment = prop_oneof![
        (vec(text(), 1..3), "[a-zA-Z]{1,8}")
            .prop_map(|(pieces, signature)| Segment::Thinking(pieces, signature)),
        vec(text(), 1..3).prop_map(Segment::Text),
        ("[a-z_]{1,8}", object_text()).prop_map(|(name, arguments)| Segment::Call(name, arguments)),
    ];
    let counts = (0..1000u64, 0..1000u64, 1..1000u64, 1..1000u64);
    let endings = prop_oneof![
        Just(FinishReason::Stop),
        Just(FinishReason::Length),
        Just(FinishReason::ModelContextWindowExceeded),
        Just(FinishReason::Sensitive),
    ];
    (vec(segment, 1..5), counts, endings, option::of(text())).prop_map(|(segments, counts, ending, stop)| {
        let (fresh, cached, reasoning, output) = counts;
        let prompt = Tokens(fresh + cached + 1);
        let mut events = vec![ChatEvent::Started { prompt, cached: Tokens(cached) }];
        let mut calls = 0;
        let mut thinks = false;
        for segment in segments {
            match segment {
                Segment::Thinking(pieces, signature) => {
                    thinks = true;
                    events.extend(pieces.into_iter().map(ChatEvent::Reasoning));
                    events.push(ChatEvent::Signature(signature));
                }
                Segment::Text(pieces) => events.extend(pieces.into_iter().map(ChatEvent::Content)),
                Segment::Call(name, fragment) => {
                    let index = calls;
                    events.push(ChatEvent::ToolCallStarted { index, id: format!("call_{index}"), name });
                    events.push(ChatEvent::ToolCallArguments { index, fragment });
                    events.push(ChatEvent::ToolCallFinished { index });
                    calls += 1;
                }
            }
        }
        let reason = if calls > 0 { FinishReason::ToolCalls } else { ending };
        events.extend(stop.filter(|_| reason == FinishReason::Stop).map(ChatEvent::StopMet));
        // Where nothing is thought, nothing is counted for it.
        let reasoning = if thinks { Tokens(reasoning) } else { Tokens::ZERO };
        let usage = Usage {
            fresh_prompt: Tokens(fresh + 1),
            cached_prompt: Tokens(cached),
            reasoning,
            answer: Tokens(output),
        };
        events.push(ChatEvent::Finished { reason, usage });
        events
    })
}

/// The same answer however it is cut: pieces joined, figures on the way left out.
fn joined(events: impl IntoIterator<Item = ChatEvent>) -> Vec<ChatEvent> {
    let mut joined: Vec<ChatEvent> = Vec::new();
    for event in events {
        match (joined.last_mut(), event) {
            (_, ChatEvent::Usage(_)) => {}
            (Some(ChatEvent::Reasoning(earlier)), ChatEvent::Reasoning(text))
            | (Some(ChatEvent::Content(earlier)), ChatEvent::Content(text)) => earlier.push_str(&text),
            (
                Some(ChatEvent::ToolCallArguments { index: same, fragment: earlier }),
                ChatEvent::ToolCallArguments { index, fragment },
            ) if *same == index => earlier.push_str(&fragment),
            (_, event) => joined.push(event),
        }
    }
    joined
}

/// What an engine makes of a host that sends `bytes`.
fn heard(host: &Host, kind: Kind, stop: Option<String>, bytes: &[u8]) -> Vec<ChatEvent> {
    let exchange = async {
        let host = ScriptedHost::start().await;
        host.will(Answer::open_stream().piece(bytes).end());
        let engine = RemoteEngine::new(RemoteConfig::new("host", kind, host.base_url(), "m")).unwrap();
        let hi = vec![Message::User { content: vec![Part::text("Hi")] }];
        let mut request = ChatRequest::new("glm-4.7".parse().unwrap(), hi);
        request.stop = stop.into_iter().collect();
        let events = engine.chat(request).await.unwrap();
        events.map(Result::unwrap).collect::<Vec<_>>().await
    };
    host.runtime.block_on(exchange)
}

fn stop_met(events: &[ChatEvent]) -> Option<String> {
    events.iter().find_map(|event| match event {
        ChatEvent::StopMet(text) => Some(text.clone()),
        _ => None,
    })
}

proptest! {
    #[test]
    fn an_answer_in_the_words_of_anthropic_is_the_same_answer(events in answer()) {
        let id = RequestId::generate(Timestamp::from_millis(1_800_000_000_000));
        let mut writer = EventWriter::new(&MessageHead { id, model: "glm-4.7".parse().unwrap() });
        let mut bytes = Vec::new();
        events.iter().for_each(|event| writer.write(event, &mut bytes));
        let heard = heard(&Host::new(), Kind::Anthropic, stop_met(&events), &bytes);
        prop_assert_eq!(joined(heard), joined(events));
    }

    /// The chat API has no word for signatures, nor for which text ended an answer; and it tells the size of the
    /// prompt at the end.
    #[test]
    fn an_answer_in_the_words_of_zai_is_the_same_answer(events in answer(), tool_stream: bool) {
        let created = Timestamp::from_millis(1_800_000_000_000);
        let head = AnswerHead { id: RequestId::generate(created), request_id: None, created, model: "glm-4.7".parse().unwrap() };
        let mut writer = ChunkWriter::new(&head, tool_stream);
        let mut bytes = Vec::new();
        events.iter().for_each(|event| writer.write(event, &mut bytes));
        let heard = heard(&Host::new(), Kind::ZAi, None, &bytes);
        let has_word = |event: &ChatEvent| {
            !matches!(event, ChatEvent::Started { .. } | ChatEvent::Signature(_) | ChatEvent::StopMet(_))
        };
        let without = |events: Vec<ChatEvent>| joined(events.into_iter().filter(has_word));
        prop_assert_eq!(without(heard), without(events));
    }
}
