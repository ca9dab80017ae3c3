use clap::Args;
use vocab::{AccountId, NanoUsd, RequestId};

use super::request_id;

#[derive(Args)]
pub(crate) struct TopUp {
    /// `acct_…` as shown by `azimuth admin accounts list`.
    pub(crate) account: AccountId,
    /// How many dollars, such as 10 or 12.50; below zero to take back what was paid in by mistake.
    #[arg(allow_negative_numbers = true)]
    pub(crate) usd: NanoUsd,
    /// The invoice or receipt. Paying the same in again under the same reference changes nothing.
    #[arg(long)]
    pub(crate) reference: String,
}

#[derive(Args)]
pub(crate) struct Credits {
    /// `acct_…`
    pub(crate) account: AccountId,
    /// How many dollars.
    pub(crate) usd: NanoUsd,
    /// Days until what is left of them ends.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub(crate) expires_days: Option<u32>,
    /// Lower is spent first.
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub(crate) priority: i32,
    /// A line for people.
    #[arg(long, default_value = "")]
    pub(crate) note: String,
}

#[derive(Args)]
pub(crate) struct Overdraft {
    /// `acct_…`
    pub(crate) account: AccountId,
    /// How many dollars; 0 for none.
    pub(crate) usd: NanoUsd,
}

#[derive(Args)]
pub(crate) struct Refund {
    /// The charged request, as `azimuth usage --requests` shows it.
    #[arg(value_parser = request_id)]
    pub(crate) request: RequestId,
    /// How many dollars, at most what it was charged.
    pub(crate) usd: NanoUsd,
    /// Why. Giving the same back again under the same reference changes nothing.
    #[arg(long)]
    pub(crate) reference: String,
}
