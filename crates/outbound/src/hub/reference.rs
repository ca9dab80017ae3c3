use std::fmt;
use std::str::FromStr;

const NAME_BYTES_MAX: usize = 96;

/// `hf:ORG/REPO`, with the name of a file or of a quantisation after a colon if there is a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelReference {
    repository: String,
    selector: Option<String>,
}

/// A text that names no model on a hub.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no model; write `hf:ORG/REPO`, `hf:ORG/REPO:Q4_K_M` or `hf:ORG/REPO:FILE.gguf`")]
pub struct InvalidReference(String);

impl ModelReference {
    /// `ORG/REPO`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// What stands after the colon.
    pub fn selector(&self) -> Option<&str> {
        self.selector.as_deref()
    }
}

impl FromStr for ModelReference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let invalid = || InvalidReference(text.chars().take(200).collect());
        let rest = text.trim().strip_prefix("hf:").ok_or_else(invalid)?;
        let (repository, selector) = match rest.split_once(':') {
            Some((repository, selector)) => (repository, Some(selector)),
            None => (rest, None),
        };
        let (organisation, name) = repository.split_once('/').ok_or_else(invalid)?;
        let is_selector = selector.is_none_or(|selector| {
            !selector.is_empty()
                && selector.len() <= 2 * NAME_BYTES_MAX
                && !selector.chars().any(char::is_control)
        });
        if !is_hub_name(organisation) || !is_hub_name(name) || !is_selector {
            return Err(invalid());
        }
        Ok(Self { repository: repository.to_owned(), selector: selector.map(str::to_owned) })
    }
}

impl fmt::Display for ModelReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hf:{}", self.repository)?;
        self.selector.iter().try_for_each(|selector| write!(f, ":{selector}"))
    }
}

fn is_hub_name(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && !text.starts_with('.')
        && !text.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_survives_its_own_text_and_others_are_refused() {
        for text in ["hf:zai-org/GLM-4.7-Flash", "hf:org/repo:Q4_K_M", "hf:org/repo:sub/model.gguf"] {
            assert_eq!(text.parse::<ModelReference>().unwrap().to_string(), text);
        }
        for wrong in
            ["", "org/repo", "hf:repo", "hf:org/repo:", "hf:../etc:x", "hf:org/a/b", "hf:org/re po", "hf:/x"]
        {
            assert!(wrong.parse::<ModelReference>().is_err(), "{wrong}");
        }
    }
}
