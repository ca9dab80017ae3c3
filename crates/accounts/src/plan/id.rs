use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

const PLAN_ID_BYTES_MAX: usize = 40;

/// A plan's name in documents and rows, such as `lite`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct PlanId(Arc<str>);

/// A text that cannot name a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a plan's id is 1 to 40 lower-case letters, digits, `-` and `_`, and begins with a letter")]
pub struct InvalidPlanId;

impl PlanId {
    /// The id as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PlanId {
    type Err = InvalidPlanId;

    fn from_str(text: &str) -> Result<Self, InvalidPlanId> {
        let is_id = text.len() <= PLAN_ID_BYTES_MAX
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'));
        if is_id { Ok(Self(text.into())) } else { Err(InvalidPlanId) }
    }
}

impl TryFrom<String> for PlanId {
    type Error = InvalidPlanId;

    fn try_from(text: String) -> Result<Self, InvalidPlanId> {
        text.parse()
    }
}

impl From<PlanId> for String {
    fn from(id: PlanId) -> String {
        id.0.as_ref().to_owned()
    }
}

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_id_has_one_spelling() {
        for accepted in ["lite", "team-2026", "a", "x_1"] {
            assert_eq!(accepted.parse::<PlanId>().unwrap().as_str(), accepted);
        }
        for refused in ["", "Lite", "1st", "-x", "a b", "plän", &"x".repeat(41)] {
            assert!(refused.parse::<PlanId>().is_err(), "{refused}");
        }
    }
}
