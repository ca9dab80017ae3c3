//! What it costs to admit a request with everything on, and to take what it used.
//!
//! Budgets: 20 µs of CPU for a whole admission and settlement, which is what a request that is charged costs more than
//! one that is only counted; of these, 1 µs to reserve from a warm lease and 1 µs to settle, for money and for quota
//! alike, however many accounts are active. Ratios on one machine; a bench is no test. Run with
//! `cargo bench -p gateway --bench admission`.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use accounts::{Caller, PlanBook};
use async_trait::async_trait;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use futures::{FutureExt, StreamExt, stream};
use gateway::{
    Catalogue, ChatCall, Door, Finding, Gateway, GatewayLimits, Leases, LeasesSettings, Limits, Meter,
    MeterSettings, ModelCard, ModelMapping, RateRules, RouteTo,
};
use inference::{
    ChatEngine, ChatEvent, ChatRequest, ChatStream, EngineDescription, EngineError, FinishReason, Message,
    Part,
};
use ledger::{LedgerStore, MemoryLedger, Pool, PoolKind, TopUp, Units, WindowLimit, WindowName, WindowSpan};
use serde_json::{Value, json};
use testkit::House;
use tokio::runtime::{Builder, Runtime};
use tokio_util::task::TaskTracker;
use vocab::{
    AccountId, Clock, ModelName, NanoUsd, NodeId, RequestId, SubscriptionId, SystemClock, Timestamp, Tokens,
    Usage,
};

const ACCOUNTS: usize = 1_000;

/// What a chat with a long answer may cost, and what it does.
const CEILING: NanoUsd = NanoUsd(144_000_000);
const COST: NanoUsd = NanoUsd(1);
const CALL: Units = Units(50);

fn limits() -> [WindowLimit; 2] {
    let week =
        WindowSpan::Anchored { starts: Timestamp::from_millis(0), ends: Timestamp::from_millis(i64::MAX) };
    let five_hours = WindowSpan::Rolling(Duration::from_secs(5 * 3600));
    let limit = Units(i64::MAX / 4);
    [
        WindowLimit { name: WindowName::FiveHours, span: five_hours, limit },
        WindowLimit { name: WindowName::Week, span: week, limit },
    ]
}

fn leases(criterion: &mut Criterion) {
    // The store's answers and the upkeep run on the other thread.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let _inside = runtime.enter();
    let tracker = TaskTracker::new();
    let store = Arc::new(MemoryLedger::default());
    let leases = Leases::new(
        store.clone(),
        store.clone(),
        Arc::new(SystemClock),
        NodeId::generate(),
        LeasesSettings::default(),
        &tracker,
    );
    let accounts: Vec<AccountId> = (0..ACCOUNTS).map(|_| AccountId::generate()).collect();
    let pools: Vec<Pool> = (0..ACCOUNTS)
        .map(|_| Pool { subscription: SubscriptionId::generate(), kind: PoolKind::Prompts })
        .collect();
    for (number, account) in accounts.iter().enumerate() {
        let amount = NanoUsd(i64::MAX / 4);
        let top_up =
            TopUp { reference: number.to_string(), account: *account, amount, at: SystemClock.now() };
        runtime.block_on(store.top_up(&top_up)).expect("a top-up");
    }

    let mut group = criterion.benchmark_group("a request's money");
    for active in [1, ACCOUNTS] {
        let mut turn = 0;
        group.bench_function(format!("reserved and settled, {active} accounts"), |bench| {
            bench.iter(|| {
                turn = (turn + 1) % active;
                let reserve = leases.reserve_money(accounts[turn], CEILING, COST);
                // Only a lease that has just run short waits.
                let reserved = at_once_or_later(&runtime, reserve).expect("money");
                drop(black_box(reserved.settle(COST)));
            });
        });
    }
    group.finish();

    let limits = limits();
    let mut group = criterion.benchmark_group("a request's quota");
    for active in [1, ACCOUNTS] {
        let mut turn = 0;
        group.bench_function(format!("reserved and given back, {active} plans"), |bench| {
            bench.iter(|| {
                turn = (turn + 1) % active;
                let reserve = leases.reserve_quota(pools[turn], &limits, CALL);
                drop(black_box(at_once_or_later(&runtime, reserve).expect("quota")));
            });
        });
        group.bench_function(format!("reserved and settled, {active} plans"), |bench| {
            bench.iter(|| {
                turn = (turn + 1) % active;
                let reserve = leases.reserve_quota(pools[turn], &limits, CALL);
                let reserved = at_once_or_later(&runtime, reserve).expect("quota");
                drop(black_box(reserved.settle(CALL)));
            });
        });
    }
    group.finish();
}

