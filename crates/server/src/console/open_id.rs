//! Logins by way of partners (rule AUTH-10).

use accounts::{Identity, OpenIdOutcome, ProviderName};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::console::open_id::{IdentityShape, OpenIdCode, OpenIdJourney, OpenIdReturn, OpenIdWish};
use wire::console::sessions::Myself;
use wire::console::{ConsoleError, Done, Hidden, Moment, Page, Problem};

use super::access::{Person, Visitor};
use super::body::{Body, Named, Query};
use super::{Console, Refused, cookie, login, sign_up};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(begin))
        .routes(routes!(come_back))
        .routes(routes!(confirm))
        .routes(routes!(list_identities))
        .routes(routes!(link, unlink))
}

/// Begins a login by way of a partner: the browser is to go to the address in the answer.
#[utoipa::path(post, path = "/login/{provider}/begin", tag = "entry", security(()), request_body = OpenIdWish,
    responses((status = 200, body = OpenIdJourney)))]
async fn begin(
    State(console): State<Console>,
    visitor: Visitor,
    Named(provider): Named<ProviderName>,
    Body(wish): Body<OpenIdWish>,
) -> Result<impl IntoResponse, Refused> {
    let wish = wish.sign_up.map(|about| sign_up::newcomer(about, visitor.origin.locale)).transpose()?;
    let start = console.open_id.begin(&provider, wish).await?;
    Ok((cookie::set_journey(&start.cookie, &visitor.origin), Json(OpenIdJourney { url: start.url })))
}

/// Takes a browser back that a partner sent, and sends it on to the console.
#[utoipa::path(get, path = "/login/{provider}/callback", tag = "entry", security(()), params(OpenIdReturn),
    responses((status = 303, description = "to the console")))]
async fn come_back(
    State(console): State<Console>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(answer): Query<OpenIdReturn>,
) -> Response {
    // A person looks at this, so they are sent to a page that says it.
    match arrive(&console, &visitor, &headers, answer).await {
        Ok(response) => response,
        Err(refusal) => Redirect::to(&format!("/login#error={}", refusal.code())).into_response(),
    }
}

async fn arrive(
    console: &Console,
    visitor: &Visitor,
    headers: &HeaderMap,
    answer: OpenIdReturn,
) -> Result<Response, Refused> {
    let lost = || ConsoleError::of(Problem::JourneyLost);
    let cookie = cookie::journey(headers).ok_or_else(lost)?;
    let code = answer.code.map(Hidden::into_secret).ok_or_else(lost)?;
    let (origin, state) = (&visitor.origin, answer.state.into_secret());
    let finished = console.open_id.finish(&cookie, &state, &code, origin.source, &origin.agent);
    Ok(match finished.await? {
        OpenIdOutcome::LoggedIn(session) => {
            let life = console.people.settings().session_life;
            (cookie::set_session(&session.token, life, origin), Redirect::to("/")).into_response()
        }
        OpenIdOutcome::CodeNeeded { pending } => {
            // Behind the `#`, so that it gets into no server's log.
            Redirect::to(&format!("/login#second-factor={}", pending.expose())).into_response()
        }
        OpenIdOutcome::Linked => Redirect::to("/settings#linked").into_response(),
    })
}

/// Lets someone in whom a partner knows and who has a second factor here.
#[utoipa::path(post, path = "/login/confirm", tag = "entry", security(()), request_body = OpenIdCode,
    responses((status = 200, body = Myself)))]
async fn confirm(
    State(console): State<Console>,
    visitor: Visitor,
    Body(wish): Body<OpenIdCode>,
) -> Result<impl IntoResponse, Refused> {
    let origin = visitor.origin;
    let (pending, code) = (wish.pending.into_secret(), wish.code.into_secret());
    let session = console.open_id.confirm(&pending, &code, origin.source, &origin.agent).await?;
    login::let_in(&console, session, &origin).await
}

/// The partners' logins of whoever asks.
#[utoipa::path(get, path = "/identities", tag = "session", responses((status = 200, body = Page<IdentityShape>)))]
async fn list_identities(
    State(console): State<Console>,
    person: Person,
) -> Result<Json<Page<IdentityShape>>, Refused> {
    let identities = console.open_id.list(person.signed_in.person.id).await?;
    let shown = |identity: &Identity| IdentityShape {
        provider: identity.provider.to_string(),
        linked: Moment(identity.linked),
    };
    Ok(Json(Page { items: identities.iter().map(shown).collect(), next_cursor: None }))
}

/// Begins to link a partner's login to whoever asks.
#[utoipa::path(post, path = "/identities/{provider}", tag = "session",
    responses((status = 200, body = OpenIdJourney)))]
async fn link(
    State(console): State<Console>,
    person: Person,
    Named(provider): Named<ProviderName>,
) -> Result<impl IntoResponse, Refused> {
    let start = console.open_id.begin_link(&provider, &person.signed_in).await?;
    Ok((cookie::set_journey(&start.cookie, &person.origin), Json(OpenIdJourney { url: start.url })))
}

/// Takes a partner's login away, unless it is the only way in.
#[utoipa::path(delete, path = "/identities/{provider}", tag = "session", responses((status = 200, body = Done)))]
async fn unlink(
    State(console): State<Console>,
    person: Person,
    Named(provider): Named<ProviderName>,
) -> Result<Json<Done>, Refused> {
    console.open_id.unlink(&person.signed_in, &provider, &person.by).await?;
    Ok(Json(Done { changed: true }))
}
