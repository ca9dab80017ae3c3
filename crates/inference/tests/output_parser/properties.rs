use inference::parser::{Generation, OutputParser, Stop};
use inference::{ChatEvent, FinishReason, Tool};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::answer::{Answer, Setting};

fn tools() -> Vec<Tool> {
    let tool = |name: &str, properties: Value| Tool {
        name: name.to_owned(),
        description: None,
        parameters: Some(json!({"type": "object", "properties": properties})),
        strict: None,
    };
    vec![
        tool("get", json!({})),
        tool("get_weather", json!({"city": {"type": "string"}, "days": {"type": "integer"}, "any": {}})),
    ]
}

fn setting() -> impl Strategy<Value = Setting> {
    let stop = prop::sample::select(vec![Stop::Token, Stop::Length, Stop::Window, Stop::Text]);
    (prop::sample::select(vec![Generation::A, Generation::B]), any::<bool>(), any::<bool>(), stop).prop_map(
        |(generation, thinking, has_tools, stop)| Setting {
            generation,
            thinking,
            tools: if has_tools { tools() } else { Vec::new() },
            stop,
        },
    )
}

/// Outputs that resemble what models write, in any order and with any piece missing.
fn output() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => prop::sample::select(vec![
            "<think>", "</think>", "<tool_call>", "</tool_call>", "<arg_key>", "</arg_key>", "<arg_value>",
            "</arg_value>", "<tool_response>",
        ]),
        3 => prop::sample::select(vec![
            "<tool_call>get_weather", "<tool_call>get", "<tool_call>\nget\n", "<arg_key>city</arg_key><arg_value>",
            "<arg_key>days</arg_key>\n<arg_value>", "<tool_call>{\"name\": \"get\", \"arguments\": {}}", "get>{}",
        ]),
        3 => prop::sample::select(vec![
            "get", "get_weather", "city", "days", "any", "12", "null", "\"a\"", "[1, 'b']", "{\"a\": 1}", "a b", "🎉é",
            "x\\n\"",
        ]),
        2 => prop::sample::select(vec![" ", "\n", "\n\n", "  \n", "\t"]),
        2 => prop::sample::select(vec!["<", "</", "<tool_", "</arg_", "<arg_va", "</th", "{", ">", "<<", "/"]),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1..12usize, 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, ..ProptestConfig::default() })]

    /// Streaming rule 2: wherever the output is cut, the answer is the same.
    #[test]
    fn any_cut_gives_the_same_answer(setting in setting(), output in output(), cuts in cuts()) {
        let whole = setting.parse_whole(output.as_bytes());
        prop_assert_eq!(&setting.parse_cut(output.as_bytes(), &cuts), &whole);
        prop_assert_eq!(&setting.parse_cut(output.as_bytes(), &[1]), &whole);
    }

    /// Output grammar: the arguments of every complete call are a JSON object, whatever the model wrote.
    #[test]
    fn complete_calls_have_an_object_of_arguments(setting in setting(), output in output()) {
        let answer = setting.parse_whole(output.as_bytes());
        for call in answer.calls.iter().filter(|call| call.is_finished) {
            let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
            prop_assert!(arguments.is_object());
        }
        let all_finished = answer.calls.iter().all(|call| call.is_finished);
        prop_assert!(all_finished || setting.stop != Stop::Token);
    }

    /// Hostile bytes do no harm, and are read alike however they are cut.
    #[test]
    fn arbitrary_bytes_give_the_same_answer_however_cut(
        setting in setting(),
        parts in prop::collection::vec(
            prop_oneof![any::<Vec<u8>>(), output().prop_map(String::into_bytes)], 0..6),
        cuts in cuts(),
    ) {
        let output = parts.concat();
        prop_assert_eq!(setting.parse_cut(&output, &cuts), setting.parse_whole(&output));
    }

    /// Text without markup is passed on as it is, and at once.
    #[test]
    fn plain_content_is_not_held_back(pieces in prop::collection::vec("[a-zé🎉>][a-zé🎉 \n>]{0,8}", 1..10)) {
        let mut parser = OutputParser::new(Generation::B, false, &tools());
        for piece in pieces {
            let mut events = Vec::new();
            parser.feed(piece.as_bytes(), &mut events);
            prop_assert_eq!(events, vec![ChatEvent::Content(piece)]);
        }
    }
}

