//! `GET models` and `GET models/{id}` (`anthropic-api.md` §10).

use serde::{Deserialize, Serialize};
use vocab::{ModelName, Timestamp, Tokens};

/// A page of the models a key may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelPage {
    /// The models, in the catalogue's order.
    pub data: Vec<ModelInfo>,
    /// The id to ask before for the page before this one; null on an empty page.
    pub first_id: Option<String>,
    /// The id to ask after for the next page; null on an empty page.
    pub last_id: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
    /// The same once more, as the live service spells it.
    #[serde(rename = "hasMore")]
    pub has_more_too: bool,
}

/// One model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// `model`
    #[serde(rename = "type")]
    pub kind: String,
    /// The name to ask for.
    pub id: String,
    /// The name to show.
    pub display_name: String,
    /// When it was published: `2025-12-22T00:00:00Z`.
    pub created_at: String,
    /// The context window; left out if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_input_tokens: Option<Tokens>,
    /// The most tokens of an answer; left out if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<Tokens>,
    /// `active`
    pub lifecycle: String,
}

impl ModelPage {
    /// The page of `data`.
    pub fn new(data: Vec<ModelInfo>, has_more: bool) -> Self {
        let id = |model: Option<&ModelInfo>| model.map(|model| model.id.clone());
        Self { first_id: id(data.first()), last_id: id(data.last()), data, has_more, has_more_too: has_more }
    }
}

impl ModelInfo {
    /// The entry of one model, or of another name for it.
    pub fn new(id: &ModelName, display_name: &str, published: Timestamp) -> Self {
        let published = jiff::Timestamp::from_second(published.as_secs()).unwrap_or_default();
        Self {
            kind: "model".to_owned(),
            id: id.as_str().to_owned(),
            display_name: display_name.to_owned(),
            created_at: published.to_string(),
            max_input_tokens: None,
            max_tokens: None,
            lifecycle: "active".to_owned(),
        }
    }

    /// The same with what is known of its limits.
    #[must_use]
    pub fn with_limits(mut self, max_input_tokens: Option<Tokens>, max_tokens: Option<Tokens>) -> Self {
        self.max_input_tokens = max_input_tokens;
        self.max_tokens = max_tokens;
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_says_in_both_spellings_whether_there_is_more() {
        let name: ModelName = "glm-4.7".parse().unwrap();
        let model = ModelInfo::new(&name, "GLM-4.7", Timestamp::from_millis(1_766_361_600_000));
        let page = ModelPage::new(vec![model.with_limits(Some(Tokens(204_800)), None)], false);
        assert_eq!(
            serde_json::to_value(page).unwrap(),
            json!({
                "data": [{
                    "type": "model", "id": "glm-4.7", "display_name": "GLM-4.7",
                    "created_at": "2025-12-22T00:00:00Z", "max_input_tokens": 204_800, "lifecycle": "active",
                }],
                "first_id": "glm-4.7", "last_id": "glm-4.7", "has_more": false, "hasMore": false,
            })
        );
        let empty = serde_json::to_value(ModelPage::new(Vec::new(), false)).unwrap();
        assert_eq!(empty["first_id"], json!(null));
    }
}
