use std::fmt;
use std::iter::Sum;
use std::ops::Neg;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An amount of money in billionths of a US dollar (rule BILL-02): every published token price is a whole number of
/// them. Below zero it is owed.
///
/// Sums are checked: money that does not fit is an error of whoever adds, never a wrong amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NanoUsd(pub i64);

/// A text that is not an amount of dollars.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount of dollars with at most nine decimals")]
pub struct InvalidMoney(String);

impl NanoUsd {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// As much as there can be.
    pub const MAX: Self = Self(i64::MAX);

    const PER_USD: i64 = 1_000_000_000;

    /// Whole dollars; nothing if it does not fit.
    pub const fn from_usd(dollars: i64) -> Option<Self> {
        match dollars.checked_mul(Self::PER_USD) {
            Some(nanos) => Some(Self(nanos)),
            None => None,
        }
    }

    /// The sum, if it fits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, if it fits.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// This price for `count` pieces, if it fits.
    pub fn checked_mul(self, count: u64) -> Option<Self> {
        i64::try_from(count).ok().and_then(|count| self.0.checked_mul(count)).map(Self)
    }

    /// The sum of `amounts`, if it fits.
    pub fn checked_sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }

    /// What is left after taking `other` away; never below zero.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(0))
    }

    /// Whether there is any.
    pub fn is_positive(self) -> bool {
        self.0 > 0
    }
}

impl Neg for NanoUsd {
    type Output = Self;

    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}

impl Sum for NanoUsd {
    /// For amounts known to fit, as those of one account are.
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, |sum, amount| Self(sum.0.saturating_add(amount.0)))
    }
}

impl fmt::Display for NanoUsd {
    /// `0.002088`, `18.00`, `-0.50`: dollars, with two decimals at least and nine at most.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let per_usd = Self::PER_USD.unsigned_abs();
        let (dollars, nanos) = (self.0.unsigned_abs() / per_usd, self.0.unsigned_abs() % per_usd);
        let digits = format!("{nanos:09}");
        let decimals = digits.trim_end_matches('0').len().max(2);
        f.pad(&format!("{sign}{dollars}.{}", &digits[..decimals]))
    }
}

impl FromStr for NanoUsd {
    type Err = InvalidMoney;

    fn from_str(text: &str) -> Result<Self, InvalidMoney> {
        let invalid = || InvalidMoney(text.to_owned());
        let (is_negative, number) = match text.strip_prefix('-') {
            Some(number) => (true, number),
            None => (false, text),
        };
        let (dollars, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(dollars) || !is_digits(decimals) || decimals.len() > 9 {
            return Err(invalid());
        }
        let nanos: i64 = format!("{decimals:0<9}").parse().map_err(|_| invalid())?;
        let dollars: i64 = dollars.parse().map_err(|_| invalid())?;
        let amount = dollars
            .checked_mul(Self::PER_USD)
            .and_then(|whole| whole.checked_add(nanos))
            .ok_or_else(invalid)?;
        Ok(Self(if is_negative { -amount } else { amount }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// BILL-02: amounts are exact; only what is shown to people drops zeros.
    #[test]
    fn dollars_are_shown_exactly() {
        let shown = |nanos| NanoUsd(nanos).to_string();
        assert_eq!(shown(2_088_000), "0.002088");
        assert_eq!(shown(18_000_000_000), "18.00");
        assert_eq!(shown(-500_000_000), "-0.50");
        assert_eq!(shown(4), "0.000000004");
        for refused in ["", "-", "1.", ".5", "1.0000000001", "1e3", "+1", "9999999999999"] {
            assert!(refused.parse::<NanoUsd>().is_err(), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn an_amount_survives_its_own_text(nanos in -i64::MAX..i64::MAX) {
            prop_assert_eq!(NanoUsd(nanos).to_string().parse(), Ok(NanoUsd(nanos)));
        }
    }
}
