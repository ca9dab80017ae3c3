//! Letters that ask someone to join an account.

use accounts::{Invitation, Role};
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vocab::InvitationId;
use wire::console::accounts::AccountPlace;
use wire::console::invitations::{InvitationShape, InvitationWish};
use wire::console::sign_up::LetterToken;
use wire::console::{Done, Moment, Page, PageQuery};

use super::access::{Member, Person, may};
use super::accounts::place;
use super::body::{Body, Named, Query, named, parsed, parsed_if_any};
use super::{Console, Refused, sign_up};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(list, invite)).routes(routes!(withdraw)).routes(routes!(accept))
}

/// The invitations of an account, oldest first.
#[utoipa::path(get, path = "/accounts/{account}/invitations", tag = "invitations", params(PageQuery),
    responses((status = 200, body = Page<InvitationShape>)))]
async fn list(
    State(console): State<Console>,
    member: Member<may::ManageMembers>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<InvitationShape>>, Refused> {
    let cursor = parsed_if_any("cursor", page.cursor.as_deref())?;
    let invitations = console.organisations.invitations(&member.access, cursor, page.limit() + 1).await?;
    let invitations = Page::of(invitations, page.limit(), |invitation| invitation.id.to_string());
    Ok(Json(invitations.map(|invitation| shown(&invitation))))
}

/// Asks someone by letter to join.
#[utoipa::path(post, path = "/accounts/{account}/invitations", tag = "invitations", request_body = InvitationWish,
    responses((status = 200, body = InvitationShape)))]
async fn invite(
    State(console): State<Console>,
    member: Member<may::ManageMembers>,
    Body(wish): Body<InvitationWish>,
) -> Result<Json<InvitationShape>, Refused> {
    let email = parsed("email", &wish.email)?;
    let role = named("role", &Role::ALL, Role::name, &wish.role)?;
    let locale = sign_up::locale(wish.locale.as_deref(), member.origin.locale)?;
    let invitation = console.organisations.invite(&member.access, &email, role, locale, &member.by).await?;
    Ok(Json(shown(&invitation)))
}

/// Makes an invitation no good.
#[utoipa::path(delete, path = "/accounts/{account}/invitations/{invitation}", tag = "invitations",
    responses((status = 200, body = Done)))]
async fn withdraw(
    State(console): State<Console>,
    member: Member<may::ManageMembers>,
    Named(invitation): Named<InvitationId>,
) -> Result<Json<Done>, Refused> {
    console.organisations.withdraw(&member.access, invitation, &member.by).await?;
    Ok(Json(Done { changed: true }))
}

/// Joins the account that a letter named, with a login of the address it was sent to.
#[utoipa::path(post, path = "/invitations/accept", tag = "invitations", request_body = LetterToken,
    responses((status = 200, body = AccountPlace)))]
async fn accept(
    State(console): State<Console>,
    person: Person,
    Body(LetterToken { token }): Body<LetterToken>,
) -> Result<Json<AccountPlace>, Refused> {
    let access = console.organisations.accept(&person.signed_in, &token.into_secret(), &person.by).await?;
    Ok(Json(place(&access)))
}

fn shown(invitation: &Invitation) -> InvitationShape {
    InvitationShape {
        id: invitation.id,
        email: invitation.email.to_string(),
        role: invitation.role.name().to_owned(),
        invited_by: invitation.invited_by,
        created: Moment(invitation.created),
        expires: Moment(invitation.expires),
        closed: invitation.closed.map(Moment),
    }
}