/// As a handler does it: the first poll is the request's own, and mostly the last.
fn at_once_or_later<T>(runtime: &Runtime, reserve: impl Future<Output = T>) -> T {
    let mut reserve = std::pin::pin!(reserve);
    match reserve.as_mut().now_or_never() {
        Some(reserved) => reserved,
        None => runtime.block_on(reserve),
    }
}

/// Says one word, at once.
struct OneWord;

#[async_trait]
impl ChatEngine for OneWord {
    fn describe(&self) -> EngineDescription {
        EngineDescription {
            name: "one-word".to_owned(),
            runs: "one-word".to_owned(),
            context_window: None,
            in_flight: 0,
            capacity: None,
            constrains_json: true,
        }
    }

    async fn chat(&self, _request: ChatRequest) -> Result<ChatStream, EngineError> {
        let usage = Usage { fresh_prompt: Tokens(200), answer: Tokens(1), ..Usage::default() };
        let finished = ChatEvent::Finished { reason: FinishReason::Stop, usage };
        Ok(Box::pin(stream::iter([Ok(ChatEvent::Content("Yes".to_owned())), Ok(finished)])))
    }

    async fn count_tokens(&self, _request: &ChatRequest) -> Result<Tokens, EngineError> {
        Ok(Tokens::ZERO)
    }
}

fn model() -> ModelName {
    "glm-4.7".parse().expect("a name")
}

/// A gateway over `house`, which records what is used in its books.
fn gateway(house: &House, tracker: &TaskTracker) -> Gateway {
    let card = ModelCard::documented().iter().find(|card| card.name == model()).expect("documented").clone();
    let routes = vec![RouteTo { engine: Arc::new(OneWord), weight: 1 }];
    let catalogue = Catalogue::new(vec![ModelMapping { card, routes }]).expect("one model");
    // Requests come faster here than any log could be asked to follow.
    let settings = MeterSettings { backlog_records_max: usize::MAX, ..MeterSettings::default() };
    let meter = Meter::start(house.usage.clone(), settings, tracker);
    Gateway::new(Arc::new(catalogue), meter, Arc::new(SystemClock), GatewayLimits::default())
}

fn call(door: Door) -> ChatCall {
    let content = vec![Part::text("What would you look at first, second and third? ".repeat(20))];
    let mut request = ChatRequest::new(model(), vec![Message::User { content }]);
    request.max_tokens = Some(1024);
    ChatCall {
        id: RequestId::generate(SystemClock.now()),
        client_request_id: None,
        is_repeated: false,
        client: Finding::unknown(),
        door,
        request,
    }
}

/// Limits of every kind that nobody reaches, so that all of them are counted.
fn rates() -> RateRules {
    let limits = Limits {
        concurrency: Some(1_000_000),
        requests_per_minute: Some(1_000_000_000),
        tokens_per_minute: Some(u64::MAX / 4),
        requests_per_day: Some(1_000_000_000),
    };
    RateRules { account: limits, key: limits, models: [(model(), limits)].into(), ..RateRules::default() }
}

/// Plans of which nobody uses up anything.
fn plans() -> PlanBook {
    let mut book: Value = serde_json::from_str(PlanBook::documented_json()).expect("the documented plans");
    let largest = &mut book["plans"]["max"];
    for limit in ["prompts_per_5h", "prompts_per_week", "concurrency"] {
        largest[limit] = json!(1_000_000_000);
    }
    PlanBook::from_value(&book).expect("plans")
}

fn whole(criterion: &mut Criterion) {
    // Records are written on the other thread, which also keeps the leases filled.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let _inside = runtime.enter();
    let tracker = TaskTracker::new();
    let house = runtime.block_on(House::start(Arc::new(SystemClock), &tracker));
    house.rates.replace(rates());
    house.plan_book.replace(plans());
    runtime.block_on(house.top_up(house.operator.id, "5000000"));
    let caller = runtime.block_on(house.keys.authenticate(house.operator_key.expose())).expect("a caller");

    let counted = gateway(&house, &tracker);
    let charged = gateway(&house, &tracker).with_admissions(house.admissions.clone());
    let mut group = criterion.benchmark_group("a request");
    for (name, gateway, door) in [
        ("only counted", &counted, Door::General),
        ("charged to the balance", &charged, Door::General),
        ("charged to a plan", &charged, Door::Coding),
    ] {
        group.bench_function(name, |bench| {
            bench.iter_batched(
                || call(door),
                |call| answer(&runtime, gateway, &caller, call),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn answer(runtime: &Runtime, gateway: &Gateway, caller: &Caller, call: ChatCall) -> Vec<ChatEvent> {
    runtime.block_on(async {
        let reply = gateway.chat(caller, call).await.expect("a reply");
        StreamExt::collect::<Vec<ChatEvent>>(reply).await
    })
}

criterion_group!(benches, leases, whole);
criterion_main!(benches);
