//! Codes from a device, asked for beside the password.

use accounts::RecoveryCodes;
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::console::second_factor::{FactorCode, FactorSetupShape, FactorState, RecoveryCodesShape};
use wire::console::sign_up::ProofWish;
use wire::console::{Done, Hidden};

use super::access::Person;
use super::body::Body;
use super::passwords::Given;
use super::{Console, Refused};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(state, begin))
        .routes(routes!(confirm))
        .routes(routes!(disable))
        .routes(routes!(replace_codes))
}

/// How the second factor of whoever asks stands.
#[utoipa::path(get, path = "/second-factor", tag = "second_factor", responses((status = 200, body = FactorState)))]
async fn state(State(console): State<Console>, person: Person) -> Result<Json<FactorState>, Refused> {
    let recovery_codes_left = console.people.recovery_codes_left(person.signed_in.person.id).await?;
    Ok(Json(FactorState { is_enabled: recovery_codes_left.is_some(), recovery_codes_left }))
}

/// Begins to set one up; what is answered is for the device, once.
#[utoipa::path(post, path = "/second-factor", tag = "second_factor", request_body = ProofWish,
    responses((status = 200, body = FactorSetupShape)))]
async fn begin(
    State(console): State<Console>,
    person: Person,
    Body(proof): Body<ProofWish>,
) -> Result<Json<FactorSetupShape>, Refused> {
    let given = Given::of(proof)?;
    let setup = console.people.begin_factor(&person.signed_in, &given.proof(), person.origin.source).await?;
    Ok(Json(FactorSetupShape {
        secret: Hidden::shown(&setup.secret),
        address: Hidden::shown(&setup.address),
    }))
}

/// Takes the first code from the device; from now on a login asks for one.
#[utoipa::path(post, path = "/second-factor/confirm", tag = "second_factor", request_body = FactorCode,
    responses((status = 200, body = RecoveryCodesShape)))]
async fn confirm(
    State(console): State<Console>,
    person: Person,
    Body(FactorCode { code }): Body<FactorCode>,
) -> Result<Json<RecoveryCodesShape>, Refused> {
    let codes =
        console.people.confirm_factor(&person.signed_in, &code.into_secret(), person.origin.source).await?;
    Ok(Json(shown(&codes)))
}

/// Takes it away from someone who can show it, or a recovery code.
#[utoipa::path(post, path = "/second-factor/disable", tag = "second_factor", request_body = FactorCode,
    responses((status = 200, body = Done)))]
async fn disable(
    State(console): State<Console>,
    person: Person,
    Body(FactorCode { code }): Body<FactorCode>,
) -> Result<Json<Done>, Refused> {
    console.people.disable_factor(&person.signed_in, &code.into_secret(), person.origin.source).await?;
    Ok(Json(Done { changed: true }))
}

/// New recovery codes in place of all earlier ones.
#[utoipa::path(post, path = "/second-factor/recovery-codes", tag = "second_factor", request_body = FactorCode,
    responses((status = 200, body = RecoveryCodesShape)))]
async fn replace_codes(
    State(console): State<Console>,
    person: Person,
    Body(FactorCode { code }): Body<FactorCode>,
) -> Result<Json<RecoveryCodesShape>, Refused> {
    let (code, source) = (code.into_secret(), person.origin.source);
    let codes = console.people.replace_recovery_codes(&person.signed_in, &code, source).await?;
    Ok(Json(shown(&codes)))
}

fn shown(codes: &RecoveryCodes) -> RecoveryCodesShape {
    RecoveryCodesShape { codes: codes.0.iter().map(Hidden::shown).collect() }
}
