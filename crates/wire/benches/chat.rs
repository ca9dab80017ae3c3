//! What reading a request and writing an answer cost.
//!
//! Budgets, of the 60 µs of a request and the 3 µs of a streamed event that the whole gateway may take: 5 µs for
//! reading a short conversation, 0.1 µs for writing an event. Ratios on one machine; a bench is no test. Run with
//! `cargo bench -p wire`.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use inference::{ChatEvent, FinishReason};
use serde_json::{Value, json};
use vocab::{RequestId, Timestamp, Tokens, Usage};
use wire::paas::{AnswerHead, ChatCompletion, ChatCompletionRequest, ChunkWriter, ClearThinkingDefault};

fn short_conversation() -> Value {
    json!({
        "model": "glm-4.7",
        "messages": [
            {"role": "system", "content": "You are a careful assistant. ".repeat(10)},
            {"role": "user", "content": "What would you look at first, second and third? ".repeat(8)},
        ],
        "temperature": 0.7,
        "max_tokens": 1024,
        "stream": true,
        "stream_options": {"include_usage": true},
    })
}

/// What a coding tool sends: two dozen tools and a conversation of a hundred turns.
fn coding_session() -> Value {
    let tool = |number: usize| {
        let properties = json!({
            "path": {"type": "string", "description": "An absolute path, never a relative one."},
            "limit": {"type": "integer", "description": "How many lines to read."},
        });
        let parameters = json!({"type": "object", "properties": properties, "required": ["path"]});
        let description = "Reads a file and returns its lines with their numbers. ".repeat(8);
        let function =
            json!({"name": format!("tool_{number}"), "description": description, "parameters": parameters});
        json!({"type": "function", "function": function})
    };
    let turn = |number: usize| {
        let call = json!({"id": format!("call_{number}"), "type": "function",
                          "function": {"name": "tool_1", "arguments": "{\"path\": \"/src/main.rs\"}"}});
        [
            json!({"role": "assistant", "content": "I will look at it.", "tool_calls": [call]}),
            json!({"role": "tool", "tool_call_id": format!("call_{number}"), "content": "fn main() {}\n".repeat(100)}),
        ]
    };
    let mut body = short_conversation();
    body["tools"] = (0..24).map(tool).collect();
    body["messages"] = [json!({"role": "user", "content": "Find the leak."})]
        .into_iter()
        .chain((0..50).flat_map(turn))
        .collect();
    body
}

fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read a request");
    for (name, body) in [("short conversation", short_conversation()), ("coding session", coding_session())] {
        let body = body.to_string().into_bytes();
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |bench| {
            bench.iter(|| {
                let request = ChatCompletionRequest::parse(black_box(&body)).expect("a request");
                request.into_request(ClearThinkingDefault::GENERAL).expect("a request")
            });
        });
    }
    group.finish();
}

fn head() -> AnswerHead {
    let created = Timestamp::from_millis(1_770_631_146_000);
    let model = "glm-4.7".parse().expect("a name");
    AnswerHead { id: RequestId::generate(created), request_id: None, created, model }
}

fn write(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write an event");
    group.throughput(Throughput::Elements(1));
    let events = [
        ("content", ChatEvent::Content(" word".to_owned())),
        ("content to escape", ChatEvent::Content("\"line\"\n\t\u{2028}".to_owned())),
        ("reasoning in Chinese", ChatEvent::Reasoning("我们先看内存".to_owned())),
    ];
    let mut out = Vec::with_capacity(4096);
    for (name, event) in &events {
        let mut writer = ChunkWriter::new(&head(), false);
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
    criterion.bench_function("write a whole answer of 16 pieces", |bench| {
        let head = head();
        bench.iter_batched(
            || events.clone(),
            |events| serde_json::to_vec(&ChatCompletion::collect(&head, events)).expect("JSON"),
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, read, write, collect);
criterion_main!(benches);
