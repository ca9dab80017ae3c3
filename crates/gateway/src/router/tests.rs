use std::collections::HashMap;
use std::time::Duration;

use inference::{ChatEvent, FinishReason};
use proptest::prelude::*;
use vocab::Usage;

use super::*;
use crate::ModelCard;
use crate::fake_engine::{Answer, FakeEngine, conversation};

fn route(engine: FakeEngine) -> RouteTo {
    RouteTo { engine: Arc::new(engine), weight: 1 }
}

fn named(name: &str) -> FakeEngine {
    FakeEngine::new(name)
}

/// The names of the engines in the order in which they would be asked.
fn order(routes: &[RouteTo]) -> Vec<String> {
    let order = Router::new().in_order(routes, &[], &conversation(&["Hi"]));
    order.into_iter().map(|route| route.engine.describe().name).collect()
}

#[test]
fn a_healthy_engine_comes_before_any_other() {
    let sick = FakeEngine { is_healthy: false, cached_prefix: Tokens(5_000), ..named("sick") };
    let full = FakeEngine { in_flight: 4, capacity: Some(4), ..named("full") };
    let busy = FakeEngine { in_flight: 900, ..named("busy") };
    assert_eq!(order(&[route(sick), route(full), route(busy)]), ["busy", "full", "sick"]);
}

#[test]
fn the_engine_that_holds_the_longest_prefix_comes_first() {
    let short = FakeEngine { cached_prefix: Tokens(100), ..named("short") };
    let long = FakeEngine { cached_prefix: Tokens(900), in_flight: 3, ..named("long") };
    let crumbs = FakeEngine { cached_prefix: Tokens(3), in_flight: 1, ..named("crumbs") };
    assert_eq!(
        order(&[route(short), route(long), route(crumbs), route(named("idle"))]),
        ["long", "short", "idle", "crumbs"]
    );
}

/// Beyond some load, reading a prompt again is quicker than waiting for the engine that knows it.
#[test]
fn an_engine_that_is_much_busier_loses_the_conversations_it_knows() {
    let known = |in_flight| FakeEngine { cached_prefix: Tokens(900), in_flight, ..named("known") };
    assert_eq!(order(&[route(named("idle")), route(known(AFFINITY_LOAD_SLACK))])[0], "known");
    assert_eq!(order(&[route(named("idle")), route(known(AFFINITY_LOAD_SLACK + 1))])[0], "idle");
}

#[test]
fn the_least_loaded_engine_for_its_weight_comes_first() {
    let busy = |name, in_flight, weight| RouteTo {
        engine: Arc::new(FakeEngine { in_flight, ..named(name) }),
        weight,
    };
    assert_eq!(order(&[busy("three", 3, 1), busy("two", 2, 1)])[0], "two");
    assert_eq!(order(&[busy("three of four", 3, 4), busy("two", 2, 1)])[0], "three of four");
}

/// Engines that are equal share the requests as their weights say.
#[test]
fn ties_fall_at_random_in_proportion_to_the_weights() {
    let routes = [RouteTo { engine: Arc::new(named("heavy")), weight: 3 }, route(named("light"))];
    let mut first = HashMap::new();
    for _ in 0..4_000 {
        *first.entry(order(&routes).remove(0)).or_insert(0) += 1;
    }
    // A thousand expected; that far off would be eleven standard deviations.
    assert!((700..1_300).contains(&first["light"]), "{first:?}");
}

proptest! {
    /// Every engine is asked once at most, none is forgotten, and no healthy engine waits for a sick one.
    #[test]
    fn every_engine_has_one_place_and_the_sick_are_last(
        engines in proptest::collection::vec((any::<bool>(), 0usize..50, 0u64..2_000, 0u32..5), 2..8),
    ) {
        let routes: Vec<RouteTo> = (engines.iter().enumerate())
            .map(|(n, (is_healthy, in_flight, held, weight))| RouteTo {
                engine: Arc::new(FakeEngine {
                    is_healthy: *is_healthy,
                    in_flight: *in_flight,
                    cached_prefix: Tokens(*held),
                    ..named(&n.to_string())
                }),
                weight: *weight,
            })
            .collect();
        let places: Vec<usize> = order(&routes).iter().map(|name| name.parse().unwrap()).collect();
        let mut sorted = places.clone();
        sorted.sort_unstable();
        prop_assert_eq!(sorted, (0..engines.len()).collect::<Vec<_>>());
        prop_assert!(places.is_sorted_by_key(|place| !engines[*place].0));
    }
}

