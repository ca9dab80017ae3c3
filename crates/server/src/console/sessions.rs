//! What is open on which device.

use accounts::Session;
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vocab::SessionId;
use wire::console::sessions::{Count, SessionShape};
use wire::console::{Done, Moment, Page, PageQuery};

use super::access::Person;
use super::body::{Named, Query, parsed_if_any};
use super::{Console, Refused};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(list, end_others)).routes(routes!(end))
}

/// The open sessions of whoever asks, oldest first.
#[utoipa::path(get, path = "/sessions", tag = "session", params(PageQuery),
    responses((status = 200, body = Page<SessionShape>)))]
async fn list(
    State(console): State<Console>,
    person: Person,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<SessionShape>>, Refused> {
    let this = &person.signed_in.session;
    let cursor = parsed_if_any("cursor", page.cursor.as_deref())?;
    let sessions = console.people.session_list(this.person, cursor, page.limit() + 1).await?;
    let sessions = Page::of(sessions, page.limit(), |session| session.id.to_string());
    Ok(Json(sessions.map(|session| shown(&session, this.id))))
}

/// Ends all sessions of whoever asks but this one.
#[utoipa::path(delete, path = "/sessions", tag = "session", responses((status = 200, body = Count)))]
async fn end_others(State(console): State<Console>, person: Person) -> Result<Json<Count>, Refused> {
    let this = &person.signed_in.session;
    let count = console.people.session_end_all(this.person, Some(this.id), &person.by).await?;
    Ok(Json(Count { count }))
}

/// Ends a session of whoever asks.
#[utoipa::path(delete, path = "/sessions/{session}", tag = "session", responses((status = 200, body = Done)))]
async fn end(
    State(console): State<Console>,
    person: Person,
    Named(session): Named<SessionId>,
) -> Result<Json<Done>, Refused> {
    let changed = console.people.session_end(person.signed_in.person.id, session, &person.by).await?;
    Ok(Json(Done { changed }))
}

fn shown(session: &Session, this: SessionId) -> SessionShape {
    SessionShape {
        id: session.id,
        is_this: session.id == this,
        created: Moment(session.created),
        last_seen: Moment(session.last_seen),
        expires: Moment(session.expires),
        source: session.source.map(|source| source.to_string()),
        agent: session.agent.clone(),
    }
}
