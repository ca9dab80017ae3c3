use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

const THOUSAND: u32 = 1000;
const WHOLE_MAX: u32 = 1000;

/// How many times over something counts: 0 to 1000, with at most three decimals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "f64")]
pub struct Multiplier {
    thousandths: u32,
}

/// A number that is not a multiplier.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("`{0}` is not a number from 0 to 1000 with at most three decimals")]
pub struct InvalidMultiplier(f64);

impl Multiplier {
    /// Counts as it is.
    pub const ONE: Self = Self { thousandths: THOUSAND };

    /// `count` this many times over, rounded down; but something, unless one of the two is nothing.
    pub fn of(self, count: u32) -> u64 {
        let product = u64::from(count) * u64::from(self.thousandths);
        if product == 0 { 0 } else { (product / u64::from(THOUSAND)).max(1) }
    }
}

impl TryFrom<f64> for Multiplier {
    type Error = InvalidMultiplier;

    fn try_from(number: f64) -> Result<Self, InvalidMultiplier> {
        let parse = || {
            // A number is printed with the fewest digits that tell it from every other: those that were typed.
            let text = number.to_string();
            let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
            if decimals.len() > 3 {
                return None;
            }
            let (whole, decimals): (u32, u32) =
                (whole.parse().ok()?, format!("{decimals:0<3}").parse().ok()?);
            let is_known = whole < WHOLE_MAX || (whole == WHOLE_MAX && decimals == 0);
            is_known.then(|| Self { thousandths: whole * THOUSAND + decimals })
        };
        parse().ok_or(InvalidMultiplier(number))
    }
}

impl Serialize for Multiplier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (whole, rest) = (self.thousandths / THOUSAND, self.thousandths % THOUSAND);
        if rest == 0 {
            serializer.serialize_u32(whole)
        } else {
            serializer.serialize_f64(f64::from(self.thousandths) / f64::from(THOUSAND))
        }
    }
}

impl fmt::Debug for Multiplier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}x", self.thousandths / THOUSAND, self.thousandths % THOUSAND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multiplier_is_what_was_typed() {
        for (text, of_fifty) in
            [("0", 0), ("1", 50), ("3", 150), ("1.5", 75), ("0.1", 5), ("0.001", 1), ("1000", 50_000)]
        {
            let multiplier: Multiplier = serde_json::from_str(text).unwrap();
            assert_eq!(multiplier.of(50), of_fifty, "{text}");
            assert_eq!(serde_json::to_string(&multiplier).unwrap(), text);
        }
        for refused in ["-1", "1001", "1000.5", "0.0001", "\"3\"", "null", "1e300"] {
            assert!(serde_json::from_str::<Multiplier>(refused).is_err(), "{refused}");
        }
    }
}
