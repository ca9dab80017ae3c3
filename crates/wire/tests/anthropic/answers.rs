//! The whole answer (`anthropic-api.md` §12).

use inference::{ChatEvent, FinishReason};
use serde_json::{Value, json};
use wire::anthropic::Message;

use crate::requests::shared;
use crate::streams::{ID, call, called, content, finished, head, piece, started, thinking};

fn collected(events: &[ChatEvent]) -> Value {
    serde_json::to_value(Message::collect(&head(), events.to_vec()).unwrap()).unwrap()
}

/// The example of the specification, with its fields in their order.
#[test]
fn a_turn_that_thinks_speaks_and_calls_is_one_message() {
    let specification = std::fs::read_to_string(shared("spec/anthropic-api.md")).unwrap();
    let (_, after) = specification.split_once("## 12. The message\n\n```json\n").unwrap();
    let expected: Value = serde_json::from_str(after.split_once("```").unwrap().0).unwrap();
    let events = [
        started(),
        thinking("The user "),
        thinking("wants ..."),
        content("I will use"),
        content(" a tool now."),
        ChatEvent::ToolCallStarted {
            index: 0,
            id: "call_ee8e2fbf2fcd4b7d9059b1dc".to_owned(),
            name: "Write".to_owned(),
        },
        piece(0, "{\"file_path\":\"hello.txt\","),
        piece(0, "\"content\":\"hi\"}"),
        called(0),
        finished(FinishReason::ToolCalls),
    ];
    let message = Message::collect(&head(), events).unwrap();
    assert_eq!(serde_json::to_string(&message).unwrap(), expected.to_string());
}

/// §12: `content` may be empty, but not null.
#[test]
fn an_empty_answer_has_an_empty_list() {
    let message = collected(&[content("\n"), finished(FinishReason::Stop)]);
    assert_eq!((&message["content"], &message["stop_reason"]), (&json!([]), &json!("end_turn")));
    assert_eq!(message["id"], format!("msg_{ID}"));
}

/// §12: a call's input is an object that keeps what the model wrote.
#[test]
fn the_input_of_a_call_is_an_object() {
    let input = |arguments: &str| {
        let events = [call(0, "a"), piece(0, arguments), called(0), finished(FinishReason::ToolCalls)];
        let message = Message::collect(&head(), events).unwrap();
        let json = serde_json::to_string(&message).unwrap();
        let (_, after) = json.split_once("\"input\":").unwrap();
        after.split_once("}],\"stop_reason\"").unwrap().0.to_owned()
    };
    assert_eq!(
        input("{\"n\": 12345678901234567890123, \"z\": 1, \"a\": 1.50}"),
        "{\"n\": 12345678901234567890123, \"z\": 1, \"a\": 1.50}"
    );
    assert_eq!(input(""), "{}");
    assert_eq!(input("{\"a\": \"two\nlines"), "{\"a\": \"two\\u000alines\"}");
    assert_eq!(input("[1]"), "{}");
}

/// An answer that was cut in the middle of a call does not pretend that the call is whole.
#[test]
fn a_call_that_was_cut_off_is_left_out() {
    let cut = [content("a"), call(0, "a"), piece(0, "{\"x\": \"lo"), finished(FinishReason::Length)];
    let message = collected(&cut);
    assert_eq!(
        (&message["content"], &message["stop_reason"]),
        (&json!([{"type": "text", "text": "a"}]), &json!("max_tokens"))
    );
    let after_a_whole_one = [
        call(0, "a"),
        piece(0, "{}"),
        called(0),
        call(1, "b"),
        piece(1, "{"),
        finished(FinishReason::Length),
    ];
    let message = collected(&after_a_whole_one);
    assert_eq!(
        (message["content"].as_array().unwrap().len(), &message["stop_reason"]),
        (1, &json!("tool_use"))
    );
}

#[test]
fn a_stop_text_is_named() {
    let message =
        collected(&[content("a"), ChatEvent::StopMet("END".to_owned()), finished(FinishReason::Stop)]);
    assert_eq!(
        (&message["stop_reason"], &message["stop_sequence"]),
        (&json!("stop_sequence"), &json!("END"))
    );
}

/// ERR-05: this dialect has no half answers.
#[test]
fn an_answer_that_breaks_off_is_none() {
    assert!(Message::collect(&head(), [content("Hel")]).is_none());
    assert!(Message::collect(&head(), [content("Hel"), finished(FinishReason::NetworkError)]).is_none());
}
