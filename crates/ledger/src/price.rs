use vocab::NanoUsd;

/// What one model or agent costs. What has no price costs nothing (rules BILL-03, BILL-24).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModelPrice {
    /// Its tokens.
    pub tokens: TokenPrice,
    /// One image, whatever its size (rule BILL-05).
    pub image: NanoUsd,
    /// One video, whatever its length, size, frame rate and sound (rule BILL-05).
    pub video: NanoUsd,
    /// One second of speech, for models that can be charged by time (rule BILL-07).
    pub speech_second: Option<NanoUsd>,
}

/// What a token costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenPrice {
    /// By what it is (rule BILL-01).
    ByClass {
        /// A prompt token that had to be computed.
        input: NanoUsd,
        /// A prompt token from the context cache, where the price list has such a price.
        cached_input: Option<NanoUsd>,
        /// An output token, of thinking and of the answer alike (rule BILL-08).
        output: NanoUsd,
    },
    /// Every token the same, as for agents and speech (rules BILL-06, BILL-07).
    Every(NanoUsd),
}

impl Default for TokenPrice {
    fn default() -> Self {
        Self::ByClass { input: NanoUsd::ZERO, cached_input: None, output: NanoUsd::ZERO }
    }
}

/// What one use of a tool costs, on top of the tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToolPrices {
    /// One web search, alone or within a chat (rules BILL-05, BILL-09).
    pub web_search: NanoUsd,
    /// One page that the web reader read (rule BILL-24).
    pub web_reader: NanoUsd,
    /// One call of the tokenizer (rule BILL-24).
    pub tokenizer: NanoUsd,
}

/// How a token from the context cache is priced (rule CACHE-03).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachedRate {
    /// By which of the two documented ways.
    pub mode: CachedRateMode,
    /// Its share of the input price, where a fraction decides.
    pub fraction: Fraction,
}

/// The two documented ways to price a token from the context cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CachedRateMode {
    /// As the price list says; by the fraction where it says nothing.
    PriceTable,
    /// Always by the fraction.
    Fraction,
}

impl CachedRate {
    /// The price of a cached token of a model whose computed tokens cost `input`. A fraction is rounded down
    /// to a whole billionth of a dollar, so that it never costs more than was promised.
    pub fn price(&self, input: NanoUsd, listed: Option<NanoUsd>) -> NanoUsd {
        match (self.mode, listed) {
            (CachedRateMode::PriceTable, Some(listed)) => listed,
            (CachedRateMode::PriceTable, None) | (CachedRateMode::Fraction, _) => self.fraction.of(input),
        }
    }
}

/// A part of a whole, from none to all of it, in billionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction(u32);

/// A text that is not a fraction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a decimal from 0 to 1 with at most nine decimals")]
pub struct InvalidFraction(String);

impl Fraction {
    const WHOLE: u32 = 1_000_000_000;

    /// This part of `amount`, rounded towards zero.
    pub fn of(self, amount: NanoUsd) -> NanoUsd {
        let part = i128::from(amount.0) * i128::from(self.0) / i128::from(Self::WHOLE);
        // A part is never larger than the whole, which fits.
        NanoUsd(i64::try_from(part).unwrap_or(amount.0))
    }
}

impl std::str::FromStr for Fraction {
    type Err = InvalidFraction;

    fn from_str(text: &str) -> Result<Self, InvalidFraction> {
        // Fractions are written like dollars: nine decimals make billionths.
        let billionths = text.parse::<NanoUsd>().ok().and_then(|amount| u32::try_from(amount.0).ok());
        billionths
            .filter(|part| *part <= Self::WHOLE)
            .map(Self)
            .ok_or_else(|| InvalidFraction(text.to_owned()))
    }
}

/// What speech is charged by (rule BILL-07).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AsrMode {
    /// Tokens if the engine reports them, else time.
    TokensElseMinutes,
    /// Tokens only.
    Tokens,
    /// Time only.
    Minutes,
}
