//! A stream obeys the strictest client, whatever the model says (`http-api.md` §0.3).

use inference::{ChatEvent, FinishReason, TokenLogprob};
use proptest::prelude::*;
use serde_json::Value;
use vocab::{RequestId, Timestamp, Tokens, Usage};
use wire::paas::{AnswerHead, ChatCompletion, ChunkWriter};
use wire::{Code, ErrorBody};

fn head() -> AnswerHead {
    AnswerHead {
        id: RequestId::parse("20260927175235d4656522bfb842ce").unwrap(),
        request_id: None,
        created: Timestamp::from_millis(1_790_502_755_000),
        model: "glm-\"5\\1".parse().unwrap(),
    }
}

fn usage() -> Usage {
    Usage::from_overlapping(Tokens(19), Tokens(4), Tokens(11), Tokens(6))
}

fn written(tool_stream: bool, events: &[ChatEvent]) -> String {
    let mut writer = ChunkWriter::new(&head(), tool_stream);
    let mut out = Vec::new();
    events.iter().for_each(|event| writer.write(event, &mut out));
    String::from_utf8(out).unwrap()
}

/// Splits a stream as the Java SDK does: only `data:` lines, and one empty line after each.
fn chunks(stream: &str) -> Vec<Value> {
    // The lines as Python's `str.splitlines` sees them, which `httpx` uses.
    let is_line_end = |c| {
        matches!(
            c,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let body = stream.strip_suffix("\n\n").expect("the last event is complete");
    let mut events: Vec<&str> = body.split("\n\n").collect();
    assert_eq!(events.pop(), Some("data: [DONE]"));
    events
        .into_iter()
        .map(|event| {
            let json = event.strip_prefix("data: ").expect("only data lines");
            assert!(!json.contains(is_line_end), "one line: {json:?}");
            serde_json::from_str(json).expect("valid JSON")
        })
        .collect()
}

fn joined(chunks: &[Value], path: &str) -> String {
    chunks.iter().filter_map(|chunk| chunk.pointer(path)?.as_str()).collect()
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[\u{0}-\u{ff}\u{2020}-\u{2030}\"\\\\😀]{0,40}", "data: \\[DONE\\]\n\n"]
}

fn start(index: u32, id: &str) -> ChatEvent {
    ChatEvent::ToolCallStarted { index, id: id.to_owned(), name: "f".to_owned() }
}

fn piece(index: u32, fragment: &str) -> ChatEvent {
    ChatEvent::ToolCallArguments { index, fragment: fragment.to_owned() }
}

fn finished(reason: FinishReason) -> ChatEvent {
    ChatEvent::Finished { reason, usage: usage() }
}

proptest! {
    /// CAP-STR-01, -02, -03: the grammar holds, the joined deltas are the text, and one chunk has a reason.
    #[test]
    fn any_text_goes_through_a_stream_unchanged(
        thoughts in proptest::collection::vec(text(), 0..4),
        answers in proptest::collection::vec(text(), 0..4),
        arguments in proptest::collection::vec(text(), 0..4),
        tool_stream: bool,
    ) {
        let mut events: Vec<_> = thoughts.iter().cloned().map(ChatEvent::Reasoning).collect();
        events.extend(answers.iter().cloned().map(ChatEvent::Content));
        events.push(start(0, "call_\u{2028}"));
        events.extend(arguments.iter().map(|fragment| piece(0, fragment)));
        events.push(ChatEvent::ToolCallFinished { index: 0 });
        events.push(finished(FinishReason::ToolCalls));

        let chunks = chunks(&written(tool_stream, &events));
        let arguments = if arguments.concat().is_empty() { "{}".to_owned() } else { arguments.concat() };
        prop_assert_eq!(joined(&chunks, "/choices/0/delta/reasoning_content"), thoughts.concat());
        prop_assert_eq!(joined(&chunks, "/choices/0/delta/content"), answers.concat());
        prop_assert_eq!(joined(&chunks, "/choices/0/delta/tool_calls/0/function/arguments"), &arguments[..]);
        prop_assert_eq!(joined(&chunks, "/choices/0/finish_reason"), "tool_calls");
        for chunk in &chunks {
            prop_assert_eq!(&chunk["model"], "glm-\"5\\1");
            prop_assert_eq!(chunk["choices"].as_array().map(Vec::len), Some(1));
        }

        let whole = ChatCompletion::collect(&head(), events);
        let message = &whole.choices[0].message;
        prop_assert_eq!(&message.content, &answers.concat());
        prop_assert_eq!(message.reasoning_content.clone().unwrap_or_default(), thoughts.concat());
        prop_assert_eq!(&message.tool_calls[0].function.arguments, &arguments);
        prop_assert_eq!(serde_json::to_value(&whole.usage).unwrap(), chunks.last().unwrap()["usage"].clone());
    }
}

/// CAP-TST-02: pieces of parallel calls are told apart by their index, and only the first names the function.
#[test]
fn parallel_calls_in_pieces_keep_their_index() {
    let events = [
        start(0, "a"),
        piece(0, "{"),
        start(1, "b"),
        piece(1, "{\"x\":"),
        piece(0, "}"),
        ChatEvent::ToolCallFinished { index: 0 },
        piece(1, "1}"),
        ChatEvent::ToolCallFinished { index: 1 },
        finished(FinishReason::ToolCalls),
    ];
    let calls: Vec<_> = (chunks(&written(true, &events)).iter())
        .filter_map(|chunk| chunk.pointer("/choices/0/delta/tool_calls/0").cloned())
        .collect();
    let of = |index: u32| -> String {
        calls
            .iter()
            .filter(|call| call["index"] == index)
            .filter_map(|call| call["function"]["arguments"].as_str())
            .collect()
    };
    assert_eq!((of(0).as_str(), of(1).as_str()), ("{}", "{\"x\":1}"));
    assert_eq!(calls.iter().filter(|call| call.get("id").is_some()).count(), 2);
    assert_eq!(calls.iter().filter(|call| call["function"].get("name").is_some()).count(), 2);
}

/// CAP-TST-03: without `tool_stream` each call is one chunk.
#[test]
fn whole_calls_are_one_chunk_each_even_if_their_pieces_interleave() {
    let events = [
        start(0, "a"),
        start(1, "b"),
        piece(1, "{}"),
        piece(0, "{}"),
        ChatEvent::ToolCallFinished { index: 0 },
        ChatEvent::ToolCallFinished { index: 1 },
        finished(FinishReason::ToolCalls),
    ];
    assert_eq!(chunks(&written(false, &events)).len(), 3);
}

/// An answer that was cut in the middle of a call does not pretend that the call is whole.
#[test]
fn a_call_that_was_cut_off_is_not_sent_whole() {
    let cut = [start(0, "a"), piece(0, "{\"x\": \"lo"), finished(FinishReason::Length)];
    let chunks = chunks(&written(false, &cut));
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0]["choices"][0]["finish_reason"], "length");
    assert!(ChatCompletion::collect(&head(), cut).choices[0].message.tool_calls.is_empty());
}

