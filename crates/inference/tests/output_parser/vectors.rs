use std::fs;
use std::path::Path;

use inference::parser::{Generation, Stop};
use inference::{FinishReason, Tool};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::answer::{Answer, Call, Setting};

struct Vector {
    id: String,
    setting: Setting,
    chunks: Vec<Vec<u8>>,
    expected: Value,
    /// The most that may have been said after each chunk, if the vector tells.
    deltas: Option<Vec<Value>>,
    arguments_are_raw: bool,
}

fn vectors() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/glm-parsing");
    let mut vectors = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let name = path.file_stem().unwrap().to_string_lossy();
            vectors.extend(file["cases"].as_array().unwrap().iter().map(|case| Vector::new(&name, case)));
        }
    }
    assert!(vectors.len() > 60);
    vectors
}

impl Vector {
    fn new(file: &str, case: &Value) -> Self {
        let texts =
            |field: &str| case[field].as_array().into_iter().flatten().map(|text| text.as_str().unwrap());
        let chunks =
            texts("chunks").map(|text| text.as_bytes().to_vec()).chain(texts("chunks_hex").map(unhex));
        Self {
            id: format!("{file}/{}", case["id"].as_str().unwrap()),
            setting: Setting {
                generation: if case["generation"] == "A" { Generation::A } else { Generation::B },
                thinking: case["thinking"].as_bool().unwrap(),
                tools: case["tools"].as_array().into_iter().flatten().map(tool).collect(),
                stop: if case["stop"] == "length" { Stop::Length } else { Stop::Token },
            },
            chunks: chunks.collect(),
            expected: case["expect"].clone(),
            deltas: case["deltas"].as_array().cloned(),
            arguments_are_raw: case["expect_arguments_are_raw_text"] == true,
        }
    }

    fn output(&self) -> Vec<u8> {
        self.chunks.concat()
    }

    fn check(&self, answer: &Answer, how: &str) {
        let id = &self.id;
        let text = |field: &str| self.expected[field].as_str().unwrap_or_default();
        assert_eq!(answer.reasoning, text("reasoning_content"), "reasoning of {id}, {how}");
        assert_eq!(answer.content, text("content"), "content of {id}, {how}");
        assert_eq!(answer.reason.map(FinishReason::as_str), Some(text("finish_reason")), "{id}, {how}");

        let calls: Vec<Call> =
            self.expected["tool_calls"].as_array().unwrap().iter().map(|call| self.call(call)).collect();
        assert_eq!(answer.calls, calls, "calls of {id}, {how}");
    }

    fn call(&self, expected: &Value) -> Call {
        Call {
            name: expected["name"].as_str().unwrap().to_owned(),
            arguments: match expected["arguments"].as_str() {
                Some(raw) if self.arguments_are_raw => raw.to_owned(),
                _ => python_json(&expected["arguments"]),
            },
            is_finished: !self.arguments_are_raw,
        }
    }
}

fn tool(tool: &Value) -> Tool {
    let function = tool.get("function").unwrap_or(tool);
    Tool {
        name: function["name"].as_str().unwrap().to_owned(),
        description: None,
        parameters: function.get("parameters").cloned(),
        strict: None,
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// JSON as `json.dumps(value, ensure_ascii=False)` writes it.
fn python_json(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(python_json).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| {
                format!("{}: {}", Value::from(key.as_str()), python_json(value))
            };
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        plain => plain.to_string(),
    }
}

/// Checks 1 and 3: the whole output gives the expected message, its arguments character for character.
#[test]
fn the_whole_output_gives_the_expected_message() {
    for vector in vectors() {
        vector.check(&vector.setting.parse_whole(&vector.output()), "at once");
    }
}

/// Checks 2, 3 and 4: so does the output in the given chunks, and byte by byte, which cuts characters too.
#[test]
fn pieces_give_the_expected_message() {
    for vector in vectors() {
        let chunks = vector.chunks.iter().map(Vec::as_slice);
        vector.check(&vector.setting.parse(chunks), "in the given chunks");
        vector.check(&vector.setting.parse_cut(&vector.output(), &[1]), "byte by byte");
        let lossy = String::from_utf8_lossy(&vector.output()).into_owned();
        let characters = lossy.split_inclusive(|_| true).map(str::as_bytes);
        vector.check(&vector.setting.parse(characters), "character by character");
    }
}

/// Check 2: so do random cuts.
#[test]
fn random_cuts_give_the_expected_message() {
    for vector in vectors() {
        let output = vector.output();
        TestRunner::new(Config { cases: 256, failure_persistence: None, ..Config::default() })
            .run(&prop::collection::vec(1..24usize, 1..40), |cuts| {
                vector.check(&vector.setting.parse_cut(&output, &cuts), &format!("cut by {cuts:?}"));
                Ok(())
            })
            .unwrap();
    }
}

/// Check 5: nothing is said before it is certain.
#[test]
fn nothing_is_said_too_early() {
    for vector in vectors() {
        let Some(deltas) = &vector.deltas else { continue };
        let mut parser = vector.setting.parser();
        let (mut answer, mut allowed) = (Answer::default(), Answer::default());
        for (place, (chunk, deltas)) in vector.chunks.iter().zip(deltas).enumerate() {
            let mut events = Vec::new();
            parser.feed(chunk, &mut events);
            answer.add(&events);
            allow(&mut allowed, deltas);
            assert!(
                answer.is_prefix_of(&allowed),
                "{} after chunk {place}:\n{answer:?}\n{allowed:?}",
                vector.id
            );
        }
    }
}

/// Streaming as early as the vectors do is not demanded of a parser, but ours does.
#[test]
fn everything_is_said_as_soon_as_it_is_certain() {
    for vector in vectors() {
        let Some(deltas) = &vector.deltas else { continue };
        let mut parser = vector.setting.parser();
        let (mut answer, mut allowed) = (Answer::default(), Answer::default());
        for (place, (chunk, deltas)) in vector.chunks.iter().zip(deltas).enumerate() {
            let mut events = Vec::new();
            parser.feed(chunk, &mut events);
            answer.add(&events);
            allow(&mut allowed, deltas);
            assert!(
                allowed.is_prefix_of(&answer),
                "{} after chunk {place}:\n{answer:?}\n{allowed:?}",
                vector.id
            );
        }
    }
}

fn allow(allowed: &mut Answer, deltas: &Value) {
    for delta in deltas.as_array().unwrap() {
        let text = |field: &str| delta[field].as_str();
        if let Some(text) = text("reasoning") {
            allowed.reasoning.push_str(text);
        }
        if let Some(text) = text("content") {
            allowed.content.push_str(text);
        }
        if let Some(name) = text("name") {
            allowed.calls.push(Call { name: name.to_owned(), ..Call::default() });
        }
        if let Some(fragment) = text("arguments") {
            allowed.calls.last_mut().unwrap().arguments.push_str(fragment);
        }
    }
}