fn parser() -> OutputParser {
    OutputParser::new(Generation::B, true, &tools())
}

/// Feeds a megabyte of `piece` after `before`, in small pieces that do not fit its length.
fn feed_a_megabyte(before: &str, piece: &str) {
    let mut parser = parser();
    let mut events = Vec::new();
    parser.feed(before.as_bytes(), &mut events);
    for chunk in piece.repeat((1 << 20) / piece.len()).as_bytes().chunks(7) {
        parser.feed(chunk, &mut events);
        events.clear();
    }
    parser.finish(Stop::Token, &mut events);
}

/// Long values, unclosed tags and floods of beginnings take linear time: were it quadratic, this would not
/// end.
#[test]
fn floods_end_in_every_state() {
    let call = "</think><tool_call>get_weather";
    let befores = [
        "",
        "x",
        "x<tool_call>",
        "</think>",
        "</think>x",
        "</think><tool_call>",
        "</think><tool_call>{",
        &format!("{call}\n"),
        &format!("{call}<arg_key>"),
        &format!("{call}<arg_key>city</arg_key>"),
        &format!("{call}<arg_key>city</arg_key><arg_value>"),
        &format!("{call}<arg_key>days</arg_key><arg_value>"),
    ];
    for before in befores {
        for piece in ["<", "<tool_cal", " ", "[{\"a\":"] {
            feed_a_megabyte(before, piece);
        }
    }
    for piece in ["<tool_call>", "<tool_call>get_weather\n", "<tool_call>{}</tool_call>", "<arg_key>", "\n"] {
        feed_a_megabyte("</think>", piece);
        feed_a_megabyte("", piece);
    }
}

/// What a whole output of generation B with thinking off amounts to.
fn parse(output: &str, stop: Stop) -> (String, Vec<(String, String)>, FinishReason) {
    let setting = Setting { generation: Generation::B, thinking: false, tools: tools(), stop };
    let answer = setting.parse_whole(output.as_bytes());
    let calls = answer.calls.into_iter().map(|call| (call.name, call.arguments)).collect();
    (answer.content, calls, answer.reason.unwrap())
}

fn call(name: &str, arguments: &str) -> (String, String) {
    (name.to_owned(), arguments.to_owned())
}

