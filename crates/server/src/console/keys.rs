//! API keys (rule AUTH-08).

use std::time::Duration;

use accounts::{Access, ApiKey, KeyScope, KeyTerms};
use axum::Json;
use axum::extract::State;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vocab::{KeyId, Secret};
use wire::console::keys::{KeyShape, KeyWish, NewKey, Rotation, ScopeShape};
use wire::console::{ConsoleError, Done, Hidden, Moment, Money, Page, PageQuery, Problem};

use super::access::{Member, may};
use super::body::{Body, Named, Query, parsed, parsed_if_any};
use super::{Console, Refused};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(change, revoke)).routes(routes!(rotate))
}

/// The keys of an account, oldest first; those that are over too.
#[utoipa::path(get, path = "/accounts/{account}/keys", tag = "keys", params(PageQuery),
    responses((status = 200, body = Page<KeyShape>)))]
async fn list(
    State(console): State<Console>,
    member: Member<may::SeeKeys>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<KeyShape>>, Refused> {
    let cursor = parsed_if_any("cursor", page.cursor.as_deref())?;
    let keys = console.platform.keys.list(Some(member.access.account.id), cursor, page.limit() + 1).await?;
    let keys = Page::of(keys, page.limit(), |key| key.id.to_string());
    Ok(Json(keys.map(|key| shown(&key))))
}

/// Makes a key. Its text is in this answer and nowhere else.
#[utoipa::path(post, path = "/accounts/{account}/keys", tag = "keys", request_body = KeyWish,
    responses((status = 200, body = NewKey)))]
async fn create(
    State(console): State<Console>,
    member: Member<may::ManageKeys>,
    Body(wish): Body<KeyWish>,
) -> Result<Json<NewKey>, Refused> {
    let account = member.access.account.id;
    let (name, terms) = read(&console, &member.access, wish).await?;
    let (key, text) = console.platform.keys.create_under(account, &name, terms).await?;
    console.note(&member.by, Some(account), "key.create", key.id, json!({})).await?;
    Ok(Json(new_key(&key, &text)))
}

/// Changes what a key is called and what it is for.
#[utoipa::path(put, path = "/accounts/{account}/keys/{key}", tag = "keys", request_body = KeyWish,
    responses((status = 200, body = KeyShape)))]
async fn change(
    State(console): State<Console>,
    member: Member<may::ManageKeys>,
    Named(key): Named<KeyId>,
    Body(wish): Body<KeyWish>,
) -> Result<Json<KeyShape>, Refused> {
    own(&console, &member.access, key).await?;
    let (name, terms) = read(&console, &member.access, wish).await?;
    let key = console.platform.keys.change(key, &name, terms).await?;
    console.note(&member.by, Some(key.account), "key.change", key.id, json!({})).await?;
    Ok(Json(shown(&key)))
}

/// Makes a successor of a key, and lets the key itself go on for a while if that is said.
#[utoipa::path(post, path = "/accounts/{account}/keys/{key}/rotate", tag = "keys", request_body = Rotation,
    responses((status = 200, body = NewKey)))]
async fn rotate(
    State(console): State<Console>,
    member: Member<may::ManageKeys>,
    Named(key): Named<KeyId>,
    Body(Rotation { overlap_seconds }): Body<Rotation>,
) -> Result<Json<NewKey>, Refused> {
    own(&console, &member.access, key).await?;
    let (successor, text) = console.platform.keys.rotate(key, Duration::from_secs(overlap_seconds)).await?;
    let details = json!({"successor": successor.id, "overlap_seconds": overlap_seconds});
    console.note(&member.by, Some(successor.account), "key.rotate", key, details).await?;
    Ok(Json(new_key(&successor, &text)))
}

/// Ends a key's life, at once.
#[utoipa::path(delete, path = "/accounts/{account}/keys/{key}", tag = "keys", responses((status = 200, body = Done)))]
async fn revoke(
    State(console): State<Console>,
    member: Member<may::ManageKeys>,
    Named(key): Named<KeyId>,
) -> Result<Json<Done>, Refused> {
    let found = own(&console, &member.access, key).await?;
    let changed = console.platform.keys.revoke(key).await?;
    if changed {
        console.note(&member.by, Some(found.account), "key.revoke", key, json!({})).await?;
    }
    Ok(Json(Done { changed }))
}

/// The account's key; another's does not exist here.
async fn own(console: &Console, access: &Access, id: KeyId) -> Result<ApiKey, Refused> {
    let found = console.platform.keys.find(id).await?;
    let own = found.filter(|key| key.account == access.account.id);
    own.ok_or_else(|| ConsoleError::of(Problem::NotFound).into())
}

async fn read(console: &Console, access: &Access, wish: KeyWish) -> Result<(String, KeyTerms), Refused> {
    if let Some(project) = wish.project {
        console.projects.find(access, project).await?;
    }
    let terms = KeyTerms {
        project: wish.project,
        scope: scope(wish.scope)?,
        monthly_spend_max: wish.monthly_spend_max.map(|Money(max)| max),
        expires: wish.expires.map(|Moment(at)| at),
    };
    Ok((wish.name, terms))
}

fn scope(wish: ScopeShape) -> Result<KeyScope, Refused> {
    let models = wish.models.iter().flatten().map(|model| parsed("scope.models", model));
    let models = models.collect::<Result<_, Refused>>()?;
    let addresses = wish.addresses.iter().flatten().map(|network| parsed("scope.addresses", network));
    let addresses = addresses.collect::<Result<_, Refused>>()?;
    Ok(KeyScope {
        doors: wish.doors,
        models: wish.models.is_some().then_some(models),
        addresses: wish.addresses.is_some().then_some(addresses),
    })
}

fn new_key(key: &ApiKey, text: &Secret) -> NewKey {
    NewKey { key: shown(key), text: Hidden::shown(text) }
}

fn shown(key: &ApiKey) -> KeyShape {
    let KeyScope { doors, models, addresses } = key.scope.as_ref();
    let scope = ScopeShape {
        doors: doors.clone(),
        models: models.as_ref().map(|models| models.iter().map(ToString::to_string).collect()),
        addresses: addresses.as_ref().map(|networks| networks.iter().map(ToString::to_string).collect()),
    };
    KeyShape {
        id: key.id,
        name: key.name.clone(),
        public_id: key.public_id.to_string(),
        project: key.project,
        scope,
        monthly_spend_max: key.monthly_spend_max.map(Money),
        successor_of: key.successor_of,
        created: Moment(key.created),
        expires: key.expires.map(Moment),
        revoked: key.revoked.map(Moment),
        last_used: key.last_used.map(Moment),
    }
}
