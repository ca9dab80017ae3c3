//! Groups of keys.

use accounts::Project;
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vocab::ProjectId;
use wire::console::accounts::NameWish;
use wire::console::projects::ProjectShape;
use wire::console::{Done, Moment, Page, PageQuery};

use super::access::{Member, may};
use super::body::{Body, Named, Query, parsed_if_any};
use super::{Console, Refused};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(rename, archive))
}

/// The projects of an account, oldest first; those put away too.
#[utoipa::path(get, path = "/accounts/{account}/projects", tag = "projects", params(PageQuery),
    responses((status = 200, body = Page<ProjectShape>)))]
async fn list(
    State(console): State<Console>,
    member: Member<may::SeeKeys>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ProjectShape>>, Refused> {
    let cursor = parsed_if_any("cursor", page.cursor.as_deref())?;
    let projects = console.projects.list(&member.access, cursor, page.limit() + 1).await?;
    let projects = Page::of(projects, page.limit(), |project| project.id.to_string());
    Ok(Json(projects.map(|project| shown(&project))))
}

/// Makes a project.
#[utoipa::path(post, path = "/accounts/{account}/projects", tag = "projects", request_body = NameWish,
    responses((status = 200, body = ProjectShape)))]
async fn create(
    State(console): State<Console>,
    member: Member<may::ManageProjects>,
    Body(NameWish { name }): Body<NameWish>,
) -> Result<Json<ProjectShape>, Refused> {
    Ok(Json(shown(&console.projects.create(&member.access, &name, &member.by).await?)))
}

/// Gives a project another name.
#[utoipa::path(patch, path = "/accounts/{account}/projects/{project}", tag = "projects", request_body = NameWish,
    responses((status = 200, body = Done)))]
async fn rename(
    State(console): State<Console>,
    member: Member<may::ManageProjects>,
    Named(project): Named<ProjectId>,
    Body(NameWish { name }): Body<NameWish>,
) -> Result<Json<Done>, Refused> {
    console.projects.rename(&member.access, project, &name, &member.by).await?;
    Ok(Json(Done { changed: true }))
}

/// Puts a project away; its keys are revoked with it.
#[utoipa::path(delete, path = "/accounts/{account}/projects/{project}", tag = "projects",
    responses((status = 200, body = Done)))]
async fn archive(
    State(console): State<Console>,
    member: Member<may::ManageProjects>,
    Named(project): Named<ProjectId>,
) -> Result<Json<Done>, Refused> {
    console.projects.archive(&member.access, project, &member.by).await?;
    Ok(Json(Done { changed: true }))
}

fn shown(project: &Project) -> ProjectShape {
    ProjectShape {
        id: project.id,
        name: project.name.clone(),
        created: Moment(project.created),
        archived: project.archived.map(Moment),
    }
}
