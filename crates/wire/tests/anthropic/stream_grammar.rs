//! A stream obeys the strictest client, whatever the engine says (`anthropic-api.md` §13).

use inference::{ChatEvent, FinishReason};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use vocab::Tokens;
use wire::anthropic::Message;

use crate::streams::{
    call, called, content, events, finished, head, piece, started, thinking, usage, written,
};

/// Reads a stream as a strict client does and returns the content of the message; asserts everything on the way.
fn received(stream: &str) -> (Vec<Value>, Value) {
    // The lines as Python's `str.splitlines` sees them, which `httpx` uses.
    let is_odd_line_end =
        |c| matches!(c, '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    assert_eq!(stream.find(is_odd_line_end), None);
    let mut events = events(stream).into_iter().filter(|event| event["type"] != "ping").collect::<Vec<_>>();
    assert_eq!(events.remove(0)["type"], "message_start");
    assert_eq!(events.pop().unwrap()["type"], "message_stop");
    let end = events.pop().unwrap();
    assert_eq!(end["type"], "message_delta");

    let mut content: Vec<Value> = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for event in events {
        let index = usize::try_from(event["index"].as_u64().unwrap()).unwrap();
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                assert!(open.is_none() && index == content.len(), "blocks are sequential and without gaps");
                content.push(event["content_block"].clone());
                open = Some((index, String::new()));
            }
            "content_block_delta" => {
                let (open, arguments) = open.as_mut().expect("a delta belongs to an open block");
                assert_eq!(*open, index);
                let block = &mut content[index];
                let delta = &event["delta"];
                let (kind, field) = match delta["type"].as_str().unwrap() {
                    "thinking_delta" => ("thinking", "thinking"),
                    "signature_delta" => ("thinking", "signature"),
                    "text_delta" => ("text", "text"),
                    "input_json_delta" => ("tool_use", "partial_json"),
                    other => panic!("{other}"),
                };
                assert_eq!(block["type"], kind);
                let text = delta[field].as_str().unwrap();
                if field == "partial_json" {
                    arguments.push_str(text);
                } else {
                    assert!(field == "signature" || block["signature"].as_str().is_none_or(str::is_empty));
                    block[field] = Value::from(block[field].as_str().unwrap().to_owned() + text);
                }
            }
            "content_block_stop" => {
                let (open, arguments) = open.take().expect("only an open block is stopped");
                assert_eq!(open, index);
                if content[index]["type"] == "tool_use" {
                    content[index]["input"] = serde_json::from_str(&arguments).unwrap_or(Value::Null);
                }
                if content[index]["type"] == "thinking" {
                    assert_ne!(content[index]["signature"], "");
                }
            }
            other => panic!("{other}"),
        }
    }
    assert!(open.is_none(), "the last block is stopped");
    (content, end)
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ \n]{0,3}",
        "[\u{0}-\u{ff}\u{2020}-\u{2030}\"\\\\😀]{0,20}",
        "event: error\n\n"
    ]
}

fn object() -> impl Strategy<Value = String> {
    proptest::collection::btree_map(words(), words(), 0..4)
        .prop_map(|members| serde_json::to_string(&members).unwrap())
}

/// A call in pieces.
fn a_call(index: u32) -> impl Strategy<Value = Vec<ChatEvent>> {
    (object(), any::<prop::sample::Index>()).prop_map(move |(arguments, cut)| {
        let places: Vec<usize> = arguments.char_indices().map(|(place, _)| place).collect();
        let (one, two) = arguments.split_at(*cut.get(&places));
        vec![call(index, &format!("call_{index}")), piece(index, one), piece(index, two), called(index)]
    })
}

