use std::collections::BTreeMap;

use vocab::{ModelName, NanoUsd, Timestamp, Tokens, Usage};

use crate::charge::times;
use crate::{
    AsrMode, CachedRate, Charge, Extras, Item, Line, ModelPrice, TokenPrice, ToolPrices, Unpriceable,
};

/// A version of all prices. It is never edited: other prices are another version, so that every charge can be
/// explained later.
///
/// Prices are zero or above, and per piece: the unit of every amount is one token, image, second or use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceBook {
    /// Which version; every charge carries it.
    pub version: i64,
    /// From when on it applies (rule BILL-20).
    pub effective: Timestamp,
    /// Models by name and agents by id. One that is not listed costs nothing.
    pub models: BTreeMap<ModelName, ModelPrice>,
    /// Uses of tools.
    pub tools: ToolPrices,
    /// Tokens from the context cache.
    pub cached_rate: CachedRate,
    /// One token kept in the context cache (rule BILL-04).
    pub cached_storage: NanoUsd,
    /// What speech is charged by.
    pub asr_mode: AsrMode,
}

impl PriceBook {
    /// What `usage` of `model`, and what else was used, costs. Model names are canonical, not aliases.
    pub fn charge(&self, model: &ModelName, usage: &Usage, extras: &Extras) -> Result<Charge, Unpriceable> {
        let price = self.price(model);
        let mut lines = match price.speech_second {
            Some(second) if self.is_charged_by_time(usage.total()) => {
                vec![Line::new(Item::SpeechSecond, extras.speech_seconds, second)?]
            }
            _ => self.token_lines(price.tokens, usage)?,
        };
        lines.extend(self.piece_lines(&price, extras)?);
        Charge::of(lines, self.version)
    }

    /// The most that a request can cost whose prompt has at most `prompt` tokens, whose output at most
    /// `output`, and which uses no more than `extras` beside them: what to set aside for it.
    pub fn ceiling(
        &self,
        model: &ModelName,
        prompt: Tokens,
        output: Tokens,
        extras: &Extras,
    ) -> Result<NanoUsd, Unpriceable> {
        let price = self.price(model);
        let by_tokens = [
            times(self.dearest_input(price.tokens), prompt.0)?,
            times(output_price(price.tokens), output.0)?,
        ];
        let by_tokens = NanoUsd::checked_sum(by_tokens).ok_or(Unpriceable)?;
        let model_most = match price.speech_second {
            None => by_tokens,
            Some(second) => {
                let by_time = times(second, extras.speech_seconds)?;
                match self.asr_mode {
                    AsrMode::Tokens => by_tokens,
                    AsrMode::Minutes => by_time,
                    AsrMode::TokensElseMinutes => by_tokens.max(by_time),
                }
            }
        };
        let pieces = self.piece_lines(&price, extras)?.map(|line| line.amount);
        NanoUsd::checked_sum(pieces.into_iter().chain([model_most])).ok_or(Unpriceable)
    }

    /// How many output tokens `funds` pay for, after a prompt of at most `prompt` tokens and `extras`: a
    /// request held to them never costs more than the funds. `None` if not even the prompt can be paid; free
    /// output has no bound.
    pub fn affordable_output(
        &self,
        model: &ModelName,
        prompt: Tokens,
        extras: &Extras,
        funds: NanoUsd,
    ) -> Option<Tokens> {
        let before_output = self.ceiling(model, prompt, Tokens::ZERO, extras).ok()?;
        if before_output.is_positive() && before_output > funds {
            return None;
        }
        let left = funds.saturating_sub(before_output);
        let tokens = left.0.checked_div(output_price(self.price(model).tokens).0);
        Some(tokens.map_or(Tokens(u64::MAX), |tokens| Tokens(tokens.unsigned_abs())))
    }

    /// What the model costs; nothing if it is not listed.
    pub fn price(&self, model: &ModelName) -> ModelPrice {
        self.models.get(model).copied().unwrap_or_default()
    }

    fn is_charged_by_time(&self, reported: Tokens) -> bool {
        match self.asr_mode {
            AsrMode::TokensElseMinutes => reported == Tokens::ZERO,
            AsrMode::Tokens => false,
            AsrMode::Minutes => true,
        }
    }

    fn token_lines(&self, price: TokenPrice, usage: &Usage) -> Result<Vec<Line>, Unpriceable> {
        match price {
            TokenPrice::ByClass { input, cached_input, output } => Ok(vec![
                Line::new(Item::FreshInput, usage.fresh_prompt.0, input)?,
                Line::new(
                    Item::CachedInput,
                    usage.cached_prompt.0,
                    self.cached_rate.price(input, cached_input),
                )?,
                Line::new(Item::Reasoning, usage.reasoning.0, output)?,
                Line::new(Item::Answer, usage.answer.0, output)?,
            ]),
            TokenPrice::Every(token) => Ok(vec![Line::new(Item::Token, usage.total().0, token)?]),
        }
    }

    fn piece_lines(&self, price: &ModelPrice, extras: &Extras) -> Result<[Line; 6], Unpriceable> {
        Ok([
            Line::new(Item::CachedStorage, extras.cached_storage.0, self.cached_storage)?,
            Line::new(Item::Image, extras.images, price.image)?,
            Line::new(Item::Video, extras.videos, price.video)?,
            Line::new(Item::WebSearch, extras.web_searches, self.tools.web_search)?,
            Line::new(Item::WebReader, extras.web_pages, self.tools.web_reader)?,
            Line::new(Item::Tokenizer, extras.tokenizer_calls, self.tools.tokenizer)?,
        ])
    }

    /// The most that a prompt token can cost: nobody knows beforehand which of them will be found in the cache.
    fn dearest_input(&self, price: TokenPrice) -> NanoUsd {
        match price {
            TokenPrice::ByClass { input, cached_input, .. } => {
                input.max(self.cached_rate.price(input, cached_input))
            }
            TokenPrice::Every(token) => token,
        }
    }
}

fn output_price(price: TokenPrice) -> NanoUsd {
    match price {
        TokenPrice::ByClass { output, .. } => output,
        TokenPrice::Every(token) => token,
    }
}
