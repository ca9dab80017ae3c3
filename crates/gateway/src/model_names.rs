//! What names of another family of models lead to, at the door that speaks its dialect (rule ENDP-07).

use std::sync::Arc;

use vocab::ModelName;

use crate::{Catalogue, ChatError, Gateway, ModelEntry, UnmappedModel};

/// How the names begin that clients of the Messages protocol ask for, and the only ones that some of them show.
const FAMILY: &str = "claude-";

/// The family's small model.
const SMALL: &str = "haiku";

/// The family's large models.
const LARGE: [&str; 2] = ["opus", "sonnet"];

/// The models here that answer for those of the other family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaudeModels {
    /// Answers for every name but the small model's.
    pub large: ModelName,
    /// Answers for names with `haiku` in them.
    pub small: ModelName,
}

impl Default for ClaudeModels {
    fn default() -> Self {
        let documented = |name: &str| name.parse().expect("a documented name is a name");
        Self { large: documented("glm-4.7"), small: documented("glm-4.5-air") }
    }
}

impl Gateway {
    /// The canonical name of the model that `asked` leads to at the Anthropic door.
    ///
    /// A name of a model here is used as it is, also after `claude-` and before a suffix in brackets. Other names of the
    /// family lead to what [`ClaudeModels`] says. Where no engine runs that, the large model answers for the small one,
    /// and the only model there is for both: so a first start, with nothing but the demo model, answers too.
    pub fn claude_model(&self, asked: &ModelName) -> Result<ModelName, ChatError> {
        let catalogue = self.catalogue();
        let lead = catalogue.claude_model(asked).map(|model| model.card.name.clone());
        lead.map_err(|(name, why)| ChatError::unmapped(name, why))
    }
}

/// A name, and why it leads nowhere.
type LeadsNowhere = (ModelName, UnmappedModel);

impl Catalogue {
    fn claude_model(&self, asked: &ModelName) -> Result<&Arc<ModelEntry>, LeadsNowhere> {
        let asked = without_suffix(asked);
        let own = asked.as_str().strip_prefix(FAMILY).and_then(|own| own.parse().ok());
        for name in std::iter::once(asked.clone()).chain(own) {
            match self.chat_model(&name) {
                Err(UnmappedModel::Unknown) => {}
                found => return found.map_err(|why| (name, why)),
            }
        }
        let ClaudeModels { large, small } = self.claude_models();
        let says = |word: &str| asked.as_str().contains(word);
        if says(SMALL) {
            self.answers_for(small, Some(large))
        } else if LARGE.into_iter().any(says) || asked.as_str().starts_with(FAMILY) {
            self.answers_for(large, None)
        } else {
            Err((asked, UnmappedModel::Unknown))
        }
    }

    /// The model that is `meant`, or else the next best that any engine runs.
    fn answers_for(
        &self,
        meant: &ModelName,
        next: Option<&ModelName>,
    ) -> Result<&Arc<ModelEntry>, LeadsNowhere> {
        let named = std::iter::once(meant).chain(next).find_map(|name| self.chat_model(name).ok());
        let only = || {
            let mut chatting = self.mapped().filter(|model| model.card.kind.chats());
            chatting.next().filter(|_| chatting.next().is_none())
        };
        named.or_else(only).ok_or_else(|| (meant.clone(), UnmappedModel::NoEngine))
    }
}

/// `glm-5.2[1m]` tells some clients how long the model's window is, and is not part of its name.
fn without_suffix(asked: &ModelName) -> ModelName {
    let name = asked.as_str().strip_suffix(']').and_then(|rest| rest.rsplit_once('['));
    name.and_then(|(name, _)| name.parse().ok()).unwrap_or_else(|| asked.clone())
}

