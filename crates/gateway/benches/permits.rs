//! What a permit costs on one node: taken and given back.
//!
//! Budgets: 0.1 µs when nothing limits the request, 1 µs with one limited scope, 2 µs with the three that a
//! request of a plan has (account, account and model, key) and every limit set, however many other scopes are
//! known. Of the 20 µs that an admission may take. Ratios on one machine; a bench is no test. Run with `cargo
//! bench -p gateway`.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use futures::FutureExt;
use gateway::{
    Limits, MemoryPermits, MemoryPermitsSettings, PermitRequest, Permits, QueueSettings, Queued, Scope,
};
use vocab::{SystemClock, Tokens};

fn every_limit() -> Limits {
    Limits {
        concurrency: Some(10),
        requests_per_minute: Some(u32::MAX),
        tokens_per_minute: Some(u64::MAX),
        requests_per_day: Some(u32::MAX),
    }
}

fn only_concurrency() -> Limits {
    Limits { concurrency: Some(10), ..Limits::default() }
}

/// A request of one account among many.
fn request(number: usize, scopes: usize, limits: Limits) -> PermitRequest {
    let account = format!("acct_0198f0c2b7a07c3e9f2d{number:012}");
    let names =
        [account.clone(), format!("{account}/glm-5.1"), format!("key_0198f0c2b7a07c3e9f2d{number:012}")];
    names
        .iter()
        .take(scopes)
        .fold(PermitRequest::new(), |request, name| request.within(Scope::new(name), limits))
}

fn take_and_give_back(permits: &dyn Permits, request: &PermitRequest) {
    let answer = permits.acquire(black_box(request)).now_or_never().expect("no wait");
    answer.expect("a permit").used(Tokens(1_000));
}

fn permits(criterion: &mut Criterion) {
    let memory = MemoryPermits::new(Arc::new(SystemClock), &MemoryPermitsSettings::default());
    let mut group = criterion.benchmark_group("a permit");
    let cases = [
        ("no limit", request(0, 0, Limits::default())),
        ("one scope, concurrency", request(0, 1, only_concurrency())),
        ("three scopes, concurrency", request(0, 3, only_concurrency())),
        ("three scopes, every limit", request(0, 3, every_limit())),
    ];
    for (name, request) in &cases {
        group.bench_function(*name, |bench| bench.iter(|| take_and_give_back(&memory, request)));
    }

    for number in 1..30_000 {
        take_and_give_back(&memory, &request(number, 3, every_limit()));
    }
    let crowded = request(0, 3, every_limit());
    group.bench_function("three scopes, every limit, among 90,000 scopes", |bench| {
        bench.iter(|| take_and_give_back(&memory, &crowded));
    });

    let queued = Queued::new(memory, QueueSettings::default());
    group.bench_function("three scopes, concurrency, with a queue before it", |bench| {
        bench.iter(|| take_and_give_back(&queued, &cases[2].1));
    });
    group.finish();
}

criterion_group!(benches, permits);
criterion_main!(benches);
