use std::sync::Arc;

use accounts::{AccountState, NoPlan, NoPlanCode, OutOfScope, UtcOffset};
use ledger::WindowName;
use vocab::{ModelName, NanoUsd, Timestamp};

use crate::Denied;

/// Why an account may not make a request now. Nothing was taken from it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// The account may do nothing at all (rule AUTH-09).
    #[error("the account is {0:?}")]
    Account(AccountState),
    /// The account broke the usage rules and may only call now and then (rule USE-06).
    #[error("the account is restricted for a breach of the usage rules")]
    FairUse,
    /// The end user that the request names is blocked (rule USE-10).
    #[error("the end user `{0}` is blocked")]
    EndUserBlocked(String),
    /// The key is not for this door, this model or this address.
    #[error(transparent)]
    KeyScope(#[from] OutOfScope),
    /// The key has used what it may spend in a month.
    #[error("the key's monthly limit of {limit} USD is used up")]
    KeySpent {
        /// The limit.
        limit: NanoUsd,
    },
    /// The account has no plan (rules PLAN-04, PLAN-05).
    #[error("the account has no plan")]
    NoPlan {
        /// Whether it ever had one.
        why: NoPlan,
        /// The code that the operator chose for it.
        code: NoPlanCode,
    },
    /// The plan does not have the model (rule PLAN-03).
    #[error("the plan does not include `{0}`")]
    NotInPlan(ModelName),
    /// The operator says that the model is overloaded (rule ERR-10).
    #[error("the model is overloaded; `{other}` may answer")]
    ModelBusy {
        /// Another to try.
        other: ModelName,
    },
    /// There is so much to do that general-purpose tools come second (rule RATE-06).
    #[error("general-purpose tools come second at the moment")]
    GivesWay,
    /// Too much at once, or too often (rule RATE-02).
    #[error(transparent)]
    Limited(#[from] Denied),
    /// The plan's quota is used up (rules QUOTA-03 to QUOTA-06).
    #[error("the quota of {window:?} is used up until {resets}")]
    UsedUp {
        /// Which window, of several the one that ends later.
        window: WindowName,
        /// When something comes back.
        resets: Timestamp,
        /// The zone in which callers are told.
        zone: UtcOffset,
    },
    /// The balance does not cover the request (rule BILL-10).
    #[error("the balance of {available} USD does not cover the request")]
    InsufficientBalance {
        /// What is there.
        available: NanoUsd,
    },
    /// It costs more than can be counted.
    #[error("the request is too large to price")]
    Unpriceable,
    /// Nothing is known because a store did not answer. The account may be in order.
    #[error("accounts cannot be looked at now")]
    Unavailable(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

impl Refusal {
    pub(crate) fn unavailable(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(Arc::new(cause))
    }
}
