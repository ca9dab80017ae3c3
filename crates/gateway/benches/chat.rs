//! What one request costs inside the gateway, engines left out: admission, choice of the engine, metering.
//!
//! Budgets, of the 60 µs of a request and the 3 µs of a streamed event that the whole gateway may take: 5 µs for a
//! request with one engine, 10 µs with eight of them and a conversation of twenty turns, 0.1 µs for an event that is
//! counted. Ratios on one machine; a bench is no test. Run with `cargo bench -p gateway`.

use std::hint::black_box;
use std::sync::Arc;

use accounts::Caller;
use async_trait::async_trait;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures::{StreamExt, stream};
use gateway::{
    Catalogue, ChatCall, Door, Finding, Gateway, GatewayLimits, HourTotal, Meter, MeterSettings, ModelCard,
    ModelMapping, RouteTo, UsageLog, UsageLogError, UsageQuery, UsageRecord, UsageTotal,
};
use inference::{
    ChatEngine, ChatEvent, ChatRequest, ChatStream, EngineDescription, EngineError, FinishReason, Message,
    Part,
};
use tokio::runtime::Builder;
use tokio_util::task::TaskTracker;
use vocab::{AccountId, Clock, KeyId, ModelName, RequestId, SystemClock, Timestamp, Tokens, Usage};

/// Says what it is told to say, at once.
struct Ready {
    name: String,
    pieces: usize,
}

#[async_trait]
impl ChatEngine for Ready {
    fn describe(&self) -> EngineDescription {
        EngineDescription {
            name: self.name.clone(),
            runs: "ready".to_owned(),
            context_window: None,
            in_flight: 0,
            capacity: None,
            constrains_json: true,
        }
    }

    async fn chat(&self, _request: ChatRequest) -> Result<ChatStream, EngineError> {
        let usage = Usage { answer: Tokens::from(self.pieces), ..Usage::default() };
        let finished = ChatEvent::Finished { reason: FinishReason::Stop, usage };
        let pieces = (0..self.pieces).map(|_| Ok(ChatEvent::Content(" word".to_owned())));
        Ok(Box::pin(stream::iter(pieces.chain([Ok(finished)]))))
    }

    async fn count_tokens(&self, _request: &ChatRequest) -> Result<Tokens, EngineError> {
        Ok(Tokens::ZERO)
    }
}

/// Keeps nothing, at no cost.
struct NoLog;

#[async_trait]
impl UsageLog for NoLog {
    async fn usage_append(&self, _records: &[UsageRecord]) -> Result<(), UsageLogError> {
        Ok(())
    }

    async fn usage_list(&self, _query: &UsageQuery, _limit: u32) -> Result<Vec<UsageRecord>, UsageLogError> {
        Ok(Vec::new())
    }

    async fn usage_total(&self, _query: &UsageQuery, _limit: u32) -> Result<Vec<UsageTotal>, UsageLogError> {
        Ok(Vec::new())
    }

    async fn usage_by_hour(&self, _: &UsageQuery, _: u32) -> Result<Vec<HourTotal>, UsageLogError> {
        Ok(Vec::new())
    }

    async fn usage_purge(&self, _: Timestamp, _: u32) -> Result<u64, UsageLogError> {
        Ok(0)
    }
}

fn model() -> ModelName {
    "house-model".parse().expect("a name")
}

fn gateway(engines: usize, pieces: usize, tracker: &TaskTracker) -> Gateway {
    let route = |number| {
        let engine: Arc<dyn ChatEngine> = Arc::new(Ready { name: format!("engine-{number}"), pieces });
        RouteTo { engine, weight: 1 }
    };
    let mapping =
        ModelMapping { card: ModelCard::custom(model()), routes: (0..engines).map(route).collect() };
    let catalogue = Catalogue::new(vec![mapping]).expect("one model");
    // Requests come faster here than any log could be asked to follow.
    let settings = MeterSettings { backlog_records_max: usize::MAX, ..MeterSettings::default() };
    let meter = Meter::start(Arc::new(NoLog), settings, tracker);
    Gateway::new(Arc::new(catalogue), meter, Arc::new(SystemClock), GatewayLimits::default())
}

fn call(turns: usize) -> ChatCall {
    let said = |text: &str| vec![Part::text(text.repeat(20))];
    let messages = (0..turns)
        .flat_map(|_| {
            let content = "I would look at the connections first. ".repeat(20);
            [
                Message::User { content: said("What would you look at? ") },
                Message::Assistant { content, reasoning: None, tool_calls: Vec::new() },
            ]
        })
        .chain([Message::User { content: said("And then? ") }])
        .collect();
    ChatCall {
        id: RequestId::generate(SystemClock.now()),
        client_request_id: None,
        is_repeated: false,
        client: Finding::unknown(),
        door: Door::General,
        request: ChatRequest::new(model(), messages),
    }
}

fn chat(criterion: &mut Criterion) {
    // Records are written on the other thread.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let _inside = runtime.enter();
    let tracker = TaskTracker::new();
    let caller = Caller::new(AccountId::generate(), KeyId::generate());

    let mut group = criterion.benchmark_group("a request");
    for (engines, turns) in [(1, 0), (8, 0), (8, 10)] {
        let gateway = gateway(engines, 1, &tracker);
        group.bench_function(format!("{engines} engines, {} messages", 2 * turns + 1), |bench| {
            bench.iter_batched(
                || call(turns),
                |call| {
                    runtime.block_on(async {
                        let reply = gateway.chat(&caller, call).await.expect("a reply");
                        StreamExt::collect::<Vec<ChatEvent>>(reply).await
                    })
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();

    const PIECES: usize = 1000;
    let gateway = gateway(1, PIECES, &tracker);
    let mut group = criterion.benchmark_group("an event");
    group.throughput(Throughput::Elements(PIECES as u64));
    group.bench_function("a thousand pieces of content", |bench| {
        bench.iter_batched(
            || runtime.block_on(gateway.chat(&caller, call(0))).expect("a reply"),
            |mut reply| {
                runtime.block_on(async {
                    while let Some(event) = reply.next().await {
                        black_box(event);
                    }
                });
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, chat);
criterion_main!(benches);
