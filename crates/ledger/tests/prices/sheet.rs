//! The price sheet: what it says, and what it refuses to say.

use std::path::Path;

use ledger::{ModelPrice, PriceBook, TokenPrice};
use serde_json::{Value, json};
use vocab::NanoUsd;

use super::{model, usd};

/// BILL-02: every documented price is a whole number of billionths for one token, and the price sheet has
/// them all.
#[test]
fn the_price_sheet_says_what_the_documentation_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/spec/models.json");
    let documented: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let book = PriceBook::documented();

    let mut checked = 0;
    let rows = documented["models"].as_array().unwrap().iter().map(|row| (row, &row["prices"]));
    let agents = documented["agents"].as_array().unwrap().iter().map(|row| (row, &row["price"]));
    for (row, prices) in rows.chain(agents) {
        let name = model(row["id"].as_str().unwrap());
        // The number's own digits; no arithmetic is done on it.
        let dollars =
            |key: &str| prices.get(key).filter(|price| !price.is_null()).map(|price| usd(&price.to_string()));
        let per_token = |key: &str| {
            dollars(key).map(|price| {
                assert_eq!(price.0 % 1_000_000, 0, "{name} {key}");
                NanoUsd(price.0 / 1_000_000)
            })
        };
        let expected = match prices["unit"].as_str() {
            None => {
                assert!(!book.models.contains_key(&name), "{name} has no published price");
                continue;
            }
            Some("usd_per_1m_tokens") if prices.get("input").is_some() => ModelPrice {
                tokens: TokenPrice::ByClass {
                    input: per_token("input").unwrap(),
                    cached_input: per_token("cached_input"),
                    output: per_token("output").unwrap(),
                },
                ..ModelPrice::default()
            },
            Some("usd_per_1m_tokens") => ModelPrice {
                tokens: TokenPrice::Every(per_token("price").unwrap()),
                speech_second: dollars("approx_usd_per_minute").map(|minute| NanoUsd(minute.0 / 60)),
                ..ModelPrice::default()
            },
            Some("usd_per_image") => ModelPrice { image: dollars("price").unwrap(), ..ModelPrice::default() },
            Some("usd_per_video") => ModelPrice { video: dollars("price").unwrap(), ..ModelPrice::default() },
            Some("none") => ModelPrice::default(),
            Some(unit) => panic!("{name} is priced in {unit}"),
        };
        assert_eq!(book.models.get(&name), Some(&expected), "{name}");
        checked += 1;
    }
    assert_eq!(book.models.len(), checked, "nothing else has a price");
    assert_eq!(book.tools.web_search, usd("0.01"));
}

/// A mistake in the sheet names its key.
#[test]
fn a_mistake_in_the_price_sheet_names_its_key() {
    let refused = |edit: &dyn Fn(&mut Value)| {
        let mut sheet = PriceBook::documented_sheet();
        edit(&mut sheet);
        PriceBook::from_sheet(1, &sheet).unwrap_err().to_string()
    };
    let input = |price: Value| refused(&|sheet| sheet["models"]["glm-5.1"]["input"] = price.clone());
    for (price, why) in [
        (json!(1.4), "expected a string"),
        (json!("1.4 USD"), "not an amount of dollars"),
        (json!("-1"), "below zero"),
        (json!("0.0001"), "not a whole number of billionths"),
        (json!("1000001"), "more than 1000000 dollars"),
    ] {
        let message = input(price);
        assert!(message.starts_with("`models.glm-5.1.input`: ") && message.contains(why), "{message}");
    }

    type Edit<'a> = &'a dyn Fn(&mut Value);
    let cases: [(Edit<'_>, &str); 9] = [
        (&|sheet| *sheet = json!("free"), "`document`"),
        (&|sheet| sheet["models"]["glm 5"] = json!({ "image": "1" }), "`models.glm 5`"),
        (&|sheet| sheet["models"]["GLM-5.1"] = json!({ "image": "1" }), "`models.glm-5.1`: is listed twice"),
        (&|sheet| sheet["models"]["mine"] = json!({}), "`models.mine`: has no price"),
        (&|sheet| sheet["models"]["mine"] = json!({ "input": "1" }), "`models.mine`: `input` and `output`"),
        (&|sheet| sheet["models"]["mine"] = json!({ "token": "1", "output": "1" }), "`models.mine`: `token`"),
        (&|sheet| sheet["models"]["mine"] = json!({ "inptu": "1" }), "`models.mine.inptu`"),
        (&|sheet| sheet["cached_input"]["fraction"] = json!("1.1"), "`cached_input.fraction`"),
        (&|sheet| sheet["effective"] = json!("tomorrow"), "`effective`"),
    ];
    for (edit, expected) in cases {
        let message = refused(edit);
        assert!(message.starts_with(expected), "{message} should begin with {expected}");
    }
}
