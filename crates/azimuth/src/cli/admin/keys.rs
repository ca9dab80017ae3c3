use accounts::KeyScope;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use vocab::{AccountId, KeyId, ModelName, NanoUsd};

#[derive(Subcommand)]
pub(crate) enum AccountKeys {
    /// Make a key. It is shown once.
    Create(NewKey),
    /// Show the keys of an account, newest last.
    List {
        /// Whose, `acct_…`.
        #[arg(long)]
        account: AccountId,
    },
    /// Make a successor of a key, for the same use. It is shown once.
    Rotate {
        /// `key_…`
        #[arg(value_name = "KEY")]
        id: KeyId,
        /// How long the old key goes on working, so that nobody is shut out; at most 90 days.
        #[arg(long, value_name = "HOURS", default_value_t = 24)]
        overlap_hours: u32,
    },
    /// Stop a key from working, within a second and for good.
    Revoke {
        /// `key_…`
        #[arg(value_name = "KEY")]
        id: KeyId,
    },
}

#[derive(Args)]
pub(crate) struct NewKey {
    /// Whose, `acct_…` as shown by `azimuth admin accounts list`.
    #[arg(long)]
    pub(crate) account: AccountId,
    /// What to call it.
    #[arg(long, default_value = "admin")]
    pub(crate) name: String,
    /// Days until it stops working.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) expires_days: Option<u32>,
    /// A door it opens; may be given several times. Without it, all.
    #[arg(long = "door", value_name = "DOOR", value_parser = PossibleValuesParser::new(KeyScope::DOORS))]
    pub(crate) doors: Vec<String>,
    /// A model it may ask; may be given several times. Without it, all.
    #[arg(long = "model", value_name = "MODEL")]
    pub(crate) models: Vec<ModelName>,
    /// A network its requests may come from, such as 10.0.0.0/8; may be given several times.
    #[arg(long = "address", value_name = "NETWORK")]
    pub(crate) addresses: Vec<String>,
    /// What it may cost in a month, in dollars.
    #[arg(long, value_name = "USD")]
    pub(crate) monthly_usd: Option<NanoUsd>,
}
