//! What is set aside for a request, and what a balance pays for.

use ledger::{Extras, ModelPrice, PriceBook, TokenPrice, Unpriceable};
use proptest::prelude::*;
use serde_json::json;
use vocab::{NanoUsd, Tokens, Usage};

use super::{edited, model, usage, usd};

/// A host that reports nonsense gets an error, not a wrong amount.
#[test]
fn more_than_money_can_count_is_unpriceable() {
    let book = PriceBook::documented();
    let absurd = usage(u64::MAX, 0, u64::MAX, 0);
    assert_eq!(book.charge(&model("glm-5.1"), &absurd, &Extras::default()), Err(Unpriceable));
    let ceiling = book.ceiling(&model("glm-5.1"), Tokens(1 << 62), Tokens::ZERO, &Extras::default());
    assert_eq!(ceiling, Err(Unpriceable));
    let affordable =
        book.affordable_output(&model("glm-5.1"), Tokens(1 << 62), &Extras::default(), NanoUsd::MAX);
    assert_eq!(affordable, None);
}

/// BILL-03, BILL-10: an empty wallet pays for free models only.
#[test]
fn a_balance_pays_for_so_many_output_tokens() {
    let book = PriceBook::documented();
    let affordable = |name, prompt, funds: &str| {
        book.affordable_output(&model(name), Tokens(prompt), &Extras::default(), usd(funds))
            .map(|tokens| tokens.0)
    };
    assert_eq!(affordable("glm-5.1", 1_000, "0.0058"), Some(1_000));
    assert_eq!(affordable("glm-5.1", 1_000, "0.0014"), Some(0));
    assert_eq!(affordable("glm-5.1", 1_000, "0.001399999"), None);
    assert_eq!(affordable("glm-5.1", 1_000, "0"), None);
    assert_eq!(affordable("glm-4.7-flash", 1_000, "0"), Some(u64::MAX));
    assert_eq!(affordable("glm-4.7-flash", 1_000, "-1"), Some(u64::MAX), "free is free");
}

fn any_price() -> impl Strategy<Value = ModelPrice> {
    let nanos = || (0i64..20_000).prop_map(NanoUsd);
    let by_class = (nanos(), proptest::option::of(nanos()), nanos())
        .prop_map(|(input, cached_input, output)| TokenPrice::ByClass { input, cached_input, output });
    let tokens = prop_oneof![by_class, nanos().prop_map(TokenPrice::Every)];
    (tokens, nanos(), nanos(), proptest::option::of(nanos()))
        .prop_map(|(tokens, image, video, speech_second)| ModelPrice { tokens, image, video, speech_second })
}

fn any_extras() -> impl Strategy<Value = Extras> {
    proptest::array::uniform7(0u64..50).prop_map(
        |[images, videos, seconds, searches, pages, calls, stored]| Extras {
            images,
            videos,
            speech_seconds: seconds,
            web_searches: searches,
            web_pages: pages,
            tokenizer_calls: calls,
            cached_storage: Tokens(stored),
        },
    )
}

prop_compose! {
    fn any_book()(
        price in any_price(),
        mode in prop_oneof![Just("price_table"), Just("fraction")],
        fraction in 0u32..=1_000,
        asr_mode in prop_oneof![Just("tokens_else_minutes"), Just("tokens"), Just("minutes")],
    ) -> PriceBook {
        let mut book = edited(|sheet| {
            sheet["cached_input"]["rate_mode"] = json!(mode);
            sheet["cached_input"]["fraction"] = json!(format!("{}.{:03}", fraction / 1_000, fraction % 1_000));
            sheet["cached_input"]["storage"] = json!("0.007");
            sheet["asr_mode"] = json!(asr_mode);
        });
        book.models.insert(model("any"), price);
        book
    }
}

proptest! {
    /// BILL-01, BILL-10: a request that keeps within what it was admitted for never costs more than was set
    /// aside, its lines add up, and the balance pays for exactly as many output tokens as it can.
    #[test]
    fn a_charge_is_never_above_its_ceiling(
        book in any_book(),
        extras in any_extras(),
        (fresh, cached, spare_prompt) in (0u64..100_000, 0u64..100_000, 0u64..1_000),
        (reasoning, answer, spare_output) in (0u64..100_000, 0u64..100_000, 0u64..1_000),
        funds in 0i64..20_000_000_000,
    ) {
        let name = model("any");
        let used = Usage {
            fresh_prompt: Tokens(fresh),
            cached_prompt: Tokens(cached),
            reasoning: Tokens(reasoning),
            answer: Tokens(answer),
        };
        let prompt = Tokens(fresh + cached + spare_prompt);
        let output = Tokens(reasoning + answer + spare_output);
        let charge = book.charge(&name, &used, &extras).unwrap();
        for line in &charge.lines {
            prop_assert_eq!(line.unit_price.checked_mul(line.quantity), Some(line.amount));
        }
        prop_assert_eq!(NanoUsd::checked_sum(charge.lines.iter().map(|line| line.amount)), Some(charge.total));
        let ceiling = book.ceiling(&name, prompt, output, &extras).unwrap();
        prop_assert!(charge.total <= ceiling);

        match book.affordable_output(&name, prompt, &extras, NanoUsd(funds)) {
            None => {
                let least = book.ceiling(&name, prompt, Tokens::ZERO, &extras).unwrap();
                prop_assert!(least > NanoUsd(funds));
            }
            Some(tokens) => {
                let most = book.ceiling(&name, prompt, tokens, &extras).unwrap();
                prop_assert!(most <= NanoUsd(funds), "{most} of {funds}");
                let one_more = book.ceiling(&name, prompt, tokens + Tokens(1), &extras).unwrap();
                let is_bound = tokens != Tokens(u64::MAX) && book.price(&name).speech_second.is_none();
                prop_assert!(!is_bound || one_more > NanoUsd(funds));
            }
        }
    }
}
