//! What the operator changes while the platform runs: prices, plans, models, engines, rates and rules of use.

use accounts::{Actor, DocumentName, OperatorDocument};
use axum::Json;
use axum::extract::State;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::console::admin::{DocumentShape, DocumentWish, VersionWish};
use wire::console::{ConsoleError, Moment, Page, PageQuery, Problem};

use crate::console::access::OperatorOnly;
use crate::console::body::{Body, Named, Query, parsed_if_any};
use crate::console::{Console, Refused};

/// Versions of a document in one page: bodies may be large where they are read.
const HISTORY_LIMIT_MAX: u32 = 49;

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(find, propose)).routes(routes!(history))
}

/// The documents in force, without what they say.
#[utoipa::path(get, path = "/admin/documents", tag = "admin_documents",
    responses((status = 200, body = Page<DocumentShape>)))]
async fn list(State(console): State<Console>, _operator: OperatorOnly) -> Json<Page<DocumentShape>> {
    let current = DocumentName::ALL.iter().filter_map(|name| console.documents.current(*name));
    Json(Page { items: current.map(|document| heading(&document)).collect(), next_cursor: None })
}

/// A document: the version in force, or another.
#[utoipa::path(get, path = "/admin/documents/{name}", tag = "admin_documents", params(VersionWish),
    responses((status = 200, body = DocumentShape)))]
async fn find(
    State(console): State<Console>,
    _operator: OperatorOnly,
    Named(name): Named<DocumentName>,
    Query(wish): Query<VersionWish>,
) -> Result<Json<DocumentShape>, Refused> {
    let found = match wish.version {
        Some(version) => console.documents.version(name, version).await?,
        None => console.documents.current(name).map(|current| current.as_ref().clone()),
    };
    let found = found.ok_or_else(|| ConsoleError::of(Problem::NotFound))?;
    Ok(Json(DocumentShape { body: Some(found.body.clone()), ..heading(&found) }))
}

/// Writes the next version, which is in force everywhere within a second or so. One that does not make sense, or that
/// does not begin from the newest version, is not written.
#[utoipa::path(put, path = "/admin/documents/{name}", tag = "admin_documents", request_body = DocumentWish,
    responses((status = 200, body = DocumentShape)))]
async fn propose(
    State(console): State<Console>,
    operator: OperatorOnly,
    Named(name): Named<DocumentName>,
    Body(DocumentWish { base, body }): Body<DocumentWish>,
) -> Result<Json<DocumentShape>, Refused> {
    let by = author(&console, operator.by.actor).await?;
    let document = console.documents.propose(name, base, body, &by).await?;
    let details = json!({"version": document.version});
    console.note(&operator.by, Some(console.operator), "document.change", name, details).await?;
    Ok(Json(heading(&document)))
}

/// The versions of a document, newest first, without what they say.
#[utoipa::path(get, path = "/admin/documents/{name}/history", tag = "admin_documents", params(PageQuery),
    responses((status = 200, body = Page<DocumentShape>)))]
async fn history(
    State(console): State<Console>,
    _operator: OperatorOnly,
    Named(name): Named<DocumentName>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DocumentShape>>, Refused> {
    let cursor = parsed_if_any("cursor", page.cursor.as_deref())?;
    let limit = page.limit().min(HISTORY_LIMIT_MAX);
    let versions = console.documents.history(name, cursor, limit + 1).await?;
    let versions = Page::of(versions, limit, |document| document.version.to_string());
    Ok(Json(versions.map(|document| heading(&document))))
}

/// Whom people will read under a version.
async fn author(console: &Console, actor: Actor) -> Result<String, Refused> {
    let person = match actor {
        Actor::Person(person) => console.people.find(person).await?,
        Actor::Key(_) | Actor::Operator | Actor::System | Actor::Nobody => None,
    };
    Ok(person
        .map_or_else(|| actor.to_string(), |person| person.email.to_string())
        .chars()
        .take(200)
        .collect())
}

fn heading(document: &OperatorDocument) -> DocumentShape {
    DocumentShape {
        name: document.name.to_string(),
        version: document.version,
        at: Moment(document.at),
        by: document.by.clone(),
        body: None,
    }
}
