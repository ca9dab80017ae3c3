//! The price book as operators write it: JSON, with dollars as decimal texts.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use vocab::{ModelName, NanoUsd, Timestamp};

use crate::{AsrMode, CachedRate, CachedRateMode, Fraction, ModelPrice, PriceBook, TokenPrice, ToolPrices};

/// The documented prices, as an operator's document.
const DOCUMENTED: &str = include_str!("../data/prices.json");

/// What the program brings is version zero; operators' documents begin with one.
const DOCUMENTED_VERSION: i64 = 0;

/// A mistake in a price sheet, with the key where it is.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`: {problem}")]
pub struct InvalidPrices {
    /// Where, as `models.glm-5.1.input`.
    pub key: String,
    /// What is wrong.
    pub problem: String,
}

impl PriceBook {
    /// Reads a price sheet.
    ///
    /// Amounts are texts such as `"0.26"`: dollars for a million tokens, for a minute of speech, or for one
    /// piece. They are read exactly, and must come to a whole number of billionths for one token or second
    /// (rule BILL-02).
    pub fn from_sheet(version: i64, sheet: &Value) -> Result<Self, InvalidPrices> {
        let sheet: Sheet = serde_path_to_error::deserialize(sheet).map_err(|error| {
            let key = match error.path().to_string() {
                path if path == "." => "document".to_owned(),
                path => path,
            };
            InvalidPrices { key, problem: error.into_inner().to_string() }
        })?;
        let mut models = BTreeMap::new();
        add_rows(&mut models, "models", sheet.models)?;
        add_rows(&mut models, "agents", sheet.agents)?;
        Ok(Self {
            version,
            effective: sheet.effective.0,
            models,
            tools: ToolPrices {
                web_search: sheet.tools.web_search.0,
                web_reader: sheet.tools.web_reader.0,
                tokenizer: sheet.tools.tokenizer.0,
            },
            cached_rate: CachedRate {
                mode: sheet.cached_input.rate_mode,
                fraction: sheet.cached_input.fraction.0,
            },
            cached_storage: sheet.cached_input.storage.0,
            asr_mode: sheet.asr_mode,
        })
    }

    /// The documented prices.
    pub fn documented() -> Self {
        Self::from_sheet(DOCUMENTED_VERSION, &Self::documented_sheet()).expect("prices.json is valid")
    }

    /// The documented prices as an operator's document, to begin with.
    pub fn documented_sheet() -> Value {
        serde_json::from_str(DOCUMENTED).expect("prices.json is well formed")
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    effective: Moment,
    cached_input: CachedInput,
    asr_mode: AsrMode,
    tools: Tools,
    models: BTreeMap<String, Row>,
    #[serde(default)]
    agents: BTreeMap<String, Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CachedInput {
    rate_mode: CachedRateMode,
    fraction: Share,
    storage: PerMillion,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tools {
    web_search: PerPiece,
    web_reader: PerPiece,
    tokenizer: PerPiece,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    input: Option<PerMillion>,
    cached_input: Option<PerMillion>,
    output: Option<PerMillion>,
    token: Option<PerMillion>,
    image: Option<PerPiece>,
    video: Option<PerPiece>,
    minute: Option<PerMinute>,
}

fn add_rows(
    models: &mut BTreeMap<ModelName, ModelPrice>,
    section: &str,
    rows: BTreeMap<String, Row>,
) -> Result<(), InvalidPrices> {
    for (text, row) in rows {
        let invalid = |problem: String| InvalidPrices { key: format!("{section}.{text}"), problem };
        let name: ModelName = text.parse().map_err(|error| invalid(format!("{error}")))?;
        let price = row.price().map_err(|problem| invalid(problem.to_owned()))?;
        if models.insert(name, price).is_some() {
            return Err(invalid("is listed twice".to_owned()));
        }
    }
    Ok(())
}

impl Row {
    fn price(&self) -> Result<ModelPrice, &'static str> {
        let tokens = match (self.token, self.input, self.output) {
            (Some(token), None, None) if self.cached_input.is_none() => TokenPrice::Every(token.0),
            (Some(_), ..) => {
                return Err("`token` is the price of every token, and stands without `input` and `output`");
            }
            (None, Some(input), Some(output)) => TokenPrice::ByClass {
                input: input.0,
                cached_input: self.cached_input.map(|price| price.0),
                output: output.0,
            },
            (None, None, None) if self.cached_input.is_none() => TokenPrice::default(),
            (None, ..) => return Err("`input` and `output` stand together"),
        };
        let price = ModelPrice {
            tokens,
            image: self.image.unwrap_or_default().0,
            video: self.video.unwrap_or_default().0,
            speech_second: self.minute.map(|price| price.0),
        };
        let has_tokens = self.token.is_some() || self.input.is_some();
        if has_tokens || self.image.is_some() || self.video.is_some() || self.minute.is_some() {
            Ok(price)
        } else {
            Err("has no price; write \"0\" for what is free")
        }
    }
}

/// Dollars for one piece.
#[derive(Clone, Copy, Default)]
struct PerPiece(NanoUsd);

/// Written as dollars for a million tokens, kept for one.
#[derive(Clone, Copy)]
struct PerMillion(NanoUsd);

/// Written as dollars for a minute, kept for a second.
#[derive(Clone, Copy)]
struct PerMinute(NanoUsd);

struct Share(Fraction);

struct Moment(Timestamp);

/// More than this is a slip of the hand.
const PRICE_MAX_USD: i64 = 1_000_000;

impl<'de> Deserialize<'de> for PerPiece {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        dollars(deserializer, 1).map(Self)
    }
}

impl<'de> Deserialize<'de> for PerMillion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        dollars(deserializer, 1_000_000).map(Self)
    }
}

impl<'de> Deserialize<'de> for PerMinute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        dollars(deserializer, 60).map(Self)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let moment: jiff::Timestamp = text.parse().map_err(|_| {
            D::Error::custom(format!("`{text}` is not a moment such as `2026-05-01T00:00:00+08:00`"))
        })?;
        Ok(Self(Timestamp::from_millis(moment.as_millisecond())))
    }
}

/// Reads what so many cost, and says what one of them does.
fn dollars<'de, D: Deserializer<'de>>(deserializer: D, for_how_many: i64) -> Result<NanoUsd, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    let amount: NanoUsd = text.parse().map_err(D::Error::custom)?;
    if amount < NanoUsd::ZERO {
        return Err(D::Error::custom(format!("`{text}` is below zero")));
    }
    if NanoUsd::from_usd(PRICE_MAX_USD).is_some_and(|most| amount > most) {
        return Err(D::Error::custom(format!("`{text}` is more than {PRICE_MAX_USD} dollars")));
    }
    if amount.0 % for_how_many != 0 {
        return Err(D::Error::custom(format!(
            "`{text}` for {for_how_many} is not a whole number of billionths of a dollar for one"
        )));
    }
    Ok(NanoUsd(amount.0 / for_how_many))
}
