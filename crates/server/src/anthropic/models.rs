use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use gateway::{ModelCard, claude_alias};
use serde::Deserialize;
use vocab::{ModelName, Timestamp, Tokens};
use wire::BadRequest;
use wire::anthropic::{ModelInfo, ModelPage};

use crate::{ApiError, Caller, Platform};

/// Models on a page unless the client says how many, and at most.
const LIMIT_DEFAULT: usize = 20;
const LIMIT_MAX: usize = 1000;

/// How a client names itself that asks which models there are for its menu, and shows only names of one family.
const SHOWS_ONE_FAMILY: &str = "claude-code/";

/// Which page is asked for.
#[derive(Deserialize)]
pub(crate) struct PageQuery {
    limit: Option<String>,
    before_id: Option<String>,
    after_id: Option<String>,
}

/// Lists the models that the caller's key may ask, the newest first (`anthropic-api.md` §10).
pub(crate) async fn list(
    State(platform): State<Platform>,
    caller: Caller,
    headers: HeaderMap,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Json<ModelPage>, ApiError> {
    let Query(query) = query.map_err(|_| BadRequest::malformed("the query cannot be read"))?;
    let catalogue = platform.gateway.catalogue();
    let mut cards = catalogue.listed();
    cards.retain(|card| caller.scope.allows_model(&card.name).is_ok());
    cards.reverse();

    let mut models: Vec<ModelInfo> = cards.iter().map(|card| about(&card.name, card)).collect();
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    if agent.is_some_and(|agent| agent.starts_with(SHOWS_ONE_FAMILY)) {
        let aliases = cards.iter().filter_map(|card| Some(about(&claude_alias(&card.name)?, card)));
        models.extend(aliases);
    }
    Ok(Json(page(models, &query)?))
}

/// Shows the model that a name leads to.
pub(crate) async fn retrieve(
    State(platform): State<Platform>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<ModelInfo>, ApiError> {
    let asked: Option<ModelName> = id.ok().and_then(|Path(id)| id.parse().ok());
    let name = asked.and_then(|asked| platform.gateway.claude_model(&asked).ok());
    let name = name.filter(|name| caller.scope.allows_model(name).is_ok());
    let catalogue = platform.gateway.catalogue();
    let found = name.and_then(|name| catalogue.chat_model(&name).ok());
    found.map(|model| Json(about(&model.card.name, &model.card))).ok_or_else(ApiError::no_such_model)
}

fn about(id: &ModelName, card: &ModelCard) -> ModelInfo {
    let published = Timestamp::from_millis(card.created * 1000);
    let most = card.max_tokens_max.map(|most| Tokens(most.into()));
    ModelInfo::new(id, &card.display_name, published).with_limits(card.context_window, most)
}

fn page(models: Vec<ModelInfo>, query: &PageQuery) -> Result<ModelPage, BadRequest> {
    let limit = match query.limit.as_deref().map(str::trim).filter(|limit| !limit.is_empty()) {
        None => LIMIT_DEFAULT,
        Some(limit) => limit.parse().map_err(|_| BadRequest::invalid("limit", "it is 1 to 1000"))?,
    };
    let limit = limit.clamp(1, LIMIT_MAX);
    let place = |field: &str, id: &str| {
        let place = models.iter().position(|model| model.id.eq_ignore_ascii_case(id));
        place.ok_or_else(|| BadRequest::invalid(field, "no model of the list has this id"))
    };
    let range = match (&query.after_id, &query.before_id) {
        (Some(id), _) => place("after_id", id)? + 1..models.len(),
        (None, Some(id)) => 0..place("before_id", id)?,
        (None, None) => 0..models.len(),
    };
    let has_more = range.len() > limit;
    // A page before something is the one that ends there.
    let is_last_wanted = query.after_id.is_none() && query.before_id.is_some();
    let first = if is_last_wanted { range.end - range.len().min(limit) } else { range.start };
    let data = models.into_iter().skip(first).take(range.len().min(limit)).collect();
    Ok(ModelPage::new(data, has_more))
}
