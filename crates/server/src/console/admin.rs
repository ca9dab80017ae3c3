//! What the operator does: `/api/console/admin/*`, for owners and administrators of the operator's account and for its
//! keys. Everything that changes something is written to the audit log.

mod accounts;
mod cases;
mod documents;
mod money;
mod people;
mod plans;
mod reports;

use utoipa_axum::router::OpenApiRouter;
use vocab::AccountId;
use wire::console::{ConsoleError, Problem};

use super::{Console, Refused};

pub(super) fn routes() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .merge(accounts::routes())
        .merge(people::routes())
        .merge(money::routes())
        .merge(plans::routes())
        .merge(documents::routes())
        .merge(cases::routes())
        .merge(reports::routes())
}

/// The account of this id, which exists.
async fn account(console: &Console, id: AccountId) -> Result<::accounts::Account, Refused> {
    let found = console.accounts.find(id).await?;
    found.ok_or_else(|| ConsoleError::of(Problem::NotFound).into())
}
