use accounts::{PlanId, Term};
use clap::{Args, Subcommand};
use vocab::{AccountId, SubscriptionId};

#[derive(Subcommand)]
pub(crate) enum Plans {
    /// Show the plans that accounts have or had, oldest first.
    List {
        /// Only this account's, `acct_…`.
        account: Option<AccountId>,
    },
    /// Give an account a plan: at once if it has nothing as good, or else after what it has.
    Grant(GrantPlan),
    /// End a plan that an account has, now.
    End {
        /// `sub_…` as shown by `azimuth admin plan list`.
        subscription: SubscriptionId,
    },
    /// Give back what was used in the present windows of a plan.
    Reset {
        /// `sub_…` as shown by `azimuth admin plan list`.
        subscription: SubscriptionId,
    },
}

#[derive(Args)]
pub(crate) struct GrantPlan {
    /// `acct_…` as shown by `azimuth admin accounts list`.
    pub(crate) account: AccountId,
    /// Which plan, such as `lite`; `azimuth admin show plans` has them all.
    pub(crate) plan: PlanId,
    #[command(flatten)]
    pub(crate) term: PlanTerm,
    /// Begin at once, with quota of its own, whatever the account has.
    #[arg(long)]
    pub(crate) now: bool,
    /// A line for people.
    #[arg(long, default_value = "")]
    pub(crate) note: String,
}

/// How long; a month if nothing is said.
#[derive(Args)]
#[group(multiple = false)]
pub(crate) struct PlanTerm {
    /// For so many months; 1 if no other term is given.
    #[arg(long, value_name = "N")]
    months: Option<u32>,
    /// For so many days.
    #[arg(long, value_name = "N")]
    days: Option<u32>,
    /// Until someone ends it.
    #[arg(long)]
    endless: bool,
}

impl PlanTerm {
    pub(crate) fn term(&self) -> Term {
        match (self.months, self.days) {
            _ if self.endless => Term::Endless,
            (_, Some(days)) => Term::Days(days),
            (months, None) => Term::Months(months.unwrap_or(1)),
        }
    }
}
