//! What reading a request of a coding tool and writing an answer cost in the Messages dialect.
//!
//! Budgets, of the 60 µs of a request and the 3 µs of a streamed event that the whole gateway may take: 0.2 µs for
//! writing an event. Reading 100 KB of tools and conversation costs more than a request's budget in any program that
//! looks at each byte; the rate is what counts. Ratios on one machine; a bench is no test. Run with
//! `cargo bench -p wire --bench messages`.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use inference::{ChatEvent, FinishReason};
use serde_json::{Value, json};
use vocab::{ModelName, RequestId, Timestamp, Tokens, Usage};
use wire::anthropic::{EventWriter, Message, MessageHead, MessagesRequest};

fn model() -> ModelName {
    "glm-4.7".parse().expect("a name")
}

fn short_conversation() -> Value {
    json!({
        "model": "claude-opus-4-8",
        "max_tokens": 1024,
        "system": "You are a careful assistant. ".repeat(10),
        "messages": [{"role": "user", "content": "What would you look at first, second and third? ".repeat(8)}],
        "stream": true,
    })
}

/// What Claude Code sends: two dozen tools of 60 KB, long instructions, and a few turns; about 100 KB.
fn coding_session() -> Value {
    let tool = |number: usize| {
        let properties: Value = (0..6)
            .map(|field| {
                let about =
                    json!({"type": "string", "description": "An absolute path, never a relative one."});
                (format!("argument_{field}"), about)
            })
            .collect::<serde_json::Map<_, _>>()
            .into();
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": properties,
            "required": ["argument_0"], "additionalProperties": false,
        });
        let description = "Reads a file and returns its lines with their numbers.\n".repeat(34);
        json!({"name": format!("Tool{number}"), "description": description, "input_schema": schema})
    };
    let turn = |number: usize| {
        let id = format!("toolu_{number:024}");
        let call =
            json!({"type": "tool_use", "id": id, "name": "Tool1", "input": {"argument_0": "/src/main.rs"}});
        let thought =
            json!({"type": "thinking", "thinking": "I should look at it. ".repeat(8), "signature": "YXo="});
        let result =
            json!({"type": "tool_result", "tool_use_id": id, "content": "fn main() {}\n".repeat(60)});
        [
            json!({"role": "assistant", "content": [thought, call]}),
            json!({"role": "user", "content": [result]}),
        ]
    };
    let mut body = short_conversation();
    body["tools"] = (0..24).map(tool).collect();
    body["system"] = json!([
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.197.d53; cc_entrypoint=sdk-cli;"},
        {"type": "text", "text": "Answer in as few words as will do.\n".repeat(400)},
    ]);
    body["messages"] = [json!({"role": "user", "content": [{"type": "text", "text": "Find the leak."}]})]
        .into_iter()
        .chain((0..12).flat_map(turn))
        .collect();
    body
}

fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read a message request");
    for (name, body) in [("short conversation", short_conversation()), ("coding session", coding_session())] {
        let body = body.to_string().into_bytes();
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let request = MessagesRequest::parse(black_box(&body)).expect("a request");
                request.into_request(model()).expect("a request")
            });
        });
    }
    group.finish();
}

fn head() -> MessageHead {
    MessageHead { id: RequestId::generate(Timestamp::from_millis(1_770_631_146_000)), model: model() }
}

fn write(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write a message event");
    group.throughput(Throughput::Elements(1));
    let events = [
        ("content", ChatEvent::Content(" word".to_owned())),
        ("content to escape", ChatEvent::Content("\"line\"\n\t\u{2028}".to_owned())),
        ("reasoning in Chinese", ChatEvent::Reasoning("我们先看内存".to_owned())),
    ];
    let mut out = Vec::with_capacity(4096);
    for (name, event) in &events {
        let mut writer = EventWriter::new(&head());
        group.bench_function(*name, |bench| {
            bench.iter(|| {
                out.clear();
                writer.write(black_box(event), &mut out);
                black_box(out.len())
            });
        });
    }
    group.finish();
}

fn collect(criterion: &mut Criterion) {
    let finished = ChatEvent::Finished {
        reason: FinishReason::Stop,
        usage: Usage { fresh_prompt: Tokens(20), answer: Tokens(16), ..Usage::default() },
    };
    let mut events = vec![ChatEvent::Content(" word".to_owned()); 16];
    events.push(finished);
    criterion.bench_function("write a whole message of 16 pieces", |bench| {
        let head = head();
        bench.iter_batched(
            || events.clone(),
            |events| serde_json::to_vec(&Message::collect(&head, events).expect("a message")).expect("JSON"),
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, read, write, collect);
criterion_main!(benches);
