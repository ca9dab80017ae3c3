//! `azimuth admin`: what the operator does with accounts, money, plans and rules, also while the server runs.

mod accounts;
mod conduct;
mod documents;
mod keys;
mod money;
mod plans;
mod reports;

use clap::{Args, Subcommand};
use vocab::RequestId;

pub(crate) use accounts::{Accounts, RateLimits};
pub(crate) use conduct::{Cases, Cause, Decision, Users};
pub(crate) use documents::{EditDocument, History, SetDocument, ShowDocument};
pub(crate) use keys::{AccountKeys, NewKey};
pub(crate) use money::{Credits, Overdraft, Refund, TopUp};
pub(crate) use plans::{GrantPlan, Plans};
pub(crate) use reports::{Audit, UsageReport};

#[derive(Args)]
pub(crate) struct Admin {
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: AdminCommand,
}

#[derive(Subcommand)]
pub(crate) enum AdminCommand {
    /// Make, show, limit, lock and close accounts.
    #[command(subcommand)]
    Accounts(Accounts),
    /// Make, list, replace and revoke the keys of an account.
    #[command(subcommand)]
    Keys(AccountKeys),
    /// Pay money into an account.
    #[command(visible_alias = "top-up")]
    Topup(TopUp),
    /// Give an account credits, which are spent before its money.
    Credits(Credits),
    /// Set how far below zero an account's money may go.
    Overdraft(Overdraft),
    /// Give back what a request was charged, or a part of it.
    Refund(Refund),
    /// Give plans to accounts and end them.
    #[command(subcommand, visible_alias = "plans")]
    Plan(Plans),
    /// Print a document in force: prices, plans, rates, rules of use, engines, models or tool patterns.
    Show(ShowDocument),
    /// Put another version of a document in force, from a file or from the input.
    Set(SetDocument),
    /// Change a document in an editor.
    Edit(EditDocument),
    /// Show the versions of a document.
    History(History),
    /// Look into breaches of the rules of use, and decide.
    #[command(subcommand)]
    Cases(Cases),
    /// Keep end users of an account out, and let them in again.
    #[command(subcommand)]
    Users(Users),
    /// Show what was used and what it cost, day by day.
    Usage(UsageReport),
    /// Show who did what: the log of privileged acts.
    Audit(Audit),
}

/// Reads the id of a request as `x-request-id` and answers carry it.
pub(super) fn request_id(text: &str) -> Result<RequestId, String> {
    RequestId::parse(text).ok_or_else(|| {
        "a request has 14 digits and 16 hexadecimal digits; `azimuth usage --requests` shows the newest"
            .to_owned()
    })
}
