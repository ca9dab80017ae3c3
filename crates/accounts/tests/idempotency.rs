//! What is asked for again with the same key.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::sync::Arc;
use std::time::Duration;

use accounts::{Claim, Idempotency, IdempotencyError, Idempotent, KeptAnswer, Seal};
use testkit::clock::ManualClock;
use testkit::memory::MemoryIdempotency;
use vocab::Secret;

struct Desk {
    idempotency: Idempotency,
    clock: Arc<ManualClock>,
}

impl Desk {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::default());
        let store = Arc::new(MemoryIdempotency::default());
        Self { idempotency: Idempotency::new(store, Seal::generate().0, clock.clone()), clock }
    }

    async fn ask(&self, key: &str, request: &str) -> Idempotent {
        self.idempotency.begin("per_a", key, request.as_bytes()).await.unwrap()
    }

    async fn first(&self, key: &str, request: &str) -> Claim {
        match self.ask(key, request).await {
            Idempotent::First(claim) => claim,
            other => panic!("{other:?}"),
        }
    }
}

fn answer(body: &str) -> KeptAnswer {
    KeptAnswer { status: 200, body: Secret::new(body) }
}

/// An answer can be had again for a day, by the same request only.
#[tokio::test]
async fn an_answer_can_be_had_again_for_a_day() {
    let desk = Desk::new();
    let claim = desk.first("k", "one").await;
    assert!(matches!(desk.ask("k", "one").await, Idempotent::Running));
    assert!(matches!(desk.ask("k", "two").await, Idempotent::Another));
    desk.idempotency.keep(claim, answer("done")).await.unwrap();

    desk.clock.advance(Duration::from_secs(24 * 3600 - 1));
    let again = desk.ask("k", "one").await;
    assert!(matches!(&again, Idempotent::Again(kept) if *kept == answer("done")), "{again:?}");
    assert!(!format!("{again:?}").contains("done"), "an answer may hold a secret");
    assert!(matches!(desk.ask("k", "two").await, Idempotent::Another));
    assert_eq!(desk.idempotency.expire().await.unwrap(), 0);

    desk.clock.advance(Duration::from_secs(1));
    assert_eq!(desk.idempotency.expire().await.unwrap(), 1);
    desk.first("k", "two").await;
}

/// A request that was lost with its process can be tried again after two minutes, one that was given up at once.
#[tokio::test]
async fn what_did_not_end_can_be_tried_again() {
    let desk = Desk::new();
    let claim = desk.first("k", "one").await;
    desk.idempotency.give_up(claim).await.unwrap();
    desk.first("k", "one").await;
    desk.clock.advance(Duration::from_secs(119));
    assert!(matches!(desk.ask("k", "one").await, Idempotent::Running));
    desk.clock.advance(Duration::from_secs(1));
    let claim = desk.first("k", "one").await;

    // An answer that is too long to keep counts as none.
    desk.idempotency.keep(claim, answer(&"x".repeat(100_000))).await.unwrap();
    desk.first("k", "one").await;
}

/// Keys are bounded in form and number.
#[tokio::test]
async fn keys_are_bounded() {
    let desk = Desk::new();
    for key in ["", "with space", "ключ", &"x".repeat(256)] {
        let refused = desk.idempotency.begin("per_a", key, b"one").await;
        assert!(matches!(refused, Err(IdempotencyError::InvalidKey)), "{key}");
    }
    for number in 0..1000 {
        desk.first(&number.to_string(), "one").await;
    }
    assert!(matches!(desk.ask("one-more", "one").await, Idempotent::Full));
}
