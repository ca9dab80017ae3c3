//! How fast the demo model reads and writes, alone and with company.
//!
//! Budgets (ratios on one machine; a bench is no test): at least 0.95 of llama.cpp's own server with the same
//! flags, alone and with eight callers; a hit on a 512-token prefix gives the first token ten times sooner.
//! Run with `cargo bench -p engine`.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::{Embedded, Settings};
use futures::StreamExt;
use futures::future::join_all;
use inference::{ChatEngine, ChatRequest, Message, Part, ResponseFormat};
use tokio::runtime::Runtime;

const WRITTEN: u32 = 64;
const CALLERS: usize = 8;

fn demo(runtime: &Runtime) -> (Arc<Embedded>, Arc<dyn ChatEngine>) {
    let _inside = runtime.enter();
    let embedded = Embedded::start(Settings { context_tokens: 4_096, ..Settings::default() });
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/azimuth-demo.gguf");
    let engine = embedded.engine("demo", path);
    runtime.block_on(embedded.load("demo")).expect("the demo model loads");
    (embedded, engine)
}

/// A prompt of about `words` tokens of which nothing is cached if `topic` is new.
fn prompt(topic: usize, words: usize, written: u32) -> ChatRequest {
    let text = format!("{topic} ") + &"word ".repeat(words);
    let message = Message::User { content: vec![Part::text(text)] };
    let mut request = ChatRequest::new("demo".parse().expect("a name"), vec![message]);
    request.thinking.enabled = false;
    request.max_tokens = Some(written);
    request.sampling.greedy = true;
    request
}

/// Always `WRITTEN` tokens: the schema wants more.
fn answer(topic: usize) -> ChatRequest {
    let mut request = prompt(topic, 8, WRITTEN);
    let schema = serde_json::json!({"type": "array", "items": {"type": "boolean"}, "minItems": 500});
    request.format = ResponseFormat::JsonSchema { name: "long".into(), schema };
    request
}

async fn run(engine: &dyn ChatEngine, request: ChatRequest) {
    let mut stream = engine.chat(request).await.expect("a free place");
    while let Some(event) = stream.next().await {
        black_box(event.expect("an answer"));
    }
}

fn decode(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let (embedded, engine) = demo(&runtime);
    let mut topic = 0;
    let mut group = criterion.benchmark_group("demo model");
    group.sample_size(20).measurement_time(Duration::from_secs(10));

    group.throughput(Throughput::Elements(512));
    group.bench_function("read 512 tokens", |bench| {
        bench.iter(|| {
            topic += 1;
            runtime.block_on(run(engine.as_ref(), prompt(topic, 512, 1)));
        });
    });
    group.bench_function("read 512 tokens from the cache", |bench| {
        bench.iter(|| runtime.block_on(run(engine.as_ref(), prompt(0, 512, 1))));
    });

    group.throughput(Throughput::Elements(u64::from(WRITTEN)));
    group.bench_function("write 64 tokens", |bench| {
        bench.iter(|| runtime.block_on(run(engine.as_ref(), answer(0))));
    });
    group.throughput(Throughput::Elements(u64::from(WRITTEN) * CALLERS as u64));
    group.bench_function("write 64 tokens to each of 8 callers", |bench| {
        bench.iter(|| runtime.block_on(join_all((0..CALLERS).map(|n| run(engine.as_ref(), answer(n))))));
    });
    group.finish();
    runtime.block_on(embedded.shutdown());
}

criterion_group!(benches, decode);
criterion_main!(benches);
