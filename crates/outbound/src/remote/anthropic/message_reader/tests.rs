use std::sync::Arc;

use inference::{ChatRequest, Message, Part};
use proptest::prelude::*;
use vocab::{Tokens, Usage};

use super::*;
use crate::remote::decoder::{Decoder, Reader};
use crate::remote::refusal::Refusals;

fn decode(pieces: &[&[u8]]) -> (Vec<ChatEvent>, Option<EngineError>) {
    let request =
        ChatRequest::new("m".parse().unwrap(), vec![Message::User { content: vec![Part::text("Hi")] }]);
    let refusals = Refusals { secrets: Vec::new(), context_window: None };
    let mut decoder = Decoder::new(&request, Reader::Messages(MessageReader::default()), Arc::new(refusals));
    let mut result = Ok(());
    for piece in pieces {
        result = result.and_then(|()| {
            if decoder.is_done() { Ok(()) } else { decoder.push(bytes::Bytes::copy_from_slice(piece)) }
        });
    }
    let result = result.and_then(|()| decoder.end(None));
    (std::iter::from_fn(|| decoder.pop()).collect(), result.err())
}

/// A stream of these events, each with its name.
fn stream(events: &[&str]) -> String {
    let name = |event: &str| {
        let value: serde_json::Value = serde_json::from_str(event).unwrap();
        value["type"].as_str().unwrap_or("message").to_owned()
    };
    events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", name(event))).collect()
}

/// The events without figures, which other tests look at.
fn said(events: Vec<ChatEvent>) -> Vec<ChatEvent> {
    let is_figure = |event: &ChatEvent| matches!(event, ChatEvent::Started { .. } | ChatEvent::Usage(_));
    events.into_iter().filter(|event| !is_figure(event)).collect()
}

fn finished(events: &[ChatEvent]) -> (FinishReason, Usage) {
    match events.last() {
        Some(ChatEvent::Finished { reason, usage }) => (*reason, *usage),
        other => panic!("{other:?}"),
    }
}

const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],
    "usage":{"input_tokens":12,"cache_creation_input_tokens":3,"cache_read_input_tokens":85,"output_tokens":1}}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

fn whole_stream() -> String {
    stream(&[
        &START.replace('\n', ""),
        r#"{"type":"ping"}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"H\u00e4m"}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"YXo="}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"x"}}"#,
        r#"{"type":"content_block_stop","index":1}"#,
        r#"{"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}"#,
        r#"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"Grüße"}}"#,
        r#"{"type":"content_block_stop","index":2}"#,
        r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_1","name":"now","input":{}}}"#,
        r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":""}}"#,
        r#"{"type":"content_block_stop","index":3}"#,
        r#"{"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"toolu_2","name":"f","input":{}}}"#,
        r#"{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"{\"x\""}}"#,
        r#"{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":":1}"}}"#,
        r#"{"type":"content_block_stop","index":4}"#,
        r#"{"type":"invented_later","what":{"is":"it"}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":12,"cache_creation_input_tokens":3,"cache_read_input_tokens":85,"output_tokens":40,"output_tokens_details":{"thinking_tokens":9}}}"#,
        STOP,
    ])
}

#[test]
fn a_stream_of_everything_is_read_in_order() {
    let (events, error) = decode(&[whole_stream().as_bytes()]);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(events[0], ChatEvent::Started { prompt: Tokens(100), cached: Tokens(85) });
    let (reason, usage) = finished(&events);
    assert_eq!(reason, FinishReason::ToolCalls);
    let expected = Usage {
        fresh_prompt: Tokens(15),
        cached_prompt: Tokens(85),
        reasoning: Tokens(9),
        answer: Tokens(31),
    };
    assert_eq!(usage, expected);

    let mut said = said(events);
    said.pop();
    let call = |index, id: &str, name: &str| ChatEvent::ToolCallStarted {
        index,
        id: id.to_owned(),
        name: name.to_owned(),
    };
    let arguments =
        |index, fragment: &str| ChatEvent::ToolCallArguments { index, fragment: fragment.to_owned() };
    assert_eq!(
        said,
        [
            ChatEvent::Reasoning("Häm".to_owned()),
            ChatEvent::Signature("YXo=".to_owned()),
            ChatEvent::Content("Grüße".to_owned()),
            call(0, "toolu_1", "now"),
            arguments(0, "{}"),
            ChatEvent::ToolCallFinished { index: 0 },
            call(1, "toolu_2", "f"),
            arguments(1, "{\"x\""),
            arguments(1, ":1}"),
            ChatEvent::ToolCallFinished { index: 1 },
        ]
    );
}

/// `anthropic-api.md` §12.2, read the other way.
#[test]
fn every_stop_reason_is_understood() {
    use FinishReason as F;
    for (word, expected) in [
        ("end_turn", F::Stop),
        ("stop_sequence", F::Stop),
        ("pause_turn", F::Stop),
        ("tool_use", F::Stop), // without a call
        ("max_tokens", F::Length),
        ("model_context_window_exceeded", F::ModelContextWindowExceeded),
        ("refusal", F::Sensitive),
    ] {
        let ending = format!(
            r#"{{"type":"message_delta","delta":{{"stop_reason":"{word}","stop_sequence":"END"}},"usage":{{"output_tokens":2}}}}"#
        );
        let start = START.replace('\n', "");
        let (events, error) = decode(&[stream(&[&start, &ending, STOP]).as_bytes()]);
        assert!(error.is_none());
        assert_eq!(finished(&events).0, expected, "{word}");
        let met = events.iter().any(|event| *event == ChatEvent::StopMet("END".to_owned()));
        assert_eq!(met, word == "stop_sequence");
    }
}

