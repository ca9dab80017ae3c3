//! The stream, byte for byte (`anthropic-api.md` §13).

use inference::{ChatEvent, FinishReason};
use serde_json::{Value, json};
use vocab::{RequestId, Tokens, Usage};
use wire::Code;
use wire::anthropic::{ErrorEnvelope, EventWriter, MessageHead};

use crate::requests::shared;

pub const ID: &str = "2026071106202516f8db3a3eaf460f";

pub fn head() -> MessageHead {
    MessageHead { id: RequestId::parse(ID).unwrap(), model: "glm-4.7".parse().unwrap() }
}

/// A prompt of 19,116 tokens, most of them cached.
pub fn usage() -> Usage {
    Usage::from_overlapping(Tokens(19_116), Tokens(18_304), Tokens(64), Tokens::ZERO)
}

pub fn started() -> ChatEvent {
    ChatEvent::Started { prompt: Tokens(19_116), cached: Tokens(18_304) }
}

pub fn thinking(text: &str) -> ChatEvent {
    ChatEvent::Reasoning(text.to_owned())
}

pub fn content(text: &str) -> ChatEvent {
    ChatEvent::Content(text.to_owned())
}

pub fn call(index: u32, id: &str) -> ChatEvent {
    ChatEvent::ToolCallStarted { index, id: id.to_owned(), name: "Write".to_owned() }
}

pub fn piece(index: u32, fragment: &str) -> ChatEvent {
    ChatEvent::ToolCallArguments { index, fragment: fragment.to_owned() }
}

pub fn called(index: u32) -> ChatEvent {
    ChatEvent::ToolCallFinished { index }
}

pub fn finished(reason: FinishReason) -> ChatEvent {
    ChatEvent::Finished { reason, usage: usage() }
}

pub fn written(events: &[ChatEvent]) -> String {
    let mut writer = EventWriter::new(&head());
    let mut out = Vec::new();
    events.iter().for_each(|event| writer.write(event, &mut out));
    String::from_utf8(out).unwrap()
}

/// The data of each event, whose name is its type.
pub fn events(stream: &str) -> Vec<Value> {
    let body = stream.strip_suffix("\n\n").expect("the last event is complete");
    let read = |event: &str| {
        let (name, data) = event.split_once('\n').expect("two lines");
        let data: Value =
            serde_json::from_str(data.strip_prefix("data: ").expect("data")).expect("JSON in one line");
        assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
        data
    };
    body.split("\n\n").map(read).collect()
}

fn deltas<'a>(events: &'a [Value], field: &str) -> Vec<&'a str> {
    events.iter().filter_map(|event| event["delta"][field].as_str()).collect()
}

/// The example of the specification.
#[test]
fn a_turn_that_thinks_speaks_and_calls_is_written_as_specified() {
    let specification = std::fs::read_to_string(shared("spec/anthropic-api.md")).unwrap();
    let (_, after) = specification.split_once("```text\nevent: message_start").unwrap();
    let (example, _) = after.split_once("```").unwrap();
    let expected = format!("event: message_start{example}").replace("\"msg_...\"", &format!("\"msg_{ID}\""));

    let stream = written(&[
        started(),
        thinking("The user"),
        ChatEvent::Signature("YXo=".to_owned()),
        content("I will"),
        call(0, "call_ee8e2fbf2fcd4b7d9059b1dc"),
        piece(0, "{\"file_path\": \"hello.txt\", "),
        piece(0, "\"content\": \"hi\"}"),
        called(0),
        finished(FinishReason::ToolCalls),
    ]);
    assert_eq!(stream, expected);
}

/// §13.4: the counts that are known by then; those at the end win.
#[test]
fn a_sign_of_life_begins_the_message_before_anything_is_known() {
    let mut writer = EventWriter::new(&head());
    let mut out = Vec::new();
    writer.write_keep_alive(&mut out);
    writer.write_keep_alive(&mut out);
    [started(), content("hi"), finished(FinishReason::Stop)]
        .iter()
        .for_each(|event| writer.write(event, &mut out));
    let end = out.len();
    writer.write_keep_alive(&mut out);
    assert_eq!(out.len(), end, "nothing follows the end");

    let events = events(str::from_utf8(&out).unwrap());
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "message_start",
            "ping",
            "ping",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    assert_eq!(events[0]["message"]["usage"]["input_tokens"], 0);
    assert_eq!(
        events[6]["usage"],
        json!({"input_tokens": 812, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 18_304, "output_tokens": 64})
    );
}

