//! `GET models` and `GET models/{id}`, in OpenAI's form (`http-api.md` §24).

use serde::{Deserialize, Serialize};
use vocab::{ModelName, Timestamp};

/// The models a key may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelList {
    /// `list`
    pub object: String,
    /// The models, in the catalogue's order.
    pub data: Vec<ModelEntry>,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelEntry {
    /// The public name.
    pub id: String,
    /// `model`
    pub object: String,
    /// When it was published, in Unix seconds.
    pub created: i64,
    /// `z-ai`, or the operator's word.
    pub owned_by: String,
}

impl ModelList {
    /// The list of `models`.
    pub fn new(models: impl IntoIterator<Item = ModelEntry>) -> Self {
        Self { object: "list".to_owned(), data: models.into_iter().collect() }
    }
}

impl ModelEntry {
    /// The entry of one model.
    pub fn new(name: &ModelName, published: Timestamp, owned_by: &str) -> Self {
        Self {
            id: name.as_str().to_owned(),
            object: "model".to_owned(),
            created: published.as_secs(),
            owned_by: owned_by.to_owned(),
        }
    }
}
