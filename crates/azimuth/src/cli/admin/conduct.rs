use clap::{Args, Subcommand, ValueEnum};
use vocab::{AccountId, CaseId, RequestId};

use super::request_id;

#[derive(Subcommand)]
pub(crate) enum Cases {
    /// Show the cases that wait for a person: open ones, proposed bans and appeals.
    List {
        /// Every case of this account instead, `acct_…`.
        #[arg(long)]
        account: Option<AccountId>,
        /// Every case there is.
        #[arg(long)]
        all: bool,
        /// The most cases to show.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Show a case with what it rests on.
    Show {
        /// `case_…` as shown by `azimuth admin cases list`.
        #[arg(value_name = "CASE")]
        id: CaseId,
    },
    /// Open a case about an account. Nothing follows before it is struck.
    Open {
        /// `acct_…`
        account: AccountId,
        /// What is said to have happened.
        #[arg(long, value_enum)]
        cause: Cause,
        /// What was seen.
        #[arg(long)]
        note: String,
        /// A request in question; may be given several times.
        #[arg(long = "request", value_name = "REQUEST", value_parser = request_id)]
        requests: Vec<RequestId>,
    },
    /// Make an open case a strike.
    Strike(Decision),
    /// Close an open case: there is nothing in it.
    Dismiss(Decision),
    /// Write down an appeal that came another way, as by letter.
    Appeal {
        /// `case_…`
        #[arg(value_name = "CASE")]
        id: CaseId,
        /// What the account says to it.
        #[arg(long)]
        words: String,
    },
    /// Confirm a strike that waits for a person: turn its appeal down, or make a proposed ban one.
    Confirm(Decision),
    /// Take a strike back, with what it brought.
    Lift(Decision),
}

#[derive(Args)]
pub(crate) struct Decision {
    /// `case_…`
    #[arg(value_name = "CASE")]
    pub(crate) id: CaseId,
    /// Why, for the account to read.
    #[arg(long)]
    pub(crate) reason: String,
}

/// What a case is about.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Cause {
    /// The plan was used outside the supported tools.
    UnsupportedClient,
    /// Several people used one account.
    Sharing,
    /// The plan was sold on or served to others.
    Resale,
    /// Something else; the note says what.
    Other,
}

#[derive(Subcommand)]
pub(crate) enum Users {
    /// Refuse requests of an account that name this end user.
    Block {
        /// `acct_…`
        account: AccountId,
        /// The `user_id` of the requests.
        user_id: String,
        /// Why.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Let an end user in again.
    Unblock {
        /// `acct_…`
        account: AccountId,
        /// The `user_id` of the requests.
        user_id: String,
    },
    /// Show who is kept out.
    List {
        /// `acct_…`
        account: AccountId,
    },
}
