//! The door decides who pays, and nobody pays for what they did not get.

use accounts::{KeyTerms, PlanBook};
use inference::{ChatEvent, EngineError, FinishReason};
use ledger::{Grant, GrantKind, LedgerStore, PriceBook, PriceBooks, Units};
use serde_json::{Value, json};
use testkit::scripted_engine::{Answer, CACHED_TOKENS, PROMPT_TOKENS};
use testkit::{TestApp, TestSettings};
use vocab::{Clock, GrantId, NanoUsd, SystemClock, Tokens, Usage};

use crate::{hello, hello_with};

const GENERAL: &str = "paas";
const CODING: &str = "coding/paas";

/// What a scripted prompt and so many pieces of answer cost with `glm-4.7`.
fn cost(answer: u64) -> NanoUsd {
    let usage = Usage {
        fresh_prompt: Tokens(PROMPT_TOKENS - CACHED_TOKENS),
        cached_prompt: Tokens(CACHED_TOKENS),
        reasoning: Tokens::ZERO,
        answer: Tokens(answer),
    };
    let book = PriceBook::documented();
    book.charge(&"glm-4.7".parse().unwrap(), &usage, &ledger::Extras::default()).unwrap().total
}

fn dollars(text: &str) -> NanoUsd {
    text.parse().unwrap()
}

async fn error(response: reqwest::Response) -> (u16, String, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    let text = |name: &str| body["error"][name].as_str().unwrap_or_default().to_owned();
    (status, text("code"), text("message"))
}

/// ENDP-05, AUTH-05, QUOTA-06: one key opens both doors; the general one takes money and no quota, the coding one quota
/// and no money.
#[tokio::test]
async fn the_door_decides_who_pays() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "5").await;
    app.house.grant(account, "lite").await;

    assert_eq!(app.chat_through(GENERAL, &key, &hello()).await.status(), 200);
    assert_eq!(app.wallet(account).await, dollars("5").checked_sub(cost(1)).unwrap());
    assert_eq!(app.prompts_used(account).await, [Units(0), Units(0)]);

    assert_eq!(app.chat_through(CODING, &key, &hello()).await.status(), 200);
    assert_eq!(app.wallet(account).await, dollars("5").checked_sub(cost(1)).unwrap());
    assert_eq!(app.prompts_used(account).await, [Units(50), Units(50)], "QUOTA-10: of both windows");
}

/// BILL-10, ENDP-06: an empty wallet is refused with 1113 and status 429 until something is paid in; a plan does not help
/// at the general door.
#[tokio::test]
async fn an_empty_wallet_is_refused_until_it_is_topped_up() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.grant(account, "max").await;

    let refused = app.chat_through(GENERAL, &key, &hello()).await;
    assert_eq!(refused.headers()["x-should-retry"], "false");
    assert!(!refused.headers().contains_key("retry-after"));
    let (status, code, _) = error(refused).await;
    assert_eq!((status, code.as_str()), (429, "1113"));
    assert!(app.engine.requests().is_empty(), "no engine was asked");

    app.house.top_up(account, "1").await;
    app.until("the top-up is noticed", async || {
        app.chat_through(GENERAL, &key, &hello()).await.status() == 200
    })
    .await;
}

/// A key that may spend so much in a month spends no more, however much its account has and however quickly it asks.
#[tokio::test]
async fn a_key_spends_what_it_may_and_not_a_cent_more() {
    let app = TestApp::start().await;
    let (account, other) = app.house.newcomer().await;
    app.house.top_up(account, "5").await;
    let limit = cost(1).checked_mul(100).unwrap();
    let terms = KeyTerms { monthly_spend_max: Some(limit), ..KeyTerms::default() };
    let (_, key) = app.house.keys.create_under(account, "modest", terms).await.unwrap();
    let mut refusal = None;
    for _ in 0..150 {
        let asked = app.chat_through(GENERAL, &key, &hello()).await;
        if asked.status() != 200 {
            refusal = Some(error(asked).await);
            break;
        }
    }
    let (status, code, message) = refusal.expect("a hundred answers are all it may buy");
    assert_eq!((status, code.as_str()), (429, "1113"));
    assert!(message.contains("This key may spend"), "{message}");
    let spent = dollars("5").checked_sub(app.wallet(account).await).unwrap();
    assert!(spent.is_positive() && spent <= limit, "{spent} of {limit}");
    assert_eq!(app.chat_through(GENERAL, &other, &hello()).await.status(), 200);
}