fn model(routes: Vec<RouteTo>) -> ModelEntry {
    ModelEntry { card: ModelCard::custom("glm-4.7".parse().unwrap()), routes }
}

async fn run(router: &Router, model: &ModelEntry, request: ChatRequest) -> Result<String, EngineError> {
    let running = router.run(&Admission::of_nobody(), model, request).await?;
    Ok(running.engine.describe().name)
}

fn yes() -> Answer {
    Ok(vec![Ok(ChatEvent::Finished { reason: FinishReason::Stop, usage: Usage::default() })])
}

fn busy(seconds: Option<u64>) -> EngineError {
    EngineError::Busy { retry_after: seconds.map(Duration::from_secs) }
}

/// CACHE-01: a conversation goes on where its beginning was read, and another account's does not follow it.
#[tokio::test]
async fn a_conversation_stays_with_the_engine_that_knows_it() {
    let engine = |name: &str| (0..40).fold(named(name), |engine, _| engine.will(yes()));
    let model = model(vec![route(engine("a")), route(engine("b"))]);
    let router = Router::new();
    let first = run(&router, &model, conversation(&["Hi"])).await.unwrap();
    for _ in 0..10 {
        assert_eq!(run(&router, &model, conversation(&["Hi", "And then?"])).await.unwrap(), first);
    }

    let mut strangers = Vec::new();
    for n in 0..20 {
        let mut request = conversation(&["Hi", "And then?"]);
        request.cache_scope = inference::CacheScope(format!("account {n}"));
        strangers.push(run(&router, &model, request).await.unwrap());
    }
    assert!(strangers.iter().any(|engine| *engine != first), "all of twenty went to the same one of two");
}

#[tokio::test]
async fn an_engine_that_fails_before_the_first_byte_is_followed_by_the_next() {
    let failing = FakeEngine { cached_prefix: Tokens(500), ..named("failing") };
    let failing = failing.will(Err(EngineError::Failed { reason: "broken".to_owned() }));
    let model = model(vec![route(failing), route(named("works").will(yes()))]);
    assert_eq!(run(&Router::new(), &model, conversation(&["Hi"])).await.unwrap(), "works");
}

/// What is wrong with the request is wrong everywhere.
#[tokio::test]
async fn a_request_that_was_refused_as_wrong_is_not_sent_to_another_engine() {
    let strict = FakeEngine { cached_prefix: Tokens(500), ..named("strict") };
    let strict = strict.will(Err(EngineError::Rejected { message: "no".to_owned() }));
    let other = Arc::new(named("other").will(yes()));
    let model = model(vec![route(strict), RouteTo { engine: other.clone(), weight: 1 }]);
    let error = run(&Router::new(), &model, conversation(&["Hi"])).await.unwrap_err();
    assert!(matches!(error, EngineError::Rejected { .. }));
    assert_eq!(other.asked(), 0);
}

/// A caller who may come back in two seconds is told so, although another engine is gone for good.
#[tokio::test]
async fn of_several_failures_the_shortest_wait_is_told() {
    let gone = || EngineError::Unavailable { reason: "gone".to_owned() };
    for order in [[busy(Some(9)), gone(), busy(Some(2))], [busy(Some(2)), busy(None), gone()]] {
        let routes = (order.into_iter().enumerate())
            .map(|(n, error)| {
                // Each holds more of the prompt than the next, so that they are asked in this order.
                let cached_prefix = Tokens(1_000 - 100 * n as u64);
                route(FakeEngine { cached_prefix, ..named("e") }.will(Err(error)))
            })
            .collect();
        let error = run(&Router::new(), &model(routes), conversation(&["Hi"])).await.unwrap_err();
        let EngineError::Busy { retry_after } = error else { panic!("{error}") };
        assert_eq!(retry_after, Some(Duration::from_secs(2)));
    }
}
