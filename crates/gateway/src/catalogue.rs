use std::collections::HashMap;
use std::sync::Arc;

use inference::ChatEngine;
use vocab::ModelName;

use crate::{ClaudeModels, ModelCard, ModelKind};

/// Which public models there are, and which engines run them.
///
/// Every documented model is known; a model can be used once it is mapped to an engine.
pub struct Catalogue {
    entries: HashMap<ModelName, Arc<ModelEntry>>,
    aliases: HashMap<ModelName, ModelName>,
    claude: ClaudeModels,
}

/// A public model and the engines that run it; no routes means that the operator has mapped none.
pub struct ModelEntry {
    /// What the catalogue says of it.
    pub card: ModelCard,
    /// The engines, in the order configured.
    pub routes: Vec<RouteTo>,
}

/// One engine that runs a model.
#[derive(Clone)]
pub struct RouteTo {
    /// The engine.
    pub engine: Arc<dyn ChatEngine>,
    /// Its share of the requests when everything else is equal; at least 1.
    pub weight: u32,
}

/// What the operator says of one public model.
pub struct ModelMapping {
    /// The model's card: a documented one, or [`ModelCard::custom`].
    pub card: ModelCard,
    /// The engines that run it.
    pub routes: Vec<RouteTo>,
}

/// A mistake in the operator's mapping.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// Two models want the same name.
    #[error("the name `{0}` is given to two models")]
    NameTaken(ModelName),
}

/// Why a name leads to no engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnmappedModel {
    /// No such model is known (rule ENDP-09).
    Unknown,
    /// The model is documented, but no engine runs it here.
    NoEngine,
    /// The model exists, but does not chat (rule ENDP-10).
    OtherKind(ModelKind),
}

impl Catalogue {
    /// Puts the operator's mappings over the documented models.
    pub fn new(mappings: Vec<ModelMapping>) -> Result<Self, CatalogueError> {
        let mut entries: HashMap<ModelName, Arc<ModelEntry>> = HashMap::new();
        for mapping in mappings {
            let name = mapping.card.name.clone();
            let entry = Arc::new(ModelEntry { card: mapping.card, routes: mapping.routes });
            if entries.insert(name.clone(), entry).is_some() {
                return Err(CatalogueError::NameTaken(name));
            }
        }
        for card in ModelCard::documented() {
            entries
                .entry(card.name.clone())
                .or_insert_with(|| Arc::new(ModelEntry { card: card.clone(), routes: Vec::new() }));
        }

        let mut aliases = HashMap::new();
        for entry in entries.values() {
            for alias in &entry.card.aliases {
                if entries.contains_key(alias)
                    || aliases.insert(alias.clone(), entry.card.name.clone()).is_some()
                {
                    return Err(CatalogueError::NameTaken(alias.clone()));
                }
            }
        }
        Ok(Self { entries, aliases, claude: ClaudeModels::default() })
    }

    /// The same catalogue, in which these models answer for those of the other family (rule ENDP-07).
    #[must_use]
    pub fn with_claude_models(mut self, models: ClaudeModels) -> Self {
        self.claude = models;
        self
    }

    /// Which models answer for those of the other family.
    pub fn claude_models(&self) -> &ClaudeModels {
        &self.claude
    }

    /// The chat model of this name or alias, if an engine runs it.
    pub fn chat_model(&self, name: &ModelName) -> Result<&Arc<ModelEntry>, UnmappedModel> {
        let name = self.aliases.get(name).unwrap_or(name);
        let entry = self.entries.get(name).ok_or(UnmappedModel::Unknown)?;
        if !entry.card.kind.chats() {
            return Err(UnmappedModel::OtherKind(entry.card.kind));
        }
        if entry.routes.is_empty() {
            return Err(UnmappedModel::NoEngine);
        }
        Ok(entry)
    }

    /// The models that the models endpoint lists: those that can be used, by age and name.
    pub fn listed(&self) -> Vec<&ModelCard> {
        let mut cards: Vec<&ModelCard> = self
            .entries
            .values()
            .filter(|entry| entry.card.listed && !entry.routes.is_empty())
            .map(|entry| &entry.card)
            .collect();
        cards.sort_by(|a, b| (a.created, &a.name).cmp(&(b.created, &b.name)));
        cards
    }

    /// Every entry that has an engine.
    pub fn mapped(&self) -> impl Iterator<Item = &Arc<ModelEntry>> {
        self.entries.values().filter(|entry| !entry.routes.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The documented models alone make a catalogue: no name is given twice.
    #[test]
    fn documented_models_are_known_but_need_an_engine() {
        let catalogue = Catalogue::new(Vec::new()).unwrap();
        let answer = |name: &str| catalogue.chat_model(&name.parse().unwrap()).err();
        assert_eq!(answer("glm-5.1"), Some(UnmappedModel::NoEngine));
        assert_eq!(answer("glm-9"), Some(UnmappedModel::Unknown));
        assert_eq!(answer("glm-image"), Some(UnmappedModel::OtherKind(ModelKind::Image)));
        assert!(catalogue.listed().is_empty());
    }

    #[test]
    fn an_alias_that_is_a_models_name_is_refused() {
        let mut card = ModelCard::custom("mine".parse().unwrap());
        card.aliases.push("glm-5.1".parse().unwrap());
        let refused = Catalogue::new(vec![ModelMapping { card, routes: Vec::new() }]);
        assert_eq!(refused.err(), Some(CatalogueError::NameTaken("glm-5.1".parse().unwrap())));
    }
}