/// The name under which `model` is listed for clients that show only names of the other family; none if it needs no
/// other, or would be too long.
pub fn claude_alias(model: &ModelName) -> Option<ModelName> {
    if model.as_str().starts_with(FAMILY) { None } else { format!("{FAMILY}{model}").parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_engine::FakeEngine;
    use crate::{ModelCard, ModelMapping, RouteTo};

    fn catalogue(models: &[&str]) -> Catalogue {
        let mappings = models.iter().map(|name| {
            let name: ModelName = name.parse().unwrap();
            let documented = ModelCard::documented().iter().find(|card| card.name == name);
            let card = documented.cloned().unwrap_or_else(|| ModelCard::custom(name));
            let route = RouteTo { engine: Arc::new(FakeEngine::new("any")), weight: 1 };
            ModelMapping { card, routes: vec![route] }
        });
        Catalogue::new(mappings.collect()).unwrap()
    }

    fn lead(catalogue: &Catalogue, asked: &str) -> Result<String, (String, UnmappedModel)> {
        let found = catalogue.claude_model(&asked.parse().unwrap());
        found.map(|model| model.card.name.to_string()).map_err(|(name, why)| (name.to_string(), why))
    }

    /// ENDP-07, ENDP-08: names of models here are used as they are, and others by their family.
    #[test]
    fn names_of_the_other_family_lead_to_models_here() {
        let all = catalogue(&["glm-5.1", "glm-4.7", "glm-4.5-air", "azimuth-demo"]);
        for (asked, model) in [
            ("GLM-5.1", "glm-5.1"),
            ("glm-4.7[1m]", "glm-4.7"),
            ("claude-glm-5.1", "glm-5.1"),
            ("claude-glm-4.5-air[1m]", "glm-4.5-air"),
            ("claude-azimuth-demo", "azimuth-demo"),
            ("claude-haiku-4-5-20251001", "glm-4.5-air"),
            ("claude-3-5-haiku-latest", "glm-4.5-air"),
            ("claude-opus-4-8", "glm-4.7"),
            ("claude-sonnet-5[1m]", "glm-4.7"),
            ("Sonnet", "glm-4.7"),
            ("claude-fable-1", "glm-4.7"),
        ] {
            assert_eq!(lead(&all, asked), Ok(model.to_owned()), "{asked}");
        }
    }

    /// ENDP-09, ENDP-10: what is no name of either family is unknown, and what is known is never led elsewhere.
    #[test]
    fn what_leads_nowhere_is_told_by_its_name() {
        let some = catalogue(&["glm-4.7", "glm-4.5-air"]);
        let nowhere = |name: &str, why| Err((name.to_owned(), why));
        assert_eq!(lead(&some, "gpt-5"), nowhere("gpt-5", UnmappedModel::Unknown));
        assert_eq!(lead(&some, "[1m]"), nowhere("[1m]", UnmappedModel::Unknown));
        assert_eq!(lead(&some, "claude"), nowhere("claude", UnmappedModel::Unknown));
        assert_eq!(lead(&some, "glm-5.1"), nowhere("glm-5.1", UnmappedModel::NoEngine));
        assert_eq!(lead(&some, "claude-glm-5.1"), nowhere("glm-5.1", UnmappedModel::NoEngine));
        assert!(matches!(lead(&some, "glm-image"), Err((_, UnmappedModel::OtherKind(_)))));
    }

    /// Where the models that are meant do not run, one that can only be meant answers, and otherwise none.
    #[test]
    fn the_only_model_answers_for_all_of_them() {
        let demo = catalogue(&["azimuth-demo"]);
        for asked in ["claude-opus-4-8", "claude-haiku-4-5"] {
            assert_eq!(lead(&demo, asked), Ok("azimuth-demo".to_owned()));
        }
        let large = catalogue(&["glm-4.7", "glm-4.6"]);
        assert_eq!(lead(&large, "claude-haiku-4-5"), Ok("glm-4.7".to_owned()));
        let others = catalogue(&["glm-5.1", "glm-4.6"]);
        let refused = lead(&others, "claude-opus-4-8");
        assert_eq!(refused, Err(("glm-4.7".to_owned(), UnmappedModel::NoEngine)));
        assert!(lead(&catalogue(&[]), "claude-opus-4-8").is_err());
    }

    /// The operator may move the names to other models.
    #[test]
    fn the_operator_says_which_models_answer() {
        let models = ClaudeModels { large: "glm-5.1".parse().unwrap(), small: "glm-4.7".parse().unwrap() };
        let moved = catalogue(&["glm-5.1", "glm-4.7", "glm-4.5-air"]).with_claude_models(models);
        assert_eq!(lead(&moved, "claude-opus-4-8"), Ok("glm-5.1".to_owned()));
        assert_eq!(lead(&moved, "claude-haiku-4-5"), Ok("glm-4.7".to_owned()));
    }
}
