//! Draws the next token of one answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use inference::Sampling;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;

use crate::gguf::SamplingAdvice;
use crate::grammar::Constraint;
use crate::settings::Settings;

/// How many tokens back penalties look: all of any usual answer.
const PENALTY_TOKENS: i32 = 8_192;
/// Below this only the likeliest token has a chance.
const TEMPERATURE_MIN: f32 = 1e-3;
/// A grammar whose rules take longer than this for one token would hold up everyone else's.
const GRAMMAR_STEP_MAX: Duration = Duration::from_millis(1_500);

/// Draws tokens as one request asked, within its grammar.
pub(crate) struct TokenSampler {
    draw: Draw,
    grammar: Option<LlamaSampler>,
    /// Begins when the model writes the trigger token.
    on_call: Option<OnCall>,
    /// Tokens whose text is not what the answer would show, so a grammar must not count on it.
    hidden: Arc<[LlamaToken]>,
    /// `<tool_call>`, where the grammar spans the thinking: there it would be read as a call, and the grammar
    /// would not know.
    not_in_thinking: Option<LlamaToken>,
    stop: LlamaToken,
    /// Grammars point into the model's vocabulary.
    _model: Arc<LlamaModel>,
}

enum Draw {
    /// The likeliest token.
    Best,
    Chain(LlamaSampler),
}

struct OnCall {
    trigger: LlamaToken,
    grammar: LlamaSampler,
    is_running: bool,
}

/// What all samplers of a model share.
#[derive(Clone, Debug)]
pub(crate) struct SamplerBasis {
    pub model: Arc<LlamaModel>,
    pub hidden: Arc<[LlamaToken]>,
    /// `<tool_call>`, if it is one token.
    pub call_token: Option<LlamaToken>,
    /// A token that ends the answer.
    pub stop: LlamaToken,
    pub advice: SamplingAdvice,
}

/// Why no token was drawn.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SampleError {
    #[error("the model's scores are not numbers")]
    NotNumbers,
    #[error("the grammar allows no token of the vocabulary")]
    NothingAllowed,
    #[error("the grammar takes too long")]
    GrammarTooSlow,
}

/// A grammar that llama.cpp does not take.
#[derive(Debug, thiserror::Error)]
#[error("the grammar is too complex or contradicts itself")]
pub(crate) struct BadGrammar;

impl TokenSampler {
    /// `seed` is used when the request brings none.
    pub fn new(
        basis: &SamplerBasis,
        settings: &Settings,
        asked: &Sampling,
        constraint: Option<&Constraint>,
        seed: u64,
    ) -> Result<Self, BadGrammar> {
        let grammar_of =
            |gbnf: &str| LlamaSampler::grammar(&basis.model, gbnf, "root").map_err(|_| BadGrammar);
        let (grammar, on_call) = match constraint {
            None => (None, None),
            Some(Constraint::Whole { gbnf }) => (Some(grammar_of(gbnf)?), None),
            Some(Constraint::OnCall { trigger, gbnf }) => {
                let grammar = grammar_of(gbnf)?;
                (None, Some(OnCall { trigger: *trigger, grammar, is_running: false }))
            }
        };
        Ok(Self {
            draw: Draw::new(basis, settings, asked, seed),
            not_in_thinking: basis.call_token.filter(|_| grammar.is_some()),
            grammar,
            on_call,
            hidden: basis.hidden.clone(),
            stop: basis.stop,
            _model: basis.model.clone(),
        })
    }

    /// Draws a token from the model's scores. `is_thinking` says whether it will belong to the thinking.
    /// `scratch` is room that all samplers share.
    pub fn sample(
        &mut self,
        logits: &[f32],
        is_thinking: bool,
        scratch: &mut LlamaTokenDataArray,
    ) -> Result<LlamaToken, SampleError> {
        let best = best(logits.iter().copied().enumerate()).ok_or(SampleError::NotNumbers)?;
        let free = match &mut self.draw {
            Draw::Best => best,
            Draw::Chain(chain) => {
                fill(scratch, logits);
                draw(chain, scratch).ok_or(SampleError::NotNumbers)?
            }
        };
        let Some(grammar) = &mut self.grammar else { return Ok(free) };

        // Most tokens that the model wants are allowed: asking about one is much cheaper than about all.
        let forbidden = self.not_in_thinking.filter(|_| is_thinking);
        let begun = Instant::now();
        let allowed = if !self.hidden.contains(&free) && forbidden != Some(free) && allows(grammar, free) {
            Ok(free)
        } else {
            fill(scratch, logits);
            for token in self.hidden.iter().chain(&forbidden) {
                if let Some(data) = usize::try_from(token.0).ok().and_then(|at| scratch.data.get_mut(at)) {
                    data.set_logit(f32::NEG_INFINITY);
                }
            }
            scratch.apply_sampler(grammar);
            scratch.data.retain(|data| data.logit().is_finite());
            match &mut self.draw {
                _ if scratch.data.is_empty() => None,
                Draw::Best => {
                    scratch.data.iter().max_by(|a, b| a.logit().total_cmp(&b.logit())).map(LlamaTokenData::id)
                }
                Draw::Chain(chain) => draw(chain, scratch),
            }
            .ok_or(SampleError::NothingAllowed)
        };
        if begun.elapsed() > GRAMMAR_STEP_MAX {
            return Err(SampleError::GrammarTooSlow);
        }
        allowed
    }

