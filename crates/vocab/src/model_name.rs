use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

const MODEL_NAME_BYTES_MAX: usize = 128;

/// A model's public name in its canonical form: lower case, as `glm-4.7` (rule ENDP-08).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelName(Arc<str>);

/// A text that cannot name a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a model name is 1 to 128 visible ASCII characters")]
pub struct InvalidModelName;

impl ModelName {
    /// The name as it is printed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ModelName {
    type Err = InvalidModelName;

    fn from_str(text: &str) -> Result<Self, InvalidModelName> {
        let text = text.trim();
        let is_name =
            (1..=MODEL_NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if is_name { Ok(Self(text.to_ascii_lowercase().into())) } else { Err(InvalidModelName) }
    }
}

impl TryFrom<String> for ModelName {
    type Error = InvalidModelName;

    fn try_from(text: String) -> Result<Self, InvalidModelName> {
        text.parse()
    }
}

impl From<ModelName> for String {
    fn from(name: ModelName) -> String {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ENDP-08: model ids are compared without regard to case.
    #[test]
    fn a_model_name_ignores_case_and_surrounding_space() {
        let name: ModelName = " GLM-4.7 ".parse().unwrap();
        assert_eq!(name.as_str(), "glm-4.7");
        assert!("".parse::<ModelName>().is_err());
        assert!("glm 4".parse::<ModelName>().is_err());
        assert!("x".repeat(129).parse::<ModelName>().is_err());
    }
}