/// http-api.md §0.3: the sign of life is a chunk with an empty delta, never a comment.
#[test]
fn the_sign_of_life_is_an_empty_delta() {
    let mut writer = ChunkWriter::new(&head(), false);
    let mut out = Vec::new();
    writer.write_keep_alive(&mut out);
    writer.write(&finished(FinishReason::Stop), &mut out);
    writer.write_keep_alive(&mut out);
    let chunks = chunks(str::from_utf8(&out).unwrap());
    assert_eq!(chunks.len(), 2, "nothing follows the end");
    assert_eq!(
        chunks[0]["choices"],
        serde_json::json!([{"index": 0, "delta": {"role": "assistant", "content": ""}}])
    );
}

/// errors.md §4.3, and ERR-05: an answer that breaks off ends with a reason or an error, and then with `[DONE]`.
#[test]
fn an_error_in_a_running_stream_is_an_event_and_the_last_but_one() {
    let mut writer = ChunkWriter::new(&head(), false);
    let mut out = Vec::new();
    writer.write(&ChatEvent::Content("Hel".to_owned()), &mut out);
    let error = ErrorBody::new(Code::NetworkFailed, &[("error_id", "2026071106202516f8db3a3eaf460f")]);
    let before = out.len();
    writer.write_error(&error, &mut out);
    assert_eq!(
        str::from_utf8(&out[before..]).unwrap(),
        "data: {\"error\":{\"code\":\"1234\",\"message\":\"Network error, error id: 2026071106202516f8db3a3eaf460f, \
         please contact customer service\"}}\n\ndata: [DONE]\n\n"
    );
    assert!(writer.has_ended());
    let end = out.len();
    writer.write(&ChatEvent::Content("lo".to_owned()), &mut out);
    writer.write(&finished(FinishReason::Stop), &mut out);
    writer.write_error(&error, &mut out);
    assert_eq!(out.len(), end);
}

/// ERR-05
#[test]
fn a_whole_answer_that_breaks_off_says_network_error() {
    let broken =
        [ChatEvent::Started { prompt: Tokens(9), cached: Tokens(2) }, ChatEvent::Content("Hel".to_owned())];
    let answer = ChatCompletion::collect(&head(), broken);
    assert_eq!(answer.choices[0].finish_reason, FinishReason::NetworkError);
    assert_eq!(answer.usage.prompt_tokens, Tokens(9));
}

#[test]
fn log_probabilities_are_in_openais_shape_and_in_one_line() {
    let token = TokenLogprob {
        token: "\u{2028}".to_owned(),
        bytes: vec![0xe2, 0x80, 0xa8],
        logprob: -0.5,
        top: Vec::new(),
    };
    let events = [ChatEvent::Logprobs(vec![token.clone(), token]), finished(FinishReason::Stop)];
    let chunks = chunks(&written(false, &events));
    let content = &chunks[0]["choices"][0]["logprobs"]["content"];
    assert_eq!(content.as_array().map(Vec::len), Some(2));
    assert_eq!(
        content[1],
        serde_json::json!({"token": "\u{2028}", "logprob": -0.5, "bytes": [226, 128, 168], "top_logprobs": []})
    );
    let whole = serde_json::to_value(ChatCompletion::collect(&head(), events)).unwrap();
    assert_eq!(&whole["choices"][0]["logprobs"]["content"], content);
}
