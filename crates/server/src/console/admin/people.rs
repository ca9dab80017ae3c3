//! People as the operator sees them, and wishes to be deleted (rule DATA-08).

use accounts::{DeletionEvent, DeletionState, EmailAddress, Enrolment, Locale, Role};
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vocab::PersonId;
use wire::console::admin::{DeletionDecision, Enrolled, EnrolmentWish};
use wire::console::data_rights::DeletionShape;
use wire::console::sessions::PersonShape;
use wire::console::{Done, Page, PageQuery};

use crate::console::access::OperatorOnly;
use crate::console::body::{Body, Named, Query, named, parsed, parsed_if_any};
use crate::console::{Console, Refused, data_rights, login, sign_up};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(list, enrol))
        .routes(routes!(lock))
        .routes(routes!(unlock))
        .routes(routes!(remove_factor))
        .routes(routes!(deletions))
        .routes(routes!(decide_deletion))
}

/// Everyone who has a login, oldest first.
#[utoipa::path(get, path = "/admin/people", tag = "admin_people", params(PageQuery),
    responses((status = 200, body = Page<PersonShape>)))]
async fn list(
    State(console): State<Console>,
    _operator: OperatorOnly,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<PersonShape>>, Refused> {
    let cursor = parsed_if_any("cursor", page.cursor.as_deref())?;
    let people = console.people.list(cursor, page.limit() + 1).await?;
    let people = Page::of(people, page.limit(), |person| person.id.to_string());
    Ok(Json(people.map(|person| login::shown(&person))))
}

/// Gives someone a login, whoever may sign up; a letter lets them set their password.
#[utoipa::path(post, path = "/admin/people", tag = "admin_people", request_body = EnrolmentWish,
    responses((status = 200, body = Enrolled)))]
async fn enrol(
    State(console): State<Console>,
    operator: OperatorOnly,
    Body(wish): Body<EnrolmentWish>,
) -> Result<Json<Enrolled>, Refused> {
    super::account(&console, wish.account).await?;
    let email: EmailAddress = parsed("email", &wish.email)?;
    let enrolment = Enrolment {
        email,
        name: wish.name,
        password: None,
        locale: sign_up::locale(wish.locale.as_deref(), Locale::default())?,
        account: wish.account,
        role: named("role", &Role::ALL, Role::name, &wish.role)?,
    };
    let person = console.people.enrol(enrolment, &operator.by).await?;
    Ok(Json(Enrolled { person: person.id }))
}

/// Keeps a person out and ends their sessions.
#[utoipa::path(post, path = "/admin/people/{person}/lock", tag = "admin_people",
    responses((status = 200, body = Done)))]
async fn lock(
    State(console): State<Console>,
    operator: OperatorOnly,
    Named(person): Named<PersonId>,
) -> Result<Json<Done>, Refused> {
    console.people.lock(person, &operator.by).await?;
    Ok(Json(Done { changed: true }))
}

/// Lets a person in again.
#[utoipa::path(post, path = "/admin/people/{person}/unlock", tag = "admin_people",
    responses((status = 200, body = Done)))]
async fn unlock(
    State(console): State<Console>,
    operator: OperatorOnly,
    Named(person): Named<PersonId>,
) -> Result<Json<Done>, Refused> {
    console.people.unlock(person, &operator.by).await?;
    Ok(Json(Done { changed: true }))
}

/// Takes a second factor away from someone who lost device and codes, and whom the operator knows otherwise.
#[utoipa::path(delete, path = "/admin/people/{person}/second-factor", tag = "admin_people",
    responses((status = 200, body = Done)))]
async fn remove_factor(
    State(console): State<Console>,
    operator: OperatorOnly,
    Named(person): Named<PersonId>,
) -> Result<Json<Done>, Refused> {
    console.people.remove_factor(person, &operator.by).await?;
    Ok(Json(Done { changed: true }))
}

/// Wishes to be deleted that wait for a decision.
#[utoipa::path(get, path = "/admin/deletions", tag = "admin_people", params(PageQuery),
    responses((status = 200, body = Page<DeletionShape>)))]
async fn deletions(
    State(console): State<Console>,
    _operator: OperatorOnly,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DeletionShape>>, Refused> {
    let cursor = parsed_if_any("cursor", page.cursor.as_deref())?;
    let waiting = console.rights.deletion_list(DeletionState::Requested, cursor, page.limit() + 1).await?;
    let waiting = Page::of(waiting, page.limit(), |request| request.person.to_string());
    Ok(Json(waiting.map(|request| data_rights::shown(&request))))
}

/// Approves or refuses a wish to be deleted.
#[utoipa::path(post, path = "/admin/deletions/{person}", tag = "admin_people", request_body = DeletionDecision,
    responses((status = 200, body = Done)))]
async fn decide_deletion(
    State(console): State<Console>,
    operator: OperatorOnly,
    Named(person): Named<PersonId>,
    Body(DeletionDecision { approve }): Body<DeletionDecision>,
) -> Result<Json<Done>, Refused> {
    let event = if approve { DeletionEvent::Approve } else { DeletionEvent::Refuse };
    console.rights.move_deletion(person, event, &operator.by).await?;
    Ok(Json(Done { changed: true }))
}