/// A call that `max_tokens` cut off is not made to look whole, although its block is said to have stopped.
#[test]
fn a_call_that_was_cut_off_stays_unfinished() {
    let (events, error) = decode(&[stream(&[
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"Write","input":{}}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"text\":\"hal"}}"#,
        r#"{"type":"content_block_stop","index":0}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"max_tokens"}}"#,
        STOP,
    ])
    .as_bytes()]);
    assert!(error.is_none());
    assert_eq!(finished(&events).0, FinishReason::Length);
    assert!(!events.iter().any(|event| matches!(event, ChatEvent::ToolCallFinished { .. })));
}

#[test]
fn of_a_hosts_own_tools_the_words_and_the_sources_are_kept() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/fixtures/clients/_accepted-answers/anthropic-web-search.sse"
    );
    let (events, error) = decode(&[&std::fs::read(path).unwrap()]);
    assert!(error.is_none());
    assert_eq!(finished(&events).0, FinishReason::Stop);
    let mut text = String::new();
    for event in said(events) {
        match event {
            ChatEvent::Content(piece) => text += &piece,
            ChatEvent::Finished { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    let expected = "\n- Stub hit 1: https://example.com/1\n- Stub hit 2: https://example.com/2\n\nTwo stub hits were found.";
    assert_eq!(text, expected);
}

#[test]
fn a_whole_message_is_accepted_in_place_of_a_stream() {
    let whole = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[
        {"type":"thinking","thinking":"Hm","signature":"s"},{"type":"text","text":"Hi"},
        {"type":"tool_use","id":"a","name":"f","input":{"x":1}},{"type":"tool_use","id":"b","name":"g","input":{}}],
        "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":5}}"#;
    let (events, error) = decode(&[whole.as_bytes()]);
    assert!(error.is_none(), "{error:?}");
    let (reason, usage) = finished(&events);
    assert_eq!((reason, usage.prompt(), usage.completion()), (FinishReason::ToolCalls, Tokens(3), Tokens(5)));
    let calls = events.iter().filter(|event| matches!(event, ChatEvent::ToolCallFinished { .. }));
    assert_eq!(calls.count(), 2);
}

/// An error's text is not output.
#[test]
fn an_error_in_the_stream_is_an_error_and_not_output() {
    let text = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}"#;
    let error = r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let (events, error) = decode(&[stream(&[text, error]).as_bytes()]);
    assert!(matches!(error, Some(EngineError::Busy { .. })), "{error:?}");
    assert_eq!(said(events), [ChatEvent::Content("x".to_owned())]);

    for odd in [r#"{"detail":"Not Found"}"#, r#"{"code":500,"msg":"404 NOT_FOUND","success":false}"#] {
        assert!(decode(&[odd.as_bytes()]).1.is_some());
    }
}

/// A host that is cut off after it said why it stopped has said everything.
#[test]
fn the_last_event_may_be_missing_and_no_other() {
    let text = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}"#;
    let ending = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}"#;
    assert!(decode(&[stream(&[text, ending]).as_bytes()]).1.is_none());
    assert!(matches!(decode(&[stream(&[text]).as_bytes()]).1, Some(EngineError::Failed { .. })));
}

proptest! {
    /// However the network cuts a stream, it holds the same events.
    #[test]
    fn any_cutting_gives_the_same_events(cuts in proptest::collection::vec(0..2000usize, 0..40)) {
        let stream = whole_stream();
        let bytes = stream.as_bytes();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % bytes.len()).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts {
            pieces.push(&bytes[from..cut]);
            from = cut;
        }
        pieces.push(&bytes[from..]);
        prop_assert_eq!(decode(&pieces).0, decode(&[bytes]).0);
    }

    /// Whatever order events come in, there is an end or an error, calls follow one another, and nothing panics.
    #[test]
    fn no_order_of_events_can_harm(order in proptest::collection::vec(0..21usize, 0..30), end: bool) {
        let whole = whole_stream();
        let events: Vec<&str> = whole.split_inclusive("\n\n").collect();
        let mut shuffled: String = order.into_iter().map(|at| events[at % events.len()]).collect();
        if end {
            shuffled.push_str(events[events.len() - 1]);
        }
        let (events, error) = decode(&[shuffled.as_bytes()]);
        let is_finished = matches!(events.last(), Some(ChatEvent::Finished { .. }));
        prop_assert!(error.is_some() || is_finished);
        let mut open = None;
        for event in events {
            match event {
                ChatEvent::ToolCallStarted { index, .. } => {
                    prop_assert_eq!(open, None);
                    open = Some(index);
                }
                ChatEvent::ToolCallArguments { index, .. } => prop_assert_eq!(open, Some(index)),
                ChatEvent::ToolCallFinished { index } => {
                    prop_assert_eq!(open, Some(index));
                    open = None;
                }
                _ => {}
            }
        }
    }

    #[test]
    fn no_bytes_can_harm(bytes: Vec<u8>, as_event: bool) {
        let body = if as_event { [b"data: ".as_slice(), &bytes, b"\n\n"].concat() } else { bytes };
        let (events, error) = decode(&[&body]);
        let is_finished = matches!(events.last(), Some(ChatEvent::Finished { .. }));
        prop_assert!(error.is_some() || is_finished);
    }
}
