//! Copies, consents and deletion (rules DATA-02, DATA-05, DATA-06, DATA-08).

use std::fs::File;
use std::io::{Error, Read, Seek};

use accounts::{Consent, DeletionEvent, DeletionRequest};
use axum::Json;
use axum::body::{Body as HttpBody, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures::stream::try_unfold;
use tokio::task::spawn_blocking;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::console::data_rights::{ConsentShape, DeletionShape, DeletionState};
use wire::console::sign_up::{AgreementWish, ProofWish};
use wire::console::{Moment, Page, PageQuery};

use super::access::Person;
use super::body::{Body, Query, parsed_if_any};
use super::passwords::Given;
use super::sign_up::agreement;
use super::{Console, Refused};

/// How much of a copy is read at a time.
const CHUNK_BYTES: usize = 64 * 1024;

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(list_consents, agree)).routes(routes!(export)).routes(routes!(
        deletion,
        ask_deletion,
        withdraw_deletion
    ))
}

/// What whoever asks agreed to and withdrew, newest first.
#[utoipa::path(get, path = "/consents", tag = "data_rights", params(PageQuery),
    responses((status = 200, body = Page<ConsentShape>)))]
async fn list_consents(
    State(console): State<Console>,
    person: Person,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ConsentShape>>, Refused> {
    let cursor = parsed_if_any("cursor", page.cursor.as_deref())?;
    let consents = console.rights.consent_list(person.signed_in.person.id, cursor, page.limit() + 1).await?;
    let consents = Page::of(consents, page.limit(), |consent| consent.id.to_string());
    Ok(Json(consents.map(|consent| consent_shape(&consent))))
}

/// Agrees to something, or withdraws it. What was said before stays on record.
#[utoipa::path(post, path = "/consents", tag = "data_rights", request_body = AgreementWish,
    responses((status = 200, body = ConsentShape)))]
async fn agree(
    State(console): State<Console>,
    person: Person,
    Body(wish): Body<AgreementWish>,
) -> Result<Json<ConsentShape>, Refused> {
    let consent = console.rights.agree(person.signed_in.person.id, &agreement(&wish)?).await?;
    Ok(Json(consent_shape(&consent)))
}

/// A copy of everything that is kept about whoever asks and shows that it is them: a ZIP archive of JSON.
#[utoipa::path(post, path = "/export", tag = "data_rights", request_body = ProofWish,
    responses((status = 200, content_type = "application/zip", body = Vec<u8>)))]
async fn export(
    State(console): State<Console>,
    person: Person,
    Body(proof): Body<ProofWish>,
) -> Result<Response, Refused> {
    let given = Given::of(proof)?;
    // It may be large, and nothing of it stays.
    let mut file = tempfile::tempfile().map_err(|error| Refused::unavailable(&error))?;
    console.rights.export(&person.signed_in, &given.proof(), &mut file, person.origin.source).await?;
    file.rewind().map_err(|error| Refused::unavailable(&error))?;
    let headers =
        [(CONTENT_TYPE, "application/zip"), (CONTENT_DISPOSITION, "attachment; filename=\"my-data.zip\"")];
    Ok((headers, HttpBody::from_stream(try_unfold(file, chunk))).into_response())
}

/// The next piece of a file.
async fn chunk(mut file: File) -> Result<Option<(Bytes, File)>, Error> {
    let read = spawn_blocking(move || {
        let mut chunk = vec![0; CHUNK_BYTES];
        let length = file.read(&mut chunk)?;
        chunk.truncate(length);
        Ok::<_, Error>((chunk, file))
    });
    let (chunk, file) = read.await.map_err(Error::other)??;
    Ok((!chunk.is_empty()).then(|| (chunk.into(), file)))
}

/// How a wish of whoever asks to be deleted stands.
#[utoipa::path(get, path = "/deletion", tag = "data_rights", responses((status = 200, body = DeletionState)))]
async fn deletion(State(console): State<Console>, person: Person) -> Result<Json<DeletionState>, Refused> {
    let deletion = console.rights.deletion(person.signed_in.person.id).await?;
    Ok(Json(DeletionState { deletion: deletion.as_ref().map(shown) }))
}

/// Asks to be deleted. It can be taken back until it is carried out, and not after that.
#[utoipa::path(post, path = "/deletion", tag = "data_rights", request_body = ProofWish,
    responses((status = 200, body = DeletionShape)))]
async fn ask_deletion(
    State(console): State<Console>,
    person: Person,
    Body(proof): Body<ProofWish>,
) -> Result<Json<DeletionShape>, Refused> {
    let given = Given::of(proof)?;
    let source = person.origin.source;
    let request = console.rights.request_deletion(&person.signed_in, &given.proof(), source).await?;
    Ok(Json(shown(&request)))
}

/// Takes a wish to be deleted back.
#[utoipa::path(delete, path = "/deletion", tag = "data_rights", responses((status = 200, body = DeletionState)))]
async fn withdraw_deletion(
    State(console): State<Console>,
    person: Person,
) -> Result<Json<DeletionState>, Refused> {
    let id = person.signed_in.person.id;
    console.rights.move_deletion(id, DeletionEvent::Withdraw, &person.by).await?;
    let deletion = console.rights.deletion(id).await?;
    Ok(Json(DeletionState { deletion: deletion.as_ref().map(shown) }))
}

/// A wish to be deleted.
pub(super) fn shown(request: &DeletionRequest) -> DeletionShape {
    DeletionShape {
        person: request.person,
        state: request.state.name().to_owned(),
        requested: Moment(request.requested),
        due: Moment(request.due),
    }
}

fn consent_shape(consent: &Consent) -> ConsentShape {
    ConsentShape {
        id: consent.id,
        subject: consent.subject.name().to_owned(),
        version: consent.version.as_str().to_owned(),
        is_given: consent.is_given,
        at: Moment(consent.at),
    }
}
