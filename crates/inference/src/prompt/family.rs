use std::sync::Arc;

use vocab::SystemClock;

use super::effort::SCALE;
use super::fallback::{Fallback, is_vision_name};
use super::template::{ChatTemplate, Variables};
use crate::Effort;
use crate::parser::Generation;

/// What a model's template and name tell about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// How it writes reasoning and tool calls.
    pub generation: Generation,
    /// Whether it thinks before it answers at all.
    pub thinks: bool,
    /// The degrees of thinking its prompt tells apart, least first; empty if it knows none.
    pub efforts: Vec<Effort>,
    /// Whether it takes pictures and films.
    pub vision: bool,
}

/// Describes the model with this chat template, or without any, from its name, file name or architecture.
pub fn detect(template: Option<&str>, model_name: &str) -> Family {
    let clock = || Arc::new(SystemClock);
    let own = template.and_then(|source| ChatTemplate::compile(source, clock()).ok());
    match own.map_or_else(|| Fallback::for_model(model_name).compile(clock()), Ok) {
        Ok(template) => Family::of(&template, model_name),
        Err(_) => Family {
            generation: Generation::A,
            thinks: false,
            efforts: Vec::new(),
            vision: is_vision_name(model_name),
        },
    }
}

impl Family {
    /// Asks the template itself, by letting it render a greeting: names lie more often.
    pub(super) fn of(template: &ChatTemplate, model_name: &str) -> Self {
        let greet = |enable_thinking, effort| {
            template.render(Variables::greeting(enable_thinking, effort)).unwrap_or_default()
        };
        let (thinking, not_thinking) = (greet(true, None), greet(false, None));
        // Generation B begins to think for the model; A leaves even the opening tag to it.
        let generation = if thinking.trim_end().ends_with("<think>") { Generation::B } else { Generation::A };
        let thinks = thinking != not_thinking || template.mentions("<think>");
        // A word that changes nothing against a word that no template knows is not known either.
        let unknown = greet(true, Some("immeasurable"));
        let mut efforts: Vec<_> =
            SCALE.into_iter().filter(|degree| greet(true, Some(degree.as_str())) != unknown).collect();
        if !efforts.is_empty() && !efforts.contains(&Effort::Max) {
            // The most expensive degree is what unknown words mean.
            efforts.push(Effort::Max);
        }
        Self { generation, thinks, efforts, vision: is_vision_name(model_name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_release_is_described_by_its_own_prompt() {
        let family = |name| detect(None, name);
        let (high, low, max) = (Effort::High, Effort::Low, Effort::Max);
        for (name, generation, thinks, efforts) in [
            ("glm-4-9b-0414", Generation::A, false, vec![]),
            ("glm-4.6", Generation::A, true, vec![]),
            ("glm-4.7", Generation::B, true, vec![]),
            ("glm-5.1", Generation::B, true, vec![]),
            ("glm-5.2", Generation::B, true, vec![high, max]),
            ("glm-5.3", Generation::B, true, vec![low, high, max]),
        ] {
            assert_eq!(family(name), Family { generation, thinks, efforts, vision: false }, "{name}");
        }
        assert!(family("glm-4.5v").vision);
    }

    #[test]
    fn a_template_counts_more_than_a_name() {
        let qwen = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
                    <|im_start|>assistant\n{% if not enable_thinking %}<think>\n\n</think>\n\n{% endif %}";
        assert_eq!(detect(Some(qwen), "glm-4.7").generation, Generation::A);
        assert!(detect(Some(qwen), "").thinks);
        let plain = "{% for m in messages %}{{ m.content }}{% endfor %}";
        assert!(!detect(Some(plain), "glm-4.7").thinks);
        assert_eq!(detect(Some("{% if"), "glm-4.7").generation, Generation::B);
    }
}
