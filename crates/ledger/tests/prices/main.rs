//! The documented prices and the worked examples of the rules, to the billionth of a dollar.

#![expect(clippy::unwrap_used, reason = "a helper that cannot do its part fails the test")]

mod bounds;
mod sheet;

use ledger::{Charge, ExplainError, Extras, Item, PriceBook, PriceBooks};
use serde_json::{Value, json};
use vocab::{ModelName, NanoUsd, Timestamp, Tokens, Usage};

fn usd(text: &str) -> NanoUsd {
    text.parse().unwrap()
}

fn model(name: &str) -> ModelName {
    name.parse().unwrap()
}

fn usage(prompt: u64, cached: u64, completion: u64, reasoning: u64) -> Usage {
    Usage::from_overlapping(Tokens(prompt), Tokens(cached), Tokens(completion), Tokens(reasoning))
}

fn charge(name: &str, usage: &Usage, extras: &Extras) -> Charge {
    PriceBook::documented().charge(&model(name), usage, extras).unwrap()
}

/// The documented prices, with something changed by `edit`.
fn edited(edit: impl FnOnce(&mut Value)) -> PriceBook {
    let mut sheet = PriceBook::documented_sheet();
    edit(&mut sheet);
    PriceBook::from_sheet(2, &sheet).unwrap()
}

fn lines(charge: &Charge) -> Vec<(Item, u64, i64, i64)> {
    let line = |line: &ledger::Line| (line.item, line.quantity, line.unit_price.0, line.amount.0);
    charge.lines.iter().map(line).collect()
}

/// BILL-01: the three classes of tokens of one chat.
#[test]
fn a_chat_is_charged_by_class_of_token() {
    let charge = charge("glm-5.1", &usage(1_200, 800, 300, 0), &Extras::default());
    assert_eq!(
        lines(&charge),
        [
            (Item::FreshInput, 400, 1_400, 560_000),
            (Item::CachedInput, 800, 260, 208_000),
            (Item::Answer, 300, 4_400, 1_320_000),
        ]
    );
    assert_eq!(charge.total.to_string(), "0.002088");
}

/// BILL-02: the smallest price there is, many times over.
#[test]
fn a_quarter_of_a_thousand_cached_tokens_are_a_millionth_of_a_dollar() {
    let one = charge("glm-4.6v-flashx", &usage(1, 1, 0, 0), &Extras::default());
    assert_eq!(one.total, NanoUsd(4));
    let many = charge("glm-4.6v-flashx", &usage(250, 250, 0, 0), &Extras::default());
    assert_eq!(many.total, usd("0.000001"));
}

/// BILL-03, BILL-24: free models, unpublished prices and models that nobody listed.
#[test]
fn what_has_no_price_costs_nothing_however_much_it_is() {
    let much = usage(1 << 60, 1 << 50, u64::MAX, 0);
    for name in ["glm-4.7-flash", "glm-4.5-flash", "glm-4.6v-flash", "autoglm-phone-multilingual", "my-own"] {
        let charge = charge(name, &much, &Extras::default());
        assert_eq!(charge.total, NanoUsd::ZERO, "{name}");
        assert_eq!(charge.lines.len(), 3, "{name}: what was used is listed all the same");
    }
    let tools = Extras { web_pages: 7, tokenizer_calls: 9, ..Extras::default() };
    assert_eq!(charge("glm-5.1", &Usage::default(), &tools).total, NanoUsd::ZERO);

    let book = edited(|sheet| {
        sheet["tools"]["web_reader"] = json!("0.002");
        sheet["tools"]["tokenizer"] = json!("0.0001");
    });
    let charge = book.charge(&model("glm-5.1"), &Usage::default(), &tools).unwrap();
    assert_eq!((charge.total, charge.version), (usd("0.0149"), 2));
}

/// BILL-04: keeping input in the cache is free until the operator asks for something.
#[test]
fn cached_input_is_stored_for_nothing_by_default() {
    let extras = Extras { cached_storage: Tokens(1_000_000), ..Extras::default() };
    let free = charge("glm-5.1", &Usage::default(), &extras);
    assert_eq!(lines(&free), [(Item::CachedStorage, 1_000_000, 0, 0)]);

    let book = edited(|sheet| sheet["cached_input"]["storage"] = json!("0.05"));
    assert_eq!(book.charge(&model("glm-5.1"), &Usage::default(), &extras).unwrap().total, usd("0.05"));
}

/// BILL-05: three videos, two images and five searches.
#[test]
fn pieces_are_charged_by_the_piece() {
    let videos = charge("vidu2-reference", &Usage::default(), &Extras { videos: 3, ..Extras::default() });
    let images = charge("glm-image", &Usage::default(), &Extras { images: 2, ..Extras::default() });
    let searches = charge("glm-5.1", &Usage::default(), &Extras { web_searches: 5, ..Extras::default() });
    assert_eq!(
        [&videos, &images, &searches].map(|charge| charge.total),
        [usd("1.20"), usd("0.03"), usd("0.05")]
    );
    let effects =
        charge("vidu_template_agent", &Usage::default(), &Extras { videos: 1, ..Extras::default() });
    assert_eq!(effects.total, usd("0.20"));
    // What draws may report tokens; only the image is paid.
    let drawn = charge("glm-image", &usage(100, 0, 5_000, 0), &Extras { images: 1, ..Extras::default() });
    assert_eq!(drawn.total, usd("0.015"));
}

