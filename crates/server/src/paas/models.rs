use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use gateway::ModelCard;
use vocab::{ModelName, Timestamp};
use wire::paas::{ModelEntry, ModelList};

use crate::{ApiError, Caller, Platform};

/// Lists the models that can be used here (`http-api.md` §24).
pub(crate) async fn list(State(platform): State<Platform>, _caller: Caller) -> Json<ModelList> {
    Json(ModelList::new(platform.gateway.catalogue().listed().into_iter().map(entry)))
}

/// Shows one model.
pub(crate) async fn retrieve(
    State(platform): State<Platform>,
    _caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<ModelEntry>, ApiError> {
    let name: Option<ModelName> = id.ok().and_then(|Path(id)| id.parse().ok());
    let catalogue = platform.gateway.catalogue();
    let found = name.and_then(|name| catalogue.chat_model(&name).ok());
    found.map(|model| Json(entry(&model.card))).ok_or_else(ApiError::no_such_model)
}

fn entry(card: &ModelCard) -> ModelEntry {
    ModelEntry::new(&card.name, Timestamp::from_millis(card.created * 1000), "z-ai")
}
