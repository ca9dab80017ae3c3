use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

/// A number of model tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tokens(pub u64);

impl Tokens {
    /// No tokens.
    pub const ZERO: Self = Self(0);

    /// What is left after taking `other` away; never below zero.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl From<usize> for Tokens {
    fn from(count: usize) -> Self {
        Self(count as u64)
    }
}

impl Add for Tokens {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Tokens {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What a request used, in classes that do not overlap: each token is counted in exactly one field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Prompt tokens that had to be computed.
    pub fresh_prompt: Tokens,
    /// Prompt tokens taken from the context cache (rule CACHE-02).
    pub cached_prompt: Tokens,
    /// Output tokens spent on thinking (rule BILL-08).
    pub reasoning: Tokens,
    /// Output tokens of the answer itself, tool calls included.
    pub answer: Tokens,
}

impl Usage {
    /// All prompt tokens.
    pub fn prompt(&self) -> Tokens {
        self.fresh_prompt + self.cached_prompt
    }

    /// All output tokens.
    pub fn completion(&self) -> Tokens {
        self.reasoning + self.answer
    }

    /// All tokens.
    pub fn total(&self) -> Tokens {
        self.prompt() + self.completion()
    }

    /// Reads the overlapping counts that OpenAI-style hosts report: `cached` is part of `prompt`, and
    /// `reasoning` is part of `completion`. Parts larger than their whole are cut to it.
    pub fn from_overlapping(prompt: Tokens, cached: Tokens, completion: Tokens, reasoning: Tokens) -> Self {
        let cached = cached.min(prompt);
        let reasoning = reasoning.min(completion);
        Self {
            fresh_prompt: prompt.saturating_sub(cached),
            cached_prompt: cached,
            reasoning,
            answer: completion.saturating_sub(reasoning),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The classes are disjoint: whatever a host reports, the parts add up to the wholes.
        #[test]
        fn parts_add_up_to_the_wholes(prompt: u32, cached: u32, completion: u32, reasoning: u32) {
            let t = |n: u32| Tokens(u64::from(n));
            let usage = Usage::from_overlapping(t(prompt), t(cached), t(completion), t(reasoning));
            prop_assert_eq!(usage.prompt(), t(prompt));
            prop_assert_eq!(usage.completion(), t(completion));
            prop_assert_eq!(usage.total(), t(prompt) + t(completion));
        }
    }
}