    /// Notes that `token` was taken; it does not end the answer. `may_call` says whether a tool call may begin
    /// here.
    pub fn accept(&mut self, token: LlamaToken, may_call: bool) -> Result<(), SampleError> {
        if let Draw::Chain(chain) = &mut self.draw {
            chain.accept(token);
        }
        if let Some(grammar) = &mut self.grammar {
            grammar.try_accept(token).map_err(|_| SampleError::NothingAllowed)?;
        }
        let Some(on_call) = &mut self.on_call else { return Ok(()) };
        if on_call.is_running {
            // Only the end is allowed: the call is complete, and what follows it is free again.
            let is_complete = self.grammar.as_mut().is_none_or(|grammar| allows(grammar, self.stop));
            if is_complete {
                self.grammar = None;
                on_call.is_running = false;
            }
        } else if token == on_call.trigger && may_call {
            self.grammar = Some(on_call.grammar.clone());
            on_call.is_running = true;
        }
        Ok(())
    }
}

impl Draw {
    fn new(basis: &SamplerBasis, settings: &Settings, asked: &Sampling, seed: u64) -> Self {
        let temperature = asked.temperature.or(basis.advice.temperature).unwrap_or(settings.temperature);
        let top_p = asked.top_p.or(basis.advice.top_p).unwrap_or(settings.top_p);
        // Division by almost nothing would make infinities of the scores; a model file may advise anything.
        let is_warm = temperature >= TEMPERATURE_MIN && temperature.is_finite();
        let is_greedy = asked.greedy || !is_warm;
        let (frequency, presence) =
            (asked.frequency_penalty.unwrap_or(0.0), asked.presence_penalty.unwrap_or(0.0));

        let mut steps = Vec::new();
        if frequency != 0.0 || presence != 0.0 {
            let vocabulary = basis.model.n_vocab();
            steps.push(LlamaSampler::penalties(vocabulary, PENALTY_TOKENS, 1.0, frequency, presence));
        }
        if is_greedy {
            if steps.is_empty() {
                return Self::Best;
            }
            steps.push(LlamaSampler::greedy());
            return Self::Chain(LlamaSampler::chain(steps, true));
        }
        if let Some(top_k) = basis.advice.top_k.filter(|k| *k > 0) {
            steps.push(LlamaSampler::top_k(top_k));
        }
        if top_p < 1.0 {
            steps.push(LlamaSampler::top_p(top_p, 1));
        }
        steps.push(LlamaSampler::temp(temperature));
        steps.push(LlamaSampler::dist(fold(asked.seed.unwrap_or(seed))));
        Self::Chain(LlamaSampler::chain(steps, true))
    }
}

/// llama.cpp's seeds have 32 bits, of which all ones mean "random".
fn fold(seed: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "both halves go in")]
    let folded = (seed ^ (seed >> 32)) as u32;
    folded.min(u32::MAX - 1)
}

fn fill(scratch: &mut LlamaTokenDataArray, logits: &[f32]) {
    scratch.data.clear();
    scratch
        .data
        .extend((0..).zip(logits).map(|(id, logit)| LlamaTokenData::new(LlamaToken(id), *logit, 0.0)));
    scratch.selected = None;
    scratch.sorted = false;
}

fn draw(chain: &mut LlamaSampler, scratch: &mut LlamaTokenDataArray) -> Option<LlamaToken> {
    chain.apply(scratch);
    scratch.selected_token()
}

fn best(logits: impl Iterator<Item = (usize, f32)>) -> Option<LlamaToken> {
    let (token, highest) =
        logits.fold(
            (0, f32::NEG_INFINITY),
            |(at, best), (token, logit)| {
                if logit > best { (token, logit) } else { (at, best) }
            },
        );
    highest.is_finite().then(|| i32::try_from(token).map(LlamaToken).ok()).flatten()
}

pub(crate) fn allows(grammar: &mut LlamaSampler, token: LlamaToken) -> bool {
    let mut one = LlamaTokenDataArray::new(vec![LlamaTokenData::new(token, 0.0, 0.0)], false);
    one.apply_sampler(grammar);
    one.data.first().is_some_and(|data| data.logit().is_finite())
}
