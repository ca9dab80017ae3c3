//! Refusals: which problem every error of a service is.

use std::error::Error;
use std::time::Duration;

use accounts::{
    AccountError, AccountStoreError, AddressError, ConductError, DeletionError, DocumentError,
    EnrolmentError, ExportError, FactorError, IdempotencyError, IdentityError, InvalidName, KeyError,
    LoginError, NotAllowed, OpenIdError, OrganisationError, PasswordChangeError, PasswordError,
    PeopleStoreError, PlanError, PostFull, ProfileError, ProjectError, ProofError, SessionError, SignUpError,
    TooManyTries,
};
use axum::Json;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use gateway::UsageLogError;
use ledger::{BookError, LedgerStoreError};
use wire::console::{ConsoleError, Language, Problem};

/// A refusal on its way to whoever asked. What is not their doing was logged when it became one of these.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    error: ConsoleError,
    retry_after: Option<Duration>,
}

impl Refused {
    /// Something behind us did not answer.
    pub(super) fn unavailable(cause: &(dyn Error + 'static)) -> Self {
        tracing::error!(error = cause, "the console could not do what was asked");
        ConsoleError::of(Problem::Unavailable).into()
    }

    /// A mistake of ours.
    pub(super) fn internal(cause: &(dyn Error + 'static)) -> Self {
        tracing::error!(error = cause, "the console made a mistake");
        ConsoleError::of(Problem::Internal).into()
    }

    /// What the problem is called.
    pub(super) fn code(&self) -> &'static str {
        self.error.problem.code()
    }

    pub(super) fn outside_layers() -> Self {
        tracing::error!("a route of the console lies outside its layers");
        ConsoleError::of(Problem::Internal).into()
    }
}

impl From<ConsoleError> for Refused {
    fn from(error: ConsoleError) -> Self {
        Self { error, retry_after: None }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.error.problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(self.error.body())).into_response();
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs().saturating_add(1);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Says a refusal in another language, if the response is one.
pub(super) fn translated(response: Response, language: Language) -> Response {
    match response.extensions().get::<Refused>() {
        Some(refused) if language != Language::English => {
            let mut refused = refused.clone();
            refused.error.language = language;
            refused.into_response()
        }
        _ => response,
    }
}

/// Says which problem an error is. Every service's errors have one of these: a `match` without `_`, so that a new
/// variant asks for its problem when it is written.
macro_rules! refusals {
    ($($error:ty: |$it:ident| $body:expr;)*) => {
        $(
            impl From<$error> for Refused {
                fn from($it: $error) -> Self {
                    $body
                }
            }
        )*
    };
}

/// The reference that was used before for something else, if that is why the ledger refused.
fn reused(error: &LedgerStoreError) -> Option<&BookError> {
    error.0.downcast_ref().filter(|mistake| matches!(mistake, BookError::Reused(_)))
}

fn said(problem: Problem, why: &dyn Error) -> Refused {
    ConsoleError::saying(problem, why).into()
}

fn at(field: &str, why: &dyn Error) -> Refused {
    ConsoleError::saying(Problem::InvalidField, why).at(field).into()
}

refusals! {
    PeopleStoreError: |error| Refused::unavailable(&error);
    AccountStoreError: |error| Refused::unavailable(&error);
    LedgerStoreError: |error| match reused(&error) {
        Some(reused) => said(Problem::AmountRefused, reused),
        None => Refused::unavailable(&error),
    };
    UsageLogError: |error| Refused::unavailable(&error);
    PostFull: |error| said(Problem::Busy, &error);
    InvalidName: |error| at("name", &error);
    NotAllowed: |error| said(Problem::RoleNotAllowed, &error);
    TooManyTries: |error| Refused {
        retry_after: Some(error.wait),
        ..said(Problem::TooManyTries, &error)
    };
    PasswordError: |error| match error {
        PasswordError::Length => said(Problem::PasswordUnusable, &error),
        PasswordError::Busy => said(Problem::Busy, &error),
        PasswordError::Hash(_) => Refused::internal(&error),
    };
    SessionError: |error| match error {
        SessionError::Over => said(Problem::NotSignedIn, &error),
        SessionError::Store(cause) => cause.into(),
    };
    ProofError: |error| match error {
        ProofError::Wrong => said(Problem::ProofWrong, &error),
        ProofError::TooManyTries(cause) => cause.into(),
        ProofError::Password(cause) => cause.into(),
        ProofError::PostFull(cause) => cause.into(),
        ProofError::Store(cause) => cause.into(),
    };
    LoginError: |error| match error {
        LoginError::Wrong => said(Problem::LoginWrong, &error),
        LoginError::CodeNeeded => said(Problem::CodeNeeded, &error),
        LoginError::WrongCode => said(Problem::CodeWrong, &error),
        LoginError::Unverified => said(Problem::AddressUnverified, &error),
        LoginError::Locked => said(Problem::LoginLocked, &error),
        LoginError::TooManyTries(cause) => cause.into(),
        LoginError::Password(cause) => cause.into(),
        LoginError::Factor(cause) => (*cause).into(),
        LoginError::Store(cause) => cause.into(),
    };
    SignUpError: |error| match error {
        SignUpError::Closed => said(Problem::SignUpClosed, &error),
        SignUpError::InvitationNeeded => said(Problem::InvitationNeeded, &error),
        SignUpError::InvitationGone => said(Problem::InvitationGone, &error),
        SignUpError::BirthDateNeeded => said(Problem::BirthDateNeeded, &error),
        SignUpError::TooYoung { .. } => said(Problem::TooYoung, &error),
        SignUpError::GuardianNeeded { .. } => said(Problem::GuardianNeeded, &error),
        SignUpError::InvalidName(cause) => cause.into(),
        SignUpError::TooManyAgreements => at("agreements", &error),
        SignUpError::AddressTaken => said(Problem::AddressTaken, &error),
        SignUpError::Password(cause) => cause.into(),
        SignUpError::TooManyTries(cause) => cause.into(),
        SignUpError::PostFull(cause) => cause.into(),
        SignUpError::Store(cause) => cause.into(),
    };
    AddressError: |error| match error {
        AddressError::TokenGone => said(Problem::LinkGone, &error),
        AddressError::AddressTaken => said(Problem::AddressTaken, &error),
        AddressError::Proof(cause) => cause.into(),
        AddressError::TooManyTries(cause) => cause.into(),
        AddressError::PostFull(cause) => cause.into(),
        AddressError::Letter(cause) => (*cause).into(),
        AddressError::Store(cause) => cause.into(),
    };
    PasswordChangeError: |error| match error {
        PasswordChangeError::Wrong => said(Problem::PasswordWrong, &error),
        PasswordChangeError::TokenGone => said(Problem::LinkGone, &error),
        PasswordChangeError::Password(cause) => cause.into(),
        PasswordChangeError::TooManyTries(cause) => cause.into(),
        PasswordChangeError::PostFull(cause) => cause.into(),
        PasswordChangeError::Store(cause) => cause.into(),
    };
    ProfileError: |error| match error {
        ProfileError::Unknown(_) => ConsoleError::of(Problem::NotFound).into(),
        ProfileError::IllegalState => said(Problem::IllegalState, &error),
        ProfileError::InvalidName(cause) => cause.into(),
        ProfileError::TooYoung { .. } => said(Problem::TooYoung, &error),
        ProfileError::Store(cause) => cause.into(),
    };
    EnrolmentError: |error| match error {
        EnrolmentError::AddressTaken(_) => said(Problem::AddressTaken, &error),
        EnrolmentError::InvalidName(cause) => cause.into(),
        EnrolmentError::Password(cause) => cause.into(),
        EnrolmentError::PostFull(cause) => cause.into(),
        EnrolmentError::Store(cause) => cause.into(),
    };
    FactorError: |error| match error {
        FactorError::AlreadyEnabled => said(Problem::FactorExists, &error),
        FactorError::NotSetUp => said(Problem::FactorMissing, &error),
        FactorError::WrongCode => said(Problem::CodeWrong, &error),
        FactorError::Proof(cause) => cause.into(),
        FactorError::TooManyTries(cause) => cause.into(),
        FactorError::Seal(_) => Refused::internal(&error),
        FactorError::Store(cause) => cause.into(),
    };
    IdentityError: |error| {
        tracing::warn!(error = &error as &dyn Error, "a login provider did not say who someone is");
        said(Problem::ProviderFailed, &error)
    };
    OpenIdError: |error| match error {
        OpenIdError::UnknownProvider(_) => said(Problem::NotFound, &error),
        OpenIdError::Stray => said(Problem::JourneyLost, &error),
        OpenIdError::Provider(cause) => cause.into(),
        OpenIdError::AddressMissing | OpenIdError::NotLinked => said(Problem::NotLinked, &error),
        OpenIdError::Unknown => said(Problem::NoLogin, &error),
        OpenIdError::SignUp(cause) => cause.into(),
        OpenIdError::Login(cause) => cause.into(),
        OpenIdError::Factor(cause) => cause.into(),
        OpenIdError::TooManyTries(cause) => cause.into(),
        OpenIdError::LastWay => said(Problem::LastWay, &error),
        OpenIdError::Seal(_) => Refused::internal(&error),
        OpenIdError::Store(cause) => cause.into(),
    };
    OrganisationError: |error| match error {
        OrganisationError::Unknown(_) | OrganisationError::UnknownMember(_) => said(Problem::NotFound, &error),
        OrganisationError::NotAllowed(cause) => cause.into(),
        OrganisationError::InvalidName(cause) => cause.into(),
        OrganisationError::IllegalState(_) | OrganisationError::IsOperator => said(Problem::IllegalState, &error),
        OrganisationError::Changed => said(Problem::ChangedMeanwhile, &error),
        OrganisationError::LastOwner => said(Problem::LastOwner, &error),
        OrganisationError::AlreadyMember => said(Problem::AlreadyMember, &error),
        OrganisationError::InvitationGone => said(Problem::InvitationGone, &error),
        OrganisationError::OtherAddress => said(Problem::OtherAddress, &error),
        OrganisationError::TooManyTries(cause) => cause.into(),
        OrganisationError::PostFull(cause) => cause.into(),
        OrganisationError::Store(cause) => cause.into(),
    };
    ProjectError: |error| match error {
        ProjectError::Unknown(_) => said(Problem::NotFound, &error),
        ProjectError::NotAllowed(cause) => cause.into(),
        ProjectError::InvalidName(cause) => cause.into(),
        ProjectError::Store(cause) => cause.into(),
    };
    AccountError: |error| match error {
        AccountError::InvalidName(cause) => cause.into(),
        AccountError::Unknown(_) => said(Problem::NotFound, &error),
        AccountError::FirstKey(cause) => cause.into(),
        AccountError::OperatorMissing => Refused::internal(&error),
        AccountError::Store(cause) => cause.into(),
    };
    KeyError: |error| match error {
        KeyError::UnknownAccount(_) | KeyError::NotAlive(_) => said(Problem::NotFound, &error),
        KeyError::InvalidName(cause) => cause.into(),
        KeyError::AlreadyExpired => at("expires", &error),
        KeyError::InvalidScope(_) => at("scope", &error),
        KeyError::InvalidSpend => at("monthly_spend_max", &error),
        KeyError::OverlapTooLong => at("overlap_seconds", &error),
        KeyError::Seal(_) => Refused::internal(&error),
        KeyError::Store(cause) => cause.into(),
    };
    PlanError: |error| match error {
        PlanError::UnknownAccount(_) => said(Problem::NotFound, &error),
        PlanError::UnknownPlan(_) => at("plan", &error),
        PlanError::InvalidTerm => at("months", &error),
        PlanError::InvalidStart | PlanError::AlreadyOver => at("start", &error),
        PlanError::InvalidNote => at("note", &error),
        PlanError::AfterEndless => said(Problem::IllegalState, &error),
        PlanError::TooMany => said(Problem::TooMany, &error),
        PlanError::Contended => said(Problem::Busy, &error),
        PlanError::Accounts(cause) => cause.into(),
        PlanError::Store(_) => Refused::unavailable(&error),
    };
    ConductError: |error| match error {
        ConductError::UnknownCase(_) => said(Problem::NotFound, &error),
        ConductError::Illegal(_) | ConductError::NoBan(_) => said(Problem::IllegalState, &error),
        ConductError::InvalidWords { .. } => at("words", &error),
        ConductError::TooManyRequests => at("requests", &error),
        ConductError::TooManyEndUsers { .. } => said(Problem::TooMany, &error),
        ConductError::Busy => said(Problem::Busy, &error),
        ConductError::Store(_) => Refused::unavailable(&error),
    };
    DocumentError: |error| match error {
        DocumentError::NotChangeable(_) => said(Problem::IllegalState, &error),
        DocumentError::Invalid { ref why, .. } => ConsoleError::saying(Problem::InvalidField, why).at("body").into(),
        DocumentError::TooLong => said(Problem::BodyTooLarge, &error),
        DocumentError::InvalidAuthor => Refused::internal(&error),
        DocumentError::Conflict { .. } => said(Problem::ChangedMeanwhile, &error),
        DocumentError::Store(_) => Refused::unavailable(&error),
    };
    ExportError: |error| match error {
        ExportError::Proof(cause) => cause.into(),
        ExportError::Data(_) => Refused::unavailable(&error),
        ExportError::Write(_) | ExportError::Documents(_) => Refused::internal(&error),
        ExportError::Store(cause) => cause.into(),
    };
    DeletionError: |error| match error {
        DeletionError::Proof(cause) => cause.into(),
        DeletionError::AlreadyRequested | DeletionError::IllegalState(_) | DeletionError::IsOperator => {
            said(Problem::IllegalState, &error)
        }
        DeletionError::Unknown(_) => said(Problem::NotFound, &error),
        DeletionError::Changed => said(Problem::ChangedMeanwhile, &error),
        DeletionError::LastOwner { .. } => said(Problem::LastOwner, &error),
        DeletionError::Data(_) => Refused::unavailable(&error),
        DeletionError::PostFull(cause) => cause.into(),
        DeletionError::Store(cause) => cause.into(),
    };
    IdempotencyError: |error| match error {
        IdempotencyError::InvalidKey => at("Idempotency-Key", &error),
        IdempotencyError::Seal(_) | IdempotencyError::Unreadable(_) => Refused::internal(&error),
        IdempotencyError::Store(_) => Refused::unavailable(&error),
    };
}
