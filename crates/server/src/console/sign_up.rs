//! Signing up, and showing that an address is one's own (rules AUTH-10, DATA-12).

use accounts::{Agreement, ConsentSubject, Locale, OpenIdSignUp, SignUp, SignUpPolicy, SignedUp};
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::console::sessions::PersonIs;
use wire::console::sign_up::{
    AboutNewcomer, Address, AgreementWish, EntryOptions, LetterToken, SignUpAnswer, SignUpWish,
};
use wire::console::{Done, Hidden};

use super::access::Visitor;
use super::body::{Body, named, parsed, parsed_if_any};
use super::{Console, Refused};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(entry_options))
        .routes(routes!(sign_up))
        .routes(routes!(verify_email))
        .routes(routes!(resend))
}

/// What a page for strangers has to know.
#[utoipa::path(get, path = "/entry", tag = "entry", security(()), responses((status = 200, body = EntryOptions)))]
async fn entry_options(State(console): State<Console>, _visitor: Visitor) -> Json<EntryOptions> {
    let settings = console.people.settings();
    let sign_up = match settings.sign_up {
        SignUpPolicy::Open => "open",
        SignUpPolicy::InviteOnly => "invite_only",
        SignUpPolicy::Closed => "closed",
    };
    Json(EntryOptions {
        site: settings.site.name.clone(),
        sign_up: sign_up.to_owned(),
        asks_birth_date: settings.asks_birth_date,
        open_id_providers: console.open_id.providers().map(ToString::to_string).collect(),
    })
}

/// Signs someone up, with an account of their own or into the one that invited them.
#[utoipa::path(post, path = "/sign-up", tag = "entry", security(()), request_body = SignUpWish,
    responses((status = 200, body = SignUpAnswer)))]
async fn sign_up(
    State(console): State<Console>,
    visitor: Visitor,
    Body(wish): Body<SignUpWish>,
) -> Result<Json<SignUpAnswer>, Refused> {
    let about = newcomer(wish.about, visitor.origin.locale)?;
    let wish = SignUp {
        email: parsed("email", &wish.email)?,
        name: wish.name,
        password: wish.password.into_secret(),
        locale: about.locale,
        birth_date: about.birth_date,
        has_guardian: about.has_guardian,
        agreements: about.agreements,
        invitation: about.invitation,
        source: visitor.origin.source,
    };
    Ok(Json(match console.people.sign_up(wish).await? {
        SignedUp::Ready(person) => SignUpAnswer { letter_sent: false, person: Some(person) },
        SignedUp::LetterSent => SignUpAnswer { letter_sent: true, person: None },
    }))
}

/// Takes the token of a letter as a sign that the address is theirs.
#[utoipa::path(post, path = "/verify-email", tag = "entry", security(()), request_body = LetterToken,
    responses((status = 200, body = PersonIs)))]
async fn verify_email(
    State(console): State<Console>,
    visitor: Visitor,
    Body(LetterToken { token }): Body<LetterToken>,
) -> Result<Json<PersonIs>, Refused> {
    let person = console.people.verify_email(&token.into_secret(), visitor.origin.source).await?;
    Ok(Json(PersonIs { person }))
}

/// Sends the letter again, if the address waits for one. Nobody is told whether it does.
#[utoipa::path(post, path = "/verify-email/again", tag = "entry", security(()), request_body = Address,
    responses((status = 200, body = Done)))]
async fn resend(
    State(console): State<Console>,
    visitor: Visitor,
    Body(Address { email }): Body<Address>,
) -> Result<Json<Done>, Refused> {
    console.people.resend_verification(&parsed("email", &email)?, visitor.origin.source).await?;
    Ok(Json(Done { changed: true }))
}

/// What a newcomer says about themselves.
pub(super) fn newcomer(about: AboutNewcomer, otherwise: Locale) -> Result<OpenIdSignUp, Refused> {
    Ok(OpenIdSignUp {
        locale: locale(about.locale.as_deref(), otherwise)?,
        birth_date: parsed_if_any("birth_date", about.birth_date.as_deref())?,
        has_guardian: about.has_guardian,
        agreements: about.agreements.iter().map(agreement).collect::<Result<_, _>>()?,
        invitation: about.invitation.map(Hidden::into_secret),
    })
}

pub(super) fn locale(text: Option<&str>, otherwise: Locale) -> Result<Locale, Refused> {
    text.map_or(Ok(otherwise), |text| named("locale", &Locale::ALL, Locale::code, text))
}

pub(super) fn agreement(wish: &AgreementWish) -> Result<Agreement, Refused> {
    Ok(Agreement {
        subject: named("subject", &ConsentSubject::ALL, ConsentSubject::name, &wish.subject)?,
        version: parsed("version", &wish.version)?,
        is_given: wish.is_given,
    })
}