/// Malformed output, missing closers: the next call takes the place of the last one's closer.
#[test]
fn a_call_without_closer_ends_where_the_next_begins() {
    let (content, calls, reason) = parse(
        "<tool_call>get_weather<arg_key>city</arg_key><arg_value>Rome</arg_value>\n<tool_call>get<tool_call>get</tool_call>",
        Stop::Token,
    );
    assert_eq!(content, "");
    assert_eq!(calls, [call("get_weather", r#"{"city": "Rome"}"#), call("get", "{}"), call("get", "{}")]);
    assert_eq!(reason, FinishReason::ToolCalls);
}

/// An answer that explains the markup is an answer, and nothing of it is lost.
#[test]
fn markup_that_is_talked_about_stays_text() {
    for prose in [
        "Write a <tool_call> tag first.\nThen the name.",
        "Use <tool_call> and then <arg_key>.",
        "<tool_call>{\"name\": \"unknown\"}</tool_call>",
        "<tool_call>{not json}</tool_call> it is",
        "<tool_call>unknown>{\"a\": 1}</tool_call>",
    ] {
        assert_eq!(parse(prose, Stop::Token), (prose.to_owned(), Vec::new(), FinishReason::Stop));
    }
    let endless = format!("<tool_call>{}", "word".repeat(100));
    assert_eq!(parse(&endless, Stop::Token).0, endless);
}

/// A JSON answer may speak of the markup; before it begins, a call may still come instead.
#[test]
fn markup_inside_a_json_answer_is_text() {
    let json = "{\"a\": \"<tool_call>get</tool_call></think><tool_response>\"}";
    for (generation, thinking, before) in
        [(Generation::B, false, ""), (Generation::A, true, ""), (Generation::B, true, "Hm</think>\n\n")]
    {
        let output = format!("{before}{json}");
        for size in [1, 7, output.len()] {
            let mut parser = OutputParser::new(generation, thinking, &tools()).expecting_json();
            let mut answer = Answer::default();
            let mut events = Vec::new();
            for piece in output.as_bytes().chunks(size) {
                parser.feed(piece, &mut events);
            }
            assert!(!parser.may_begin_call() && !parser.is_over());
            answer.reason = Some(parser.finish(Stop::Token, &mut events));
            answer.add(&events);
            assert_eq!(answer.content, json);
            assert_eq!((answer.calls, answer.reason), (Vec::new(), Some(FinishReason::Stop)));
        }
    }

    let mut parser = OutputParser::new(Generation::B, false, &tools()).expecting_json();
    parser.feed(b"\n<tool_call>get\n</tool_call>", &mut Vec::new());
    assert_eq!(parser.calls(), 1);
}

/// Malformed output, closers and openers of arguments: repaired where there is one way to read it.
#[test]
fn damaged_arguments_are_repaired() {
    for (arguments, expected) in [
        ("<arg_key>city<arg_value>Rome</arg_value>", r#"{"city": "Rome"}"#),
        ("<arg_key>city</arg_key></arg_value>", r#"{"city": ""}"#),
        ("<arg_key>city</arg_key>\nRome</arg_value>", r#"{"city": "Rome"}"#),
        ("<arg_key>city</arg_key><arg_key>days</arg_key><arg_value>1</arg_value>", r#"{"days": 1}"#),
        ("<arg_key>days", "{}"),
        ("<arg_key>city</arg_key>", "{}"),
    ] {
        let output = format!("<tool_call>get_weather\n{arguments}</tool_call>");
        assert_eq!(parse(&output, Stop::Token).1, [call("get_weather", expected)], "{arguments}");
    }
}

/// A stop text ends the answer: what was held back came after it.
#[test]
fn a_stop_text_drops_what_was_held_back() {
    assert_eq!(parse("a <tool", Stop::Text), ("a ".to_owned(), Vec::new(), FinishReason::Stop));
    assert_eq!(parse("a", Stop::Window).2, FinishReason::ModelContextWindowExceeded);
}

/// A value that was cut shows what had come of it, and no half of a closer.
#[test]
fn a_cut_value_ends_before_its_half_closer() {
    let (_, calls, reason) =
        parse("<tool_call>get_weather<arg_key>city</arg_key><arg_value>Ro</arg_", Stop::Length);
    assert_eq!(calls, [call("get_weather", r#"{"city": "Ro"#)]);
    assert_eq!(reason, FinishReason::Length);
}

/// The engine counts reasoning tokens and switches grammars on by asking after each token.
#[test]
fn the_phase_is_known_after_every_token() {
    let mut parser = parser();
    let phases = ["I", " think", "</think>", "\n", "Hi", "<tool_call>", "get", "\n", "</tool_call>", " "]
        .map(|token| {
            parser.feed(token.as_bytes(), &mut Vec::new());
            (parser.is_reasoning(), parser.in_tool_call(), parser.calls())
        });
    let (thinks, answers, calls, done) =
        ((true, false, 0), (false, false, 0), (false, true, 0), (false, false, 1));
    assert_eq!(phases, [thinks, thinks, answers, answers, answers, calls, calls, calls, done, done]);
}
