//! `azimuth ledger`: proofs.

use clap::{Args, Subcommand};
use vocab::{AccountId, EntryId, RequestId};

use super::admin::request_id;

#[derive(Args)]
pub(crate) struct Ledger {
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: LedgerCommand,
}

#[derive(Subcommand)]
pub(crate) enum LedgerCommand {
    /// Check everything that must hold, beside a running server too. Fails if something does not.
    Verify,
    /// List what a request was charged for, from what is stored of it. Fails if that is not what it cost.
    Explain {
        /// As `azimuth usage --requests` shows it, and answers carry it.
        #[arg(value_parser = request_id)]
        request: RequestId,
    },
    /// Show how money moved in and out of an account, the newest first.
    Entries {
        /// `acct_…` as shown by `azimuth admin accounts list`.
        account: AccountId,
        /// Only entries before this one, to go on where a list ended.
        #[arg(long, value_name = "ENTRY")]
        before: Option<EntryId>,
        /// The most entries to show.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
}
