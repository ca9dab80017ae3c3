//! Who belongs to an account.

use accounts::{Member as AccountMember, Role};
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vocab::PersonId;
use wire::console::members::{MemberShape, RoleWish};
use wire::console::{Done, Moment, Page, PageQuery};

use super::access::{Member, may};
use super::body::{Body, Named, Query, named, parsed_if_any};
use super::{Console, Refused};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(set_role, remove))
}

/// The members of an account.
#[utoipa::path(get, path = "/accounts/{account}/members", tag = "members", params(PageQuery),
    responses((status = 200, body = Page<MemberShape>)))]
async fn list(
    State(console): State<Console>,
    member: Member<may::SeeAccount>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<MemberShape>>, Refused> {
    let cursor = parsed_if_any("cursor", page.cursor.as_deref())?;
    let members = console.organisations.members(&member.access, cursor, page.limit() + 1).await?;
    let members = Page::of(members, page.limit(), |member| member.membership.person.to_string());
    Ok(Json(members.map(|member| shown(&member))))
}

/// Gives a member another role. Only owners make or unmake owners, and one always stays.
#[utoipa::path(patch, path = "/accounts/{account}/members/{person}", tag = "members", request_body = RoleWish,
    responses((status = 200, body = Done)))]
async fn set_role(
    State(console): State<Console>,
    member: Member<may::ManageMembers>,
    Named(person): Named<PersonId>,
    Body(RoleWish { role }): Body<RoleWish>,
) -> Result<Json<Done>, Refused> {
    let role = named("role", &Role::ALL, Role::name, &role)?;
    console.organisations.set_role(&member.access, person, role, &member.by).await?;
    Ok(Json(Done { changed: true }))
}

/// Takes a member out of an account.
#[utoipa::path(delete, path = "/accounts/{account}/members/{person}", tag = "members",
    responses((status = 200, body = Done)))]
async fn remove(
    State(console): State<Console>,
    member: Member<may::ManageMembers>,
    Named(person): Named<PersonId>,
) -> Result<Json<Done>, Refused> {
    console.organisations.remove(&member.access, person, &member.by).await?;
    Ok(Json(Done { changed: true }))
}

fn shown(member: &AccountMember) -> MemberShape {
    MemberShape {
        person: member.membership.person,
        name: member.name.clone(),
        email: member.email.to_string(),
        role: member.membership.role.name().to_owned(),
        since: Moment(member.membership.since),
    }
}
