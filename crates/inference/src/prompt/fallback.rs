use std::sync::Arc;

use minijinja::Value;
use vocab::Clock;

use super::PromptError;
use super::template::ChatTemplate;

/// Our own chat templates, for models that bring none, by generation (`glm-models.md` §1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fallback {
    /// GLM-4-0414.
    Glm4,
    /// GLM-4.5, GLM-4.6 and their vision models.
    A,
    /// GLM-4.7 and GLM-5.
    B,
    /// GLM-5.1.
    BPrime,
    /// GLM-5.2.
    C52,
    /// GLM-5.3 and later.
    C53,
}

impl Fallback {
    /// Chooses by the release in a model's name, or by its architecture.
    pub fn for_model(hint: &str) -> Self {
        let hint = hint.to_ascii_lowercase();
        let says = |word: &str| hint.contains(word);
        if says("0414") || says("glm-z1") {
            return Self::Glm4;
        }
        match release(&hint) {
            _ if says("glm5-next") || says("glm5_next") => Self::C53,
            Some((5, Some(0) | None)) => Self::B,
            Some((5, Some(1))) => Self::BPrime,
            Some((5, Some(2))) => Self::C52,
            Some((5.., _)) => Self::C53,
            Some((4, Some(1..=6))) => Self::A,
            Some((4, Some(7..))) => Self::B,
            _ if says("ocr") || says("moe") => Self::A,
            _ if says("glm-dsa") || says("glm_moe_dsa") || says("deepseek2") => Self::B,
            Some((..=4, _)) => Self::Glm4,
            None => Self::A,
        }
    }

    pub fn source(self) -> &'static str {
        match self {
            Self::Glm4 => include_str!("../../templates/glm-4-0414.jinja"),
            Self::A => include_str!("../../templates/generation-a.jinja"),
            Self::B => include_str!("../../templates/generation-b.jinja"),
            Self::BPrime => include_str!("../../templates/generation-b-prime.jinja"),
            Self::C52 | Self::C53 => include_str!("../../templates/generation-c.jinja"),
        }
    }

    pub fn compile(self, clock: Arc<dyn Clock>) -> Result<ChatTemplate, PromptError> {
        let mut template = ChatTemplate::compile(self.source(), clock)?;
        let (efforts, no_reasoning): (&[&str], &str) = match self {
            Self::Glm4 | Self::A | Self::B | Self::BPrime => return Ok(template),
            Self::C52 => (&["high", "max"], "</think>"),
            Self::C53 => (&["low", "high", "max"], "<think></think>"),
        };
        template.add_global("efforts", efforts.iter().copied().map(Value::from).collect());
        template.add_global("no_reasoning", Value::from(no_reasoning));
        Ok(template)
    }
}

/// The release after `glm` in a name: `glm-4.7-flash` is (4, Some(7)), `glm5` is (5, None). One with a minor
/// number wins, as in `glm4moe glm-4.7`.
fn release(hint: &str) -> Option<(u32, Option<u32>)> {
    let releases = hint.split("glm").skip(1).filter_map(|after| {
        let (major, rest) = number(after.trim_start_matches(['-', '_', ' ']))?;
        let minor = rest.strip_prefix('.').and_then(number).map(|(minor, _)| minor);
        Some((major, minor))
    });
    releases.reduce(|best, next| if best.1.is_none() && next.1.is_some() { next } else { best })
}

fn number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// Whether a model of this name takes pictures: `glm-4.5v`, `glm-5v-turbo`, `glm-5.2-v`, `glm-ocr`.
pub(super) fn is_vision_name(hint: &str) -> bool {
    let hint = hint.to_ascii_lowercase();
    let has_v = hint.match_indices('v').any(|(at, _)| {
        let is_last_letter = !hint[at + 1..].starts_with(|c: char| c.is_ascii_alphanumeric());
        let before = hint[..at].strip_suffix('-').unwrap_or(&hint[..at]);
        is_last_letter && before.ends_with(|c: char| c.is_ascii_digit())
    });
    has_v || hint.contains("glm-ocr") || hint.contains("glm-5.3-flash") || hint.contains("glm5-next")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_architectures_lead_to_their_generation() {
        for (hint, expected) in [
            ("GLM-4-32B-0414", Fallback::Glm4),
            ("glm4", Fallback::Glm4),
            ("GLM-4.1V-9B-Thinking", Fallback::A),
            ("glm-4.5-air", Fallback::A),
            ("glm-4.6v-flash", Fallback::A),
            ("glm4moe", Fallback::A),
            ("glm-ocr", Fallback::A),
            ("azimuth-tiny", Fallback::A),
            ("glm4moe GLM-4.7-Q4_K_M.gguf", Fallback::B),
            ("glm-4.7-flashx", Fallback::B),
            ("glm-5", Fallback::B),
            ("glm-5-turbo", Fallback::B),
            ("glm-dsa", Fallback::B),
            ("deepseek2", Fallback::B),
            ("GLM-5.1-FP8", Fallback::BPrime),
            ("glm-dsa GLM-5.2", Fallback::C52),
            ("glm-5.3-flash", Fallback::C53),
            ("glm5-next", Fallback::C53),
            ("glm-6", Fallback::C53),
            ("glm-99999999999999999999", Fallback::A),
        ] {
            assert_eq!(Fallback::for_model(hint), expected, "{hint}");
        }
    }

    #[test]
    fn vision_models_are_known_by_their_letter() {
        for name in
            ["glm-4.5v", "GLM-4.1V-9B-Thinking", "glm-5v-turbo", "glm-5.2-v", "glm-ocr", "glm-4.6v-flash"]
        {
            assert!(is_vision_name(name), "{name}");
        }
        for name in ["glm-4.7", "azimuth-tiny", "qwen3-vl", "model-v2", "glm-5", "deepseek2"] {
            assert!(!is_vision_name(name), "{name}");
        }
    }
}
