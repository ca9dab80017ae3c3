//! Who may ask, said by the arguments of handlers.

use std::marker::PhantomData;
use std::sync::Arc;

use accounts::{Access, Action, By, Membership, Role, SignedIn, TokenHash};
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use axum::http::{HeaderName, Method};
use vocab::{AccountId, PersonId, Secret, Timestamp};
use wire::console::{ConsoleError, Problem};

use super::who::{Origin, Who};
use super::{Console, Refused};

const X_CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

/// Where keys that are limited to doors would have to list the console; they cannot, and so do not read here.
const CONSOLE_DOOR: &str = "console";

/// Anyone, whether they are known or not.
pub(super) struct Visitor {
    pub(super) origin: Origin,
}

/// Someone who logged in.
pub(super) struct Person {
    pub(super) signed_in: Arc<SignedIn>,
    pub(super) origin: Origin,
    pub(super) by: By,
}

/// Someone who logged in, or a program with a key.
pub(super) struct Anyone {
    pub(super) who: Who,
}

/// Someone who may do `R` in the account that the path names as `{account}`. A key may read its own account.
pub(super) struct Member<R> {
    pub(super) access: Access,
    pub(super) origin: Origin,
    pub(super) by: By,
    right: PhantomData<R>,
}

/// Someone who runs this platform: an owner or administrator of its account, or a key of it.
pub(super) struct OperatorOnly {
    pub(super) by: By,
}

/// What a route asks for, as a type.
pub(super) trait Right: Send + Sync {
    /// The action that the role must allow.
    const ACTION: Action;
}

/// A type for each action that routes ask for.
pub(super) mod may {
    use super::{Action, Right};

    macro_rules! rights {
        ($($name:ident)*) => {
            $(
                pub(in crate::console) struct $name;

                impl Right for $name {
                    const ACTION: Action = Action::$name;
                }
            )*
        };
    }

    rights! {
        SeeAccount ChangeAccount CloseAccount ManageMembers SeeKeys ManageKeys ManageProjects SeeUsage SeeMoney SeeAudit
    }
}

/// What goes with everything that changes something: the session token's hash under another name. A page of another
/// site can make a browser send the cookie, but can neither read it nor our answers, and so cannot know this. It needs
/// no cookie of its own that a neighbouring host could set, and none is kept.
pub(super) fn csrf_token(session: &Secret) -> Secret {
    Secret::new(TokenHash::of(&Secret::new(format!("csrf {}", session.expose()))).to_string())
}

fn origin(parts: &Parts) -> Result<Origin, Refused> {
    parts.extensions.get::<Origin>().cloned().ok_or_else(Refused::outside_layers)
}

fn who(parts: &Parts) -> Result<Who, Refused> {
    parts.extensions.get::<Who>().cloned().ok_or_else(Refused::outside_layers)
}

fn refused<T>(problem: Problem) -> Result<T, Refused> {
    Err(ConsoleError::of(problem).into())
}

/// Passes if a person's request reads, or carries the token of their session.
fn check_csrf(parts: &Parts, session: &Secret) -> Result<(), Refused> {
    if matches!(parts.method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let sent = parts.headers.get(X_CSRF_TOKEN).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // Both are hashed once more, so that comparing them tells nothing about where they differ.
    let is_same = TokenHash::of(&Secret::new(sent)) == TokenHash::of(&csrf_token(session));
    if is_same { Ok(()) } else { refused(Problem::CsrfTokenWrong) }
}

impl FromRequestParts<Console> for Visitor {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &Console) -> Result<Self, Refused> {
        Ok(Self { origin: origin(parts)? })
    }
}

impl FromRequestParts<Console> for Person {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &Console) -> Result<Self, Refused> {
        let (who, origin) = (who(parts)?, origin(parts)?);
        let by = who.by(origin.source);
        match who {
            Who::Nobody => refused(Problem::NotSignedIn),
            Who::Key(_) => refused(Problem::KeyReadsOnly),
            Who::Person(signed_in, token) => {
                check_csrf(parts, &token)?;
                Ok(Self { signed_in, origin, by })
            }
        }
    }
}

impl FromRequestParts<Console> for Anyone {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &Console) -> Result<Self, Refused> {
        match who(parts)? {
            Who::Nobody => refused(Problem::NotSignedIn),
            known => Ok(Self { who: known }),
        }
    }
}

impl<R: Right> FromRequestParts<Console> for Member<R> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Refused> {
        let (who, origin) = (who(parts)?, origin(parts)?);
        let by = who.by(origin.source);
        let access = match &who {
            Who::Nobody => return refused(Problem::NotSignedIn),
            Who::Person(signed_in, token) => {
                check_csrf(parts, token)?;
                let account = account(parts, console).await?;
                console.organisations.access(signed_in.person.id, account).await?
            }
            Who::Key(caller) => {
                let account = account(parts, console).await?;
                if account != caller.account {
                    return refused(Problem::NotFound);
                }
                check_scope(caller, &origin)?;
                key_access(console, account, R::ACTION).await?
            }
        };
        access.require(R::ACTION)?;
        Ok(Self { access, origin, by, right: PhantomData })
    }
}

impl FromRequestParts<Console> for OperatorOnly {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Refused> {
        let (who, origin) = (who(parts)?, origin(parts)?);
        let by = who.by(origin.source);
        match &who {
            Who::Nobody => return refused(Problem::NotSignedIn),
            Who::Key(caller) => {
                if !caller.is_operator {
                    return refused(Problem::OperatorOnly);
                }
                check_scope(caller, &origin)?;
            }
            Who::Person(signed_in, token) => {
                check_csrf(parts, token)?;
                if !runs_platform(console, signed_in.person.id).await? {
                    return refused(Problem::OperatorOnly);
                }
            }
        }
        Ok(Self { by })
    }
}

/// Whether a person is one of those who run this platform.
pub(super) async fn runs_platform(console: &Console, person: PersonId) -> Result<bool, Refused> {
    match console.organisations.access(person, console.operator).await {
        Ok(access) => Ok(access.require(Action::RunPlatform).is_ok()),
        Err(accounts::OrganisationError::Unknown(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn account(parts: &mut Parts, console: &Console) -> Result<AccountId, Refused> {
    let segments = RawPathParams::from_request_parts(parts, console).await;
    let segments = segments.map_err(|_| ConsoleError::of(Problem::NotFound))?;
    let named = segments.iter().find(|(name, _)| *name == "account");
    let id = named.and_then(|(_, text)| text.parse().ok());
    id.ok_or_else(|| ConsoleError::of(Problem::NotFound).into())
}

fn check_scope(caller: &accounts::Caller, origin: &Origin) -> Result<(), Refused> {
    let allowed = caller.scope.allows(CONSOLE_DOOR, None, origin.source);
    allowed.map_err(|why| ConsoleError::saying(Problem::KeyReadsOnly, &why).into())
}

/// What a program with a key is in its key's account: someone who sees what `action` is about, and changes nothing. It
/// is nobody among the members.
async fn key_access(console: &Console, account: AccountId, action: Action) -> Result<Access, Refused> {
    let role = match action {
        Action::SeeAccount | Action::SeeUsage | Action::SeeMoney => Role::Billing,
        Action::SeeKeys => Role::Member,
        _ => return refused(Problem::KeyReadsOnly),
    };
    let found = console.accounts.find(account).await?;
    let account = found.ok_or_else(|| ConsoleError::of(Problem::NotFound))?;
    let nobody = PersonId::generate();
    let since = Timestamp::from_millis(0);
    let membership = Membership { person: nobody, account: account.id, role, since };
    Ok(Access { account, membership })
}
