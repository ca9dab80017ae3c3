use clap::{Args, Subcommand};
use vocab::AccountId;

#[derive(Subcommand)]
pub(crate) enum Accounts {
    /// Show every account, oldest first, with what it has.
    List,
    /// Make an account.
    Create {
        /// What to call it; free text, not unique.
        name: String,
    },
    /// Show what an account has, may do and did: money, credits, plan, limits, keys, strikes.
    Show {
        /// `acct_…` as shown by `azimuth admin accounts list`.
        #[arg(value_name = "ACCOUNT")]
        id: AccountId,
    },
    /// Refuse every request of an account, until it is released.
    Lock {
        /// `acct_…`
        #[arg(value_name = "ACCOUNT")]
        id: AccountId,
    },
    /// Let a locked account go on.
    Release {
        /// `acct_…`
        #[arg(value_name = "ACCOUNT")]
        id: AccountId,
    },
    /// End an account, for good.
    Close {
        /// `acct_…`
        #[arg(value_name = "ACCOUNT")]
        id: AccountId,
        /// It cannot be opened again; say that you mean it.
        #[arg(long)]
        yes: bool,
    },
    /// Give an account other limits than its plan or the platform has. Those that are not named stay.
    Rates {
        /// `acct_…`
        #[arg(value_name = "ACCOUNT")]
        id: AccountId,
        #[command(flatten)]
        limits: RateLimits,
    },
}

#[derive(Args)]
pub(crate) struct RateLimits {
    /// Requests at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) concurrency: Option<u32>,
    /// Requests in a minute.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) requests_per_minute: Option<u32>,
    /// Tokens in a minute.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) tokens_per_minute: Option<u64>,
    /// Requests in a day.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) requests_per_day: Option<u32>,
    /// Take the account's own limits away first.
    #[arg(long)]
    pub(crate) clear: bool,
}
