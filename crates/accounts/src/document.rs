use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use vocab::Timestamp;

/// One version of a document. Written once, never edited: a change is another version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperatorDocument {
    /// Which document.
    pub name: DocumentName,
    /// The first is 1, and each is one more than the last.
    pub version: i64,
    /// What it says.
    pub body: Value,
    /// When it was written.
    pub at: Timestamp,
    /// Who wrote it, for people to read.
    pub by: String,
}

/// The documents there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentName {
    /// What everything costs.
    Prices,
    /// The plans on offer, and how their quota is counted.
    Plans,
    /// Public models and what runs them.
    Models,
    /// Engines and where they are.
    Engines,
    /// Limits of rate and concurrency.
    Rates,
    /// Which tools may use a plan, and what happens if others do.
    UseRules,
    /// How tools are recognised that the program does not know, or not well enough.
    ToolPatterns,
}

/// A text that names no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no document `{0}`")]
pub struct UnknownDocument(String);

impl DocumentName {
    /// Every document.
    pub const ALL: [Self; 7] = [
        Self::Prices,
        Self::Plans,
        Self::Models,
        Self::Engines,
        Self::Rates,
        Self::UseRules,
        Self::ToolPatterns,
    ];

    /// The name used in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prices => "prices",
            Self::Plans => "plans",
            Self::Models => "models",
            Self::Engines => "engines",
            Self::Rates => "rates",
            Self::UseRules => "use_rules",
            Self::ToolPatterns => "tool_patterns",
        }
    }
}

impl fmt::Display for DocumentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for DocumentName {
    type Err = UnknownDocument;

    fn from_str(text: &str) -> Result<Self, UnknownDocument> {
        let found = Self::ALL.into_iter().find(|name| name.as_str() == text);
        found.ok_or_else(|| UnknownDocument(text.to_owned()))
    }
}
