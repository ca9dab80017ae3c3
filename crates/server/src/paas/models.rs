use axum::Json;
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
    Path(id): Path<String>,
) -> Result<Json<ModelEntry>, ApiError> {
    let name: ModelName = id.parse().map_err(|_| ApiError::no_such_model())?;
    let found = platform.gateway.catalogue().chat_model(&name).map_err(|_| ApiError::no_such_model())?;
    Ok(Json(entry(&found.card)))
}

fn entry(card: &ModelCard) -> ModelEntry {
    ModelEntry::new(&card.name, Timestamp::from_millis(card.created * 1000), "z-ai")
}