/// BILL-12: credits go first, and cash pays the rest of the same request.
#[tokio::test]
async fn credits_are_spent_before_cash() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "1").await;
    let grant = Grant {
        id: GrantId::generate(),
        account,
        kind: GrantKind::Operator,
        note: "welcome".to_owned(),
        amount: NanoUsd(2_000),
        priority: 0,
        expires: None,
        at: SystemClock.now(),
    };
    app.house.ledger.grant(&grant).await.unwrap();

    app.chat_through(GENERAL, &key, &hello()).await;
    let left = dollars("1").checked_add(NanoUsd(2_000)).and_then(|all| all.checked_sub(cost(1))).unwrap();
    assert!(cost(1) > NanoUsd(2_000));
    assert_eq!(app.wallet(account).await, left);
    assert!(
        app.house.ledger.grants(account, 10).await.unwrap().iter().all(|grant| grant.left == NanoUsd::ZERO)
    );
}

/// BILL-03: a free model answers an empty wallet, and the use is recorded.
#[tokio::test]
async fn a_free_model_needs_no_money() {
    let models = &["glm-4.7-flash"];
    let app = TestApp::with(TestSettings { models, ..TestSettings::default() }).await;
    let (account, key) = app.house.newcomer().await;
    let free = hello_with(&json!({"model": "glm-4.7-flash"}));
    assert_eq!(app.chat_through(GENERAL, &key, &free).await.status(), 200);
    assert_eq!(app.wallet(account).await, NanoUsd::ZERO);
    assert_eq!(app.usage().await.len(), 1);
}

/// MODEL-02, BILL-10: who has little money gets as much of an answer as it pays for, and never owes anything.
#[tokio::test]
async fn an_answer_is_cut_to_what_the_balance_covers() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "0.001").await;
    assert_eq!(app.chat_through(GENERAL, &key, &hello()).await.status(), 200);
    let asked = app.engine.requests().pop().unwrap().max_tokens.unwrap();
    let output_price = 2_200;
    assert!((16..=1_000_000 / output_price).contains(&asked), "{asked}");
}

/// BILL-23, QUOTA-11: what failed before its first byte costs neither money nor quota, and can be asked again.
#[tokio::test]
async fn a_failure_before_the_first_byte_is_free() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "5").await;
    app.house.grant(account, "lite").await;
    for door in [GENERAL, CODING] {
        app.engine.will(Answer::Refusal(EngineError::Failed { reason: "gone".to_owned() }));
        assert_eq!(app.chat_through(door, &key, &hello()).await.status(), 500);
    }
    assert_eq!(app.wallet(account).await, dollars("5"));
    assert_eq!(app.prompts_used(account).await, [Units(0), Units(0)]);
}

/// A client that hangs up pays for the tokens it was sent, not for the ones it was not.
#[tokio::test]
async fn hanging_up_mid_stream_charges_only_what_was_sent() {
    let app = TestApp::gated().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "5").await;
    let say = ["Hel", "lo", ", world"].map(|text| ChatEvent::Content(text.to_owned())).to_vec();
    app.engine.will(Answer::Events(say, FinishReason::Stop));
    app.engine.let_through(1);
    let mut answer = app.chat_through(GENERAL, &key, &hello_with(&json!({"stream": true}))).await;
    let mut seen = String::new();
    while !seen.contains("Hel") {
        seen += &String::from_utf8_lossy(&answer.chunk().await.unwrap().unwrap());
    }
    drop(answer);
    app.until("the hang-up is noticed", async || app.engine.running() == 0).await;
    assert_eq!(app.wallet(account).await, dollars("5").checked_sub(cost(1)).unwrap());
}

