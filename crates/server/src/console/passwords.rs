//! Passwords, addresses and what people are called (rules DATA-04, DATA-06).

use accounts::{Profile, Proof};
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use vocab::Secret;
use wire::console::sign_up::{Address, EmailChange, PasswordChange, PasswordReset, ProfileChange, ProofWish};
use wire::console::{Done, Hidden};

use super::access::{Person, Visitor};
use super::body::{Body, invalid, parsed, parsed_if_any};
use super::{Console, Refused, sign_up};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(forgot))
        .routes(routes!(reset))
        .routes(routes!(change))
        .routes(routes!(change_profile))
        .routes(routes!(change_email))
        .routes(routes!(send_proof))
}

/// Sends a link for a new password, if the address has a login. Nobody is told whether it has.
#[utoipa::path(post, path = "/password/forgot", tag = "entry", security(()), request_body = Address,
    responses((status = 200, body = Done)))]
async fn forgot(
    State(console): State<Console>,
    visitor: Visitor,
    Body(Address { email }): Body<Address>,
) -> Result<Json<Done>, Refused> {
    console.people.forgot_password(&parsed("email", &email)?, visitor.origin.source).await?;
    Ok(Json(Done { changed: true }))
}

/// Sets a new password by the token of a letter, and ends all sessions.
#[utoipa::path(post, path = "/password/reset", tag = "entry", security(()), request_body = PasswordReset,
    responses((status = 200, body = Done)))]
async fn reset(
    State(console): State<Console>,
    visitor: Visitor,
    Body(wish): Body<PasswordReset>,
) -> Result<Json<Done>, Refused> {
    let (token, new) = (wish.token.into_secret(), wish.password.into_secret());
    console.people.reset_password(&token, &new, visitor.origin.source).await?;
    Ok(Json(Done { changed: true }))
}

/// Changes the password of someone who knows it, and ends their other sessions.
#[utoipa::path(post, path = "/password", tag = "session", request_body = PasswordChange,
    responses((status = 200, body = Done)))]
async fn change(
    State(console): State<Console>,
    person: Person,
    Body(wish): Body<PasswordChange>,
) -> Result<Json<Done>, Refused> {
    let (old, new) = (wish.old.into_secret(), wish.new.into_secret());
    console.people.change_password(&person.signed_in, &old, &new, person.origin.source).await?;
    Ok(Json(Done { changed: true }))
}

/// Changes what people can change about themselves.
#[utoipa::path(put, path = "/profile", tag = "session", request_body = ProfileChange,
    responses((status = 200, body = Done)))]
async fn change_profile(
    State(console): State<Console>,
    person: Person,
    Body(wish): Body<ProfileChange>,
) -> Result<Json<Done>, Refused> {
    let profile = Profile {
        name: wish.name,
        locale: sign_up::locale(Some(&wish.locale), person.origin.locale)?,
        birth_date: parsed_if_any("birth_date", wish.birth_date.as_deref())?,
    };
    console.people.set_profile(person.signed_in.person.id, &profile, &person.by).await?;
    Ok(Json(Done { changed: true }))
}

/// Sends a link to a new address, which counts once it is opened.
#[utoipa::path(post, path = "/profile/email", tag = "session", request_body = EmailChange,
    responses((status = 200, body = Done)))]
async fn change_email(
    State(console): State<Console>,
    person: Person,
    Body(EmailChange { email, proof: given }): Body<EmailChange>,
) -> Result<Json<Done>, Refused> {
    let (email, given) = (parsed("email", &email)?, Given::of(given)?);
    console.people.change_email(&person.signed_in, &given.proof(), &email, person.origin.source).await?;
    Ok(Json(Done { changed: true }))
}

/// Sends a letter that lets someone without a password show that it is them.
#[utoipa::path(post, path = "/proof-letter", tag = "session", responses((status = 200, body = Done)))]
async fn send_proof(State(console): State<Console>, person: Person) -> Result<Json<Done>, Refused> {
    console.people.send_proof(&person.signed_in, person.origin.source).await?;
    Ok(Json(Done { changed: true }))
}

/// A proof as it came in.
pub(super) enum Given {
    Password(Secret),
    Letter(Secret),
}

impl Given {
    pub(super) fn of(wish: ProofWish) -> Result<Self, Refused> {
        match (wish.password.map(Hidden::into_secret), wish.token.map(Hidden::into_secret)) {
            (Some(password), None) => Ok(Self::Password(password)),
            (None, Some(token)) => Ok(Self::Letter(token)),
            _ => Err(invalid("password", "a password is needed, or the `token` of a letter, and not both")),
        }
    }

    pub(super) fn proof(&self) -> Proof<'_> {
        match self {
            Self::Password(password) => Proof::Password(password),
            Self::Letter(token) => Proof::Letter(token),
        }
    }
}