/// §12.1
#[test]
fn thinking_is_counted_apart_where_there_was_some() {
    let usage = Usage::from_overlapping(Tokens(10), Tokens(4), Tokens(9), Tokens(6));
    let stream = written(&[ChatEvent::Finished { reason: FinishReason::Stop, usage }]);
    assert_eq!(
        events(&stream)[2]["usage"],
        json!({"input_tokens": 6, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 4,
            "output_tokens": 9, "output_tokens_details": {"thinking_tokens": 6}})
    );
}

/// §13.3: exactly one signature, last in its block; a host's own comes back unchanged.
#[test]
fn thinking_is_signed_by_its_host_or_by_us() {
    let sign = |text: &str| ChatEvent::Signature(text.to_owned());
    let signatures = |between: &[ChatEvent]| {
        let mut turn = between.to_vec();
        turn.push(finished(FinishReason::Stop));
        let events = events(&written(&turn));
        deltas(&events, "signature").join(" ")
    };
    assert_eq!(signatures(&[thinking("a"), content("b")]), "YXo=");
    assert_eq!(signatures(&[thinking("a"), sign("EqAB/+="), content("b")]), "EqAB/+=");
    assert_eq!(signatures(&[thinking("a"), sign("one"), thinking("b"), sign("two")]), "one two");
    assert_eq!(signatures(&[sign("of nothing that is shown"), content("b")]), "of nothing that is shown");
    assert_eq!(signatures(&[content("b")]), "");
}

/// §12: white space before a call is left out, and no other.
#[test]
fn white_space_before_a_call_is_left_out() {
    let texts = |turn: &[ChatEvent]| deltas(&events(&written(turn)), "text").concat();
    let a_call = [call(0, "a"), piece(0, "{}"), called(0), finished(FinishReason::ToolCalls)];
    let before = |text: &[ChatEvent]| texts(&[text, &a_call].concat());
    assert_eq!(before(&[thinking("hm"), content("\n"), content(" \n")]), "");
    assert_eq!(before(&[content("\n"), content("I will.\n\n")]), "\nI will.\n\n");
    assert_eq!(
        texts(&[content("\n\n"), content("Well"), content(" "), finished(FinishReason::Stop)]),
        "\n\nWell "
    );
}

/// §13.2: no arguments are an empty object.
#[test]
fn a_call_without_arguments_has_an_empty_object() {
    for arguments in ["", "  ", "null", "{}"] {
        let stream =
            written(&[call(0, "a"), piece(0, arguments), called(0), finished(FinishReason::ToolCalls)]);
        assert_eq!(deltas(&events(&stream), "partial_json").concat(), "{}", "{arguments:?}");
    }
}

#[test]
fn an_object_inside_a_text_comes_out_of_it() {
    let turn =
        [call(0, "a"), piece(0, "\"{\\\"x\\\":"), piece(0, "1}\""), called(0), finished(FinishReason::Stop)];
    let events = events(&written(&turn));
    assert_eq!(deltas(&events, "partial_json").concat(), "{\"x\":1}");
    assert_eq!(deltas(&events, "stop_reason"), ["tool_use"]);
}

/// §13.1: parallel calls are consecutive blocks, however their pieces come, and what is said meanwhile waits.
#[test]
fn parallel_calls_are_consecutive_blocks() {
    let turn = [
        call(0, "a"),
        piece(0, "{\"x\":"),
        call(1, "b"),
        piece(1, "{\"y\":"),
        content("done"),
        call(2, "c"),
        piece(2, "{}"),
        called(2),
        piece(0, "0}"),
        called(0),
        piece(1, "1}"),
        called(1),
        finished(FinishReason::ToolCalls),
    ];
    let events = events(&written(&turn));
    let started: Vec<_> = (events.iter().filter(|event| event["type"] == "content_block_start"))
        .map(|event| event["content_block"]["id"].as_str().unwrap_or("text"))
        .collect();
    assert_eq!(started, ["a", "b", "text", "c"]);
    assert_eq!(deltas(&events, "partial_json"), ["{\"x\":", "0}", "{\"y\":", "1}", "{}"]);
}

