//! What it costs to tell who sent a request, once its key was seen.
//!
//! Budgets, of the 60 µs of a request that the whole gateway may take: 1 µs for a raw key, 5 µs for a signed token.
//! Ratios on one machine; a bench is no test. Run with `cargo bench -p accounts`.

use std::hint::black_box;
use std::sync::Arc;

use accounts::{AccountStore, Keys, Seal};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use criterion::{Criterion, criterion_group, criterion_main};
use testkit::contract;
use testkit::memory::MemoryAccounts;
use tokio::runtime::Builder;
use vocab::{Clock, SystemClock};

fn authenticate(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let store = Arc::new(MemoryAccounts::default());
    let keys = Keys::new(store.clone(), Seal::generate().0, Arc::new(SystemClock));
    let secret = runtime.block_on(async {
        let ana = contract::accounts::account("Ana");
        store.account_insert(&ana).await.expect("a new account");
        keys.create(ana.id, "laptop", None).await.expect("a key").1
    });
    let token = token(secret.expose());
    let wrong = format!("{}x", secret.expose());

    let mut group = criterion.benchmark_group("authenticate");
    for (name, credential) in [("raw key", secret.expose()), ("signed token", token.as_str())] {
        group.bench_function(name, |bench| {
            bench.iter(|| {
                runtime.block_on(keys.authenticate(black_box(credential))).expect("a caller");
            });
        });
    }
    group.bench_function("wrong secret", |bench| {
        bench.iter(|| runtime.block_on(keys.authenticate(black_box(&wrong))).expect_err("a refusal"));
    });
    group.finish();
}

/// A token as the official SDKs sign it, valid for an hour.
fn token(key: &str) -> String {
    let (id, secret) = key.split_once('.').expect("a dot");
    let now = SystemClock.now().as_millis();
    let header = serde_json::json!({"alg": "HS256", "sign_type": "SIGN"});
    let claims = serde_json::json!({"api_key": id, "exp": now + 3_600_000, "timestamp": now});
    let signed = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
    let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, jsonwebtoken::Algorithm::HS256);
    format!("{signed}.{}", signature.expect("a signature"))
}

criterion_group!(benches, authenticate);
criterion_main!(benches);
