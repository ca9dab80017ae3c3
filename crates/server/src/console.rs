//! `/api/console/*`: what people and programs see and do about accounts, keys, money and plans.
//!
//! Who may ask is said by a handler's first argument: [`access::Visitor`], [`access::Person`], [`access::Member`] or
//! [`access::OperatorOnly`]. A route cannot forget it, because what they carry is what its work needs.

mod access;
mod accounts;
mod admin;
mod audit;
mod body;
mod cases;
mod cookie;
mod csv;
mod data_rights;
mod end_users;
mod error;
mod idempotency;
mod invitations;
mod keys;
mod login;
mod members;
mod open_api;
mod open_id;
mod passwords;
mod plan;
mod projects;
mod second_factor;
mod sessions;
mod sign_up;
mod statements;
mod usage;
mod wallet;
mod who;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use ::accounts::{
    Accounts, AuditAction, AuditLog, By, Conduct, DataRights, Documents, EndUsers, Idempotency, OpenIdLogins,
    Organisations, People, Plans, Projects, Standings,
};
use axum::Router;
use axum::middleware::from_fn_with_state;
use gateway::{RateRules, Statements, UsageRollup};
use ledger::{LedgerStore, PriceBooks};
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use vocab::{AccountId, InForce};
use wire::console::{ConsoleError, Problem};

use crate::Platform;

pub(crate) use error::Refused;

/// What the console works with.
pub struct ConsoleServices {
    /// Logins.
    pub people: Arc<People>,
    /// Accounts and their members.
    pub organisations: Arc<Organisations>,
    /// Groups of keys.
    pub projects: Arc<Projects>,
    /// Accounts as the operator sees them.
    pub accounts: Arc<Accounts>,
    /// Logins by way of partners.
    pub open_id: Arc<OpenIdLogins>,
    /// Plans that are given and ended.
    pub plans: Arc<Plans>,
    /// How accounts stand.
    pub standings: Arc<Standings>,
    /// The platform's limits in force.
    pub rates: Arc<InForce<RateRules>>,
    /// The prices in force and those of old.
    pub prices: Arc<InForce<PriceBooks>>,
    /// Strikes and appeals.
    pub conduct: Arc<Conduct>,
    /// Blocked end users.
    pub end_users: Arc<EndUsers>,
    /// What the operator changes while the platform runs.
    pub documents: Arc<Documents>,
    /// Who did what.
    pub audit: Arc<AuditLog>,
    /// Copies and deletion.
    pub rights: Arc<DataRights>,
    /// Everyone's money.
    pub ledger: Arc<dyn LedgerStore>,
    /// What was spent, by day.
    pub statements: Arc<Statements>,
    /// What was used, by day.
    pub rollup: Arc<dyn UsageRollup>,
    /// Requests that are asked for again.
    pub idempotency: Arc<Idempotency>,
    /// The account that runs this platform.
    pub operator: AccountId,
    /// Where people reach the console, such as `https://models.example.com`: decides whether cookies are `Secure`, and
    /// which pages may ask.
    pub public_url: String,
}

/// What every handler is given.
#[derive(Clone)]
pub(crate) struct Console {
    pub(crate) platform: Platform,
    services: Arc<ConsoleServices>,
}

impl Deref for Console {
    type Target = ConsoleServices;

    fn deref(&self) -> &ConsoleServices {
        &self.services
    }
}

impl Console {
    /// Writes down what someone did where the service that did it does not.
    pub(crate) async fn note(
        &self,
        by: &By,
        account: Option<AccountId>,
        action: &'static str,
        target: impl fmt::Display + Send,
        details: Value,
    ) -> Result<(), Refused> {
        let details = match details {
            Value::Object(details) => details,
            _ => Map::new(),
        };
        Ok(self.audit.record(by, account, AuditAction::named(action), target, details).await?)
    }
}

/// Where the console's routes are.
const PREFIX: &str = "/api/console";

/// All routes of the console and the description of the whole interface; no routes where there is no console.
pub(crate) fn routes(platform: &Platform) -> Router<Platform> {
    let (routes, console_api) = described().split_for_parts();
    let document = open_api::document(console_api);
    let described = Router::new().route("/openapi.json", open_api::serve(&document));
    let Some(services) = platform.console.clone() else { return described };

    let console = Console { platform: platform.clone(), services };
    let routes = routes
        .fallback(async || Refused::from(ConsoleError::of(Problem::NotFound)))
        .method_not_allowed_fallback(async || Refused::from(ConsoleError::of(Problem::MethodNotAllowed)))
        // Outermost last: who asks, in which language, and from where; then whether it was asked before.
        .layer(from_fn_with_state(console.clone(), idempotency::once))
        .layer(from_fn_with_state(console.clone(), who::find_out))
        .with_state(console);
    described.nest(PREFIX, routes)
}

/// Every route with its description.
fn described() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .merge(sign_up::routes())
        .merge(login::routes())
        .merge(open_id::routes())
        .merge(passwords::routes())
        .merge(sessions::routes())
        .merge(second_factor::routes())
        .merge(data_rights::routes())
        .merge(accounts::routes())
        .merge(members::routes())
        .merge(invitations::routes())
        .merge(projects::routes())
        .merge(keys::routes())
        .merge(usage::routes())
        .merge(wallet::routes())
        .merge(statements::routes())
        .merge(plan::routes())
        .merge(cases::routes())
        .merge(end_users::routes())
        .merge(audit::routes())
        .merge(admin::routes())
}