/// A call that was cut off is not sent, or, where its beginning was, is not said to be one that waits for its result.
#[test]
fn a_call_that_was_cut_off_is_not_to_be_run() {
    let whole = [call(0, "a"), piece(0, "{}"), called(0)];
    let cut = |rest: &[ChatEvent], reason: FinishReason| {
        let turn = [&whole[..], rest, &[finished(reason)]].concat();
        let events = events(&written(&turn));
        let calls = events.iter().filter(|event| event["content_block"]["type"] == "tool_use").count();
        let stops = events.iter().filter(|event| event["type"] == "content_block_stop").count();
        assert_eq!(calls, stops);
        (calls, deltas(&events, "stop_reason").concat())
    };
    assert_eq!(cut(&[call(1, "b")], FinishReason::Length), (1, "tool_use".to_owned()));
    assert_eq!(cut(&[call(1, "b"), piece(1, " ")], FinishReason::Length), (1, "tool_use".to_owned()));
    assert_eq!(
        cut(&[call(1, "b"), piece(1, "{\"x\": \"lo")], FinishReason::Length),
        (2, "max_tokens".to_owned())
    );
    // An engine that waits for results vouches for its calls.
    assert_eq!(cut(&[call(1, "b")], FinishReason::ToolCalls), (2, "tool_use".to_owned()));
}

/// §12.2
#[test]
fn each_reason_has_its_word() {
    let reason = |turn: &[ChatEvent]| {
        let events = events(&written(turn));
        events[events.len() - 2]["delta"].clone()
    };
    let plain = |word: &str| json!({"stop_reason": word, "stop_sequence": null});
    for (said, word) in [
        (FinishReason::Stop, "end_turn"),
        (FinishReason::ToolCalls, "end_turn"),
        (FinishReason::Length, "max_tokens"),
        (FinishReason::ModelContextWindowExceeded, "model_context_window_exceeded"),
        (FinishReason::Sensitive, "refusal"),
    ] {
        assert_eq!(reason(&[content("a"), finished(said)]), plain(word));
        assert_eq!(reason(&[call(0, "a"), called(0), finished(said)]), plain("tool_use"));
    }
    let met = ChatEvent::StopMet("\u{2028}END".to_owned());
    assert_eq!(
        reason(&[content("a"), met.clone(), finished(FinishReason::Stop)]),
        json!({"stop_reason": "stop_sequence", "stop_sequence": "\u{2028}END"})
    );
    assert_eq!(reason(&[call(0, "a"), called(0), met, finished(FinishReason::Stop)]), plain("tool_use"));
}

/// §13.8, ERR-05: an error ends the body, without `message_stop`.
#[test]
fn an_answer_that_breaks_off_ends_with_an_error() {
    let mut writer = EventWriter::new(&head());
    let mut out = Vec::new();
    writer.write(&content("Hel"), &mut out);
    let before = out.len();
    writer.write(&finished(FinishReason::NetworkError), &mut out);
    let message = format!("[1234][Network error, error id: {ID}, please contact customer service][{ID}]");
    assert_eq!(
        str::from_utf8(&out[before..]).unwrap(),
        format!(
            "event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"api_error\",\"code\":\"1234\",\
             \"message\":\"{message}\"}},\"request_id\":\"{ID}\"}}\n\n"
        )
    );
    assert!(writer.has_ended());
}

#[test]
fn an_error_in_a_running_stream_is_the_last_event() {
    let mut writer = EventWriter::new(&head());
    let mut out = Vec::new();
    writer.write(&content("Hel"), &mut out);
    let error = ErrorEnvelope::new(Code::Overloaded, 529, "busy\n\u{2028}\"now\"", ID);
    writer.write_error(&error, &mut out);
    let last = events(str::from_utf8(&out).unwrap()).pop().unwrap();
    assert_eq!(last, serde_json::to_value(&error).unwrap());
    assert_eq!(last["error"]["type"], "overloaded_error");

    let end = out.len();
    writer.write(&content("lo"), &mut out);
    writer.write(&finished(FinishReason::Stop), &mut out);
    writer.write_error(&error, &mut out);
    writer.write_keep_alive(&mut out);
    assert_eq!(out.len(), end);
}
