//! Logging in and out, and who is asking.

use accounts::{Login, NewSession, Person, SignedIn};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vocab::Secret;
use wire::console::sessions::{LoginWish, Myself, PersonShape};
use wire::console::{Done, Hidden, Moment};

use super::access::{Anyone, Visitor, csrf_token, runs_platform};
use super::accounts::place;
use super::body::Body;
use super::cookie;
use super::who::{Origin, Who};
use super::{Console, Refused, access};

/// Accounts that are shown with whoever asks.
const ACCOUNTS_SHOWN: u32 = 100;

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(log_in)).routes(routes!(log_out)).routes(routes!(myself))
}

/// Lets someone in by their password, and by a code where they have a second factor. The session is in a cookie.
#[utoipa::path(post, path = "/login", tag = "entry", security(()), request_body = LoginWish,
    responses((status = 200, body = Myself)))]
async fn log_in(
    State(console): State<Console>,
    visitor: Visitor,
    Body(wish): Body<LoginWish>,
) -> Result<impl IntoResponse, Refused> {
    let origin = visitor.origin;
    let login = Login {
        email: wish.email,
        password: wish.password.into_secret(),
        code: wish.code.map(Hidden::into_secret),
        source: origin.source,
        agent: origin.agent.clone(),
    };
    let session = console.people.login(&login).await?;
    let_in(&console, session, &origin).await
}

/// Ends the session that asks.
#[utoipa::path(post, path = "/logout", tag = "session", responses((status = 200, body = Done)))]
async fn log_out(
    State(console): State<Console>,
    person: access::Person,
) -> Result<impl IntoResponse, Refused> {
    let SignedIn { session, .. } = person.signed_in.as_ref();
    let changed = console.people.session_end(session.person, session.id, &person.by).await?;
    Ok((cookie::end_session(&person.origin), Json(Done { changed })))
}

/// Who is asking.
#[utoipa::path(get, path = "/session", tag = "session", responses((status = 200, body = Myself)))]
async fn myself(State(console): State<Console>, anyone: Anyone) -> Result<Json<Myself>, Refused> {
    match anyone.who {
        Who::Person(signed_in, token) => Ok(Json(person(&console, &signed_in.person, &token).await?)),
        Who::Key(caller) => Ok(Json(Myself {
            person: None,
            key: Some(caller.key),
            key_account: Some(caller.account),
            csrf_token: None,
            accounts: Vec::new(),
            is_operator: caller.is_operator,
            has_second_factor: false,
        })),
        Who::Nobody => Err(Refused::outside_layers()),
    }
}

/// The answer to someone who was just let in.
pub(super) async fn let_in(
    console: &Console,
    session: NewSession,
    origin: &Origin,
) -> Result<impl IntoResponse + use<>, Refused> {
    let NewSession { person: who, token, .. } = session;
    let shown = person(console, &who, &token).await?;
    Ok((cookie::set_session(&token, console.people.settings().session_life, origin), Json(shown)))
}

async fn person(console: &Console, person: &Person, token: &Secret) -> Result<Myself, Refused> {
    let accounts = console.organisations.list(person.id, None, ACCOUNTS_SHOWN).await?;
    Ok(Myself {
        key: None,
        key_account: None,
        csrf_token: Some(Hidden::shown(&csrf_token(token))),
        accounts: accounts.iter().map(place).collect(),
        is_operator: runs_platform(console, person.id).await?,
        has_second_factor: console.people.recovery_codes_left(person.id).await?.is_some(),
        person: Some(shown(person)),
    })
}

/// A person, as they see themselves.
pub(super) fn shown(person: &Person) -> PersonShape {
    PersonShape {
        id: person.id,
        email: person.email.to_string(),
        is_email_verified: person.email_verified.is_some(),
        name: person.name.clone(),
        locale: person.locale.code().to_owned(),
        birth_date: person.birth_date.map(String::from),
        has_password: person.password.is_some(),
        state: person.state.name().to_owned(),
        created: Moment(person.created),
    }
}