/// PLAN-03, PLAN-04, PLAN-05: without a plan, after its end, and for a model it does not have, a plan's door refuses in the
/// documented words and never takes money.
#[tokio::test]
async fn a_plans_door_is_for_plans() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "5").await;
    let (status, code, message) = error(app.chat_through(CODING, &key, &hello()).await).await;
    assert_eq!((status, code.as_str()), (429, "1309"));
    assert!(message.contains("has no plan"), "{message}");

    let plan = app.house.grant(account, "lite").await;
    let other = hello_with(&json!({"model": "glm-4.5"}));
    let refused = app.chat_through(CODING, &key, &other).await;
    assert_eq!(refused.headers()["x-should-retry"], "false");
    let (status, code, message) = error(refused).await;
    assert_eq!((status, code.as_str()), (429, "1311"));
    assert!(message.contains("glm-4.5"), "{message}");

    app.house.plans.end(plan.id).await.unwrap();
    app.house.standings.forget(account).await;
    let (_, code, message) = error(app.chat_through(CODING, &key, &hello()).await).await;
    assert_eq!(code, "1309");
    assert!(message.contains("has expired"), "{message}");
    assert_eq!(app.wallet(account).await, dollars("5"));
}

/// MCPQ-04: the local vision server calls the general door, and draws on the plan.
#[tokio::test]
async fn the_vision_server_draws_on_the_plan() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.grant(account, "lite").await;
    let vision = hello_with(&json!({"model": "glm-4.6v"}));
    let request = app.http.post(app.paas("/chat/completions")).bearer_auth(key.expose());
    let answer =
        request.header("x-title", "4.5V MCP Local").header("user-agent", "node").body(vision.to_string());
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    assert_eq!(app.prompts_used(account).await, [Units(50), Units(50)]);
    let recorded = app.usage().await;
    assert_eq!(recorded[0].client.name.as_deref(), Some("Z.AI vision MCP server"));
}

/// BILL-20: other prices count from the next request on, and old charges keep the version they were made by.
#[tokio::test]
async fn a_price_change_does_not_touch_what_was_charged() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "5").await;
    app.chat_through(GENERAL, &key, &hello()).await;

    let mut sheet = PriceBook::documented_sheet();
    sheet["models"]["glm-4.7"] = json!({"input": "1.2", "cached_input": "0.22", "output": "4.4"});
    let mut books = PriceBooks::new(PriceBook::documented());
    books.add(PriceBook::from_sheet(1, &sheet).unwrap());
    app.house.prices.replace(books);
    app.chat_through(GENERAL, &key, &hello()).await;

    let twice = cost(1).checked_mul(3).unwrap();
    assert_eq!(app.wallet(account).await, dollars("5").checked_sub(twice).unwrap());
    let mut versions = Vec::new();
    for record in app.usage().await {
        let settled = app.house.ledger.settled(&record.request).await.unwrap().unwrap();
        let explained = app.house.prices.current().explain(
            settled.price_version,
            &record.model,
            &record.usage,
            &ledger::Extras::default(),
        );
        assert_eq!(explained.unwrap().total, settled.charged, "each is explained by its own version");
        versions.push(settled.price_version);
    }
    versions.sort_unstable();
    assert_eq!(versions, [0, 1]);
}

/// The books balance after all of this.
#[tokio::test]
async fn the_books_balance_after_many_requests_at_once() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.top_up(account, "0.01").await;
    let body = hello();
    let requests = (0..64).map(|_| app.chat_through(GENERAL, &key, &body));
    let served = futures::future::join_all(requests).await;
    let served = served.iter().filter(|answer| answer.status() == 200).count() as u64;
    assert!(served > 0);
    let paid = cost(1).checked_mul(served).unwrap();
    assert_eq!(app.wallet(account).await, dollars("0.01").checked_sub(paid).unwrap());
    let verified = app.house.ledger.verify().await.unwrap();
    assert!(verified.is_clean(), "{verified:?}");
}

/// The operator's plan book may be replaced while requests run; what is refused is decided by the new one.
#[tokio::test]
async fn plans_change_without_a_restart() {
    let app = TestApp::start().await;
    let (account, key) = app.house.newcomer().await;
    app.house.grant(account, "lite").await;
    let mut book: Value = serde_json::from_str(PlanBook::documented_json()).unwrap();
    book["plans"]["lite"]["allowed_models"] = json!(["glm-4.5"]);
    app.house.plan_book.replace(PlanBook::from_value(&book).unwrap());
    let (_, code, _) = error(app.chat_through(CODING, &key, &hello()).await).await;
    assert_eq!(code, "1311");
    let other = hello_with(&json!({"model": "glm-4.5"}));
    assert_eq!(app.chat_through(CODING, &key, &other).await.status(), 200);
}