/// BILL-06: both passes of a translation count.
#[test]
fn an_agent_is_charged_for_every_token_of_every_pass() {
    let translation = charge("general_translation", &usage(900, 300, 1_100, 0), &Extras::default());
    assert_eq!(lines(&translation), [(Item::Token, 2_000, 3_000, 6_000_000)]);
    assert_eq!(
        charge("slides_glm_agent", &usage(500_000, 0, 500_000, 0), &Extras::default()).total,
        usd("0.70")
    );
}

/// BILL-07: tokens where they are reported, time where they are not.
#[test]
fn speech_is_charged_by_tokens_else_by_time() {
    let clip = Extras { speech_seconds: 30, ..Extras::default() };
    assert_eq!(charge("glm-asr-2512", &Usage::default(), &clip).total, usd("0.0012"));
    let reported = usage(39_000, 0, 1_000, 0);
    assert_eq!(charge("glm-asr-2512", &reported, &clip).total, usd("0.0012"), "80,000 tokens are a minute");

    let in_mode = |mode: &str| edited(|sheet| sheet["asr_mode"] = json!(mode));
    let shorter = usage(9_000, 0, 1_000, 0);
    let total = |mode, usage| in_mode(mode).charge(&model("glm-asr-2512"), &usage, &clip).unwrap().total;
    assert_eq!(total("tokens_else_minutes", shorter), usd("0.0003"));
    assert_eq!(total("tokens", shorter), usd("0.0003"));
    assert_eq!(total("tokens", Usage::default()), NanoUsd::ZERO);
    assert_eq!(total("minutes", shorter), usd("0.0012"));
}

/// BILL-08: an answer of 50 tokens after 450 of thinking.
#[test]
fn thinking_is_paid_output() {
    let charge = charge("glm-5.1", &usage(0, 0, 500, 450), &Extras::default());
    let expected = [(Item::Reasoning, 450, 4_400, 1_980_000), (Item::Answer, 50, 4_400, 220_000)];
    assert_eq!(lines(&charge), expected);
    assert_eq!(charge.total, NanoUsd(500 * 4_400));
}

/// BILL-09: a search within a chat comes on top of its tokens.
#[test]
fn a_chat_with_a_search_costs_both() {
    let search = Extras { web_searches: 1, ..Extras::default() };
    let charge = charge("glm-4-32b-0414-128k", &usage(4_199, 0, 868, 0), &search);
    assert_eq!(charge.total, usd("0.0105067"));
}

/// CACHE-03: the worked example, at both documented fractions.
#[test]
fn cache_hits_cost_a_fraction_where_the_operator_says_so() {
    let book = |fraction: &str| {
        edited(|sheet| {
            sheet["models"]["example"] = json!({ "input": "10", "cached_input": "9", "output": "10" });
            sheet["cached_input"]["rate_mode"] = json!("fraction");
            sheet["cached_input"]["fraction"] = json!(fraction);
        })
    };
    let total = |fraction, cached| {
        let example = usage(2_000, cached, 500, 0);
        book(fraction).charge(&model("example"), &example, &Extras::default()).unwrap().total
    };
    assert_eq!(total("0.5", 1_200), usd("0.019"));
    assert_eq!(total("0.2", 1_200), usd("0.0154"));
    assert_eq!(total("0.5", 0), usd("0.025"), "without the cache");
}

/// CACHE-03: by the price table a fraction is for models without a cached price only.
#[test]
fn a_model_without_a_cached_price_takes_the_fraction() {
    let cached = usage(1_000, 1_000, 0, 0);
    assert_eq!(charge("glm-4-32b-0414-128k", &cached, &Extras::default()).total, usd("0.00005"));
    assert_eq!(charge("glm-4.7", &cached, &Extras::default()).total, usd("0.00011"));
}

/// BILL-20: announced prices apply from their moment on, and old charges are explained by the old ones.
#[test]
fn a_charge_is_explained_by_the_prices_it_was_made_at() {
    let mut books = PriceBooks::new(PriceBook::documented());
    books.add(edited(|sheet| {
        sheet["effective"] = json!("2026-06-01T00:00:00+08:00");
        sheet["models"]["glm-5.1"]["input"] = json!("2");
    }));
    let june = Timestamp::from_millis(1_780_243_200_000);
    let before = Timestamp::from_millis(june.as_millis() - 1);
    assert_eq!([books.at(before).version, books.at(june).version], [0, 2]);
    assert_eq!(books.at(Timestamp::from_millis(0)).version, 0, "there is always a price");

    let (name, used) = (model("glm-5.1"), usage(1_000, 0, 0, 0));
    let charged = books.at(before).charge(&name, &used, &Extras::default()).unwrap();
    let explained = books.explain(charged.version, &name, &used, &Extras::default());
    assert_eq!(explained, Ok(charged));
    let unknown = books.explain(9, &name, &used, &Extras::default());
    assert_eq!(unknown, Err(ExplainError::UnknownVersion(9)));
}
