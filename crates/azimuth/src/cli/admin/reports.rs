use clap::Args;
use vocab::AccountId;

#[derive(Args)]
pub(crate) struct UsageReport {
    /// How many days back, with today.
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3660))]
    pub(crate) days: u32,
    /// Only this account, `acct_…`.
    #[arg(long)]
    pub(crate) account: Option<AccountId>,
    /// Print comma-separated values, a line for each day, account, key and model.
    #[arg(long)]
    pub(crate) csv: bool,
}

#[derive(Args)]
pub(crate) struct Audit {
    /// Only what concerns this account, `acct_…`.
    #[arg(long)]
    pub(crate) account: Option<AccountId>,
    /// Only the last so many days.
    #[arg(long, value_name = "DAYS")]
    pub(crate) days: Option<u32>,
    /// The most lines to show.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
}