/// What an engine says, by the order that `ChatEvent` promises.
fn a_turn() -> impl Strategy<Value = Vec<ChatEvent>> {
    let signature = proptest::option::of("[a-zA-Z0-9+/]{1,12}".prop_map(ChatEvent::Signature));
    let calls = (0..4_u32).prop_flat_map(|count| (0..count).map(a_call).collect::<Vec<_>>());
    (vec(words(), 0..4), signature, vec(words(), 0..4), calls, vec(words(), 0..2)).prop_map(
        |(thoughts, signature, texts, calls, afterwards)| {
            let mut turn = vec![started()];
            turn.extend(thoughts.iter().map(|text| thinking(text)));
            turn.extend(signature);
            turn.extend(texts.iter().map(|text| content(text)));
            turn.extend(calls.into_iter().flatten());
            turn.extend(afterwards.iter().map(|text| content(text)));
            turn.push(finished(FinishReason::ToolCalls));
            turn
        },
    )
}

/// What no engine should say.
fn any_event() -> impl Strategy<Value = ChatEvent> {
    let index = 0..3_u32;
    prop_oneof![
        Just(started()),
        words().prop_map(ChatEvent::Reasoning),
        words().prop_map(ChatEvent::Signature),
        words().prop_map(ChatEvent::Content),
        words().prop_map(ChatEvent::StopMet),
        Just(ChatEvent::Usage(usage())),
        Just(ChatEvent::Logprobs(Vec::new())),
        (index.clone(), words()).prop_map(|(index, id)| call(index, &id)),
        (index.clone(), prop_oneof![words(), Just("{".to_owned())])
            .prop_map(|(index, text)| piece(index, &text)),
        index.prop_map(called),
    ]
}

fn any_reason() -> impl Strategy<Value = FinishReason> {
    prop::sample::select(vec![
        FinishReason::Stop,
        FinishReason::ToolCalls,
        FinishReason::Length,
        FinishReason::ModelContextWindowExceeded,
        FinishReason::Sensitive,
    ])
}

proptest! {
    /// The grammar holds, the stream and the whole answer hold the same blocks, and nothing that was said is lost.
    #[test]
    fn what_an_engine_says_arrives_in_order_and_whole(turn in a_turn()) {
        let (content, end) = received(&written(&turn));
        let whole = serde_json::to_value(Message::collect(&head(), turn.clone()).unwrap()).unwrap();
        prop_assert_eq!(&Value::from(content.clone()), &whole["content"]);
        prop_assert_eq!(&end["delta"]["stop_reason"], &whole["stop_reason"]);

        let calls: Vec<&Value> = content.iter().filter(|block| block["type"] == "tool_use").collect();
        prop_assert_eq!(whole["stop_reason"] == "tool_use", !calls.is_empty());
        let sent = turn.iter().filter(|event| matches!(event, ChatEvent::ToolCallStarted { .. })).count();
        prop_assert_eq!(calls.len(), sent);
        prop_assert!(calls.iter().all(|call| call["input"].is_object()));
        let usage = &end["usage"];
        let sum: u64 = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"]
            .iter().map(|field| usage[field].as_u64().unwrap()).sum();
        prop_assert_eq!(Tokens(sum), self::usage().prompt());
    }

    /// Whatever comes, in whatever order, the grammar holds.
    #[test]
    fn the_grammar_holds_whatever_is_said(turn in vec(any_event(), 0..24), reason in any_reason()) {
        let mut turn = turn;
        turn.push(finished(reason));
        let (_, end) = received(&written(&turn));
        prop_assert!(end["delta"]["stop_reason"].is_string());
        prop_assert!(Message::collect(&head(), turn).is_some());
    }

    /// However the text is cut into pieces, the message is the same.
    #[test]
    fn the_cut_of_the_pieces_does_not_matter(text in words(), cut in any::<prop::sample::Index>()) {
        let places: Vec<usize> = text.char_indices().map(|(place, _)| place).chain([text.len()]).collect();
        let (one, two) = text.split_at(*cut.get(&places));
        let end = finished(FinishReason::Stop);
        let whole = received(&written(&[content(&text), end.clone()]));
        prop_assert_eq!(whole, received(&written(&[content(one), content(two), end])));
    }
}
