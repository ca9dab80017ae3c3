//! Money of an account (rules BILL-10 to BILL-18).

use serde::Serialize;
use utoipa::ToSchema;
use vocab::{EntryId, GrantId};

use super::{Moment, Money};

/// What an account has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FundsShape {
    /// Paid in and neither used nor set aside; below zero it is owed.
    pub cash: Money,
    /// Given, not expired, and neither used nor set aside.
    pub credits: Money,
    /// Set aside for requests under way.
    pub held: Money,
    /// How far below zero cash may go.
    pub overdraft: Money,
    /// What can be spent now.
    pub available: Money,
}

/// Credits and what is left of them.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct GrantShape {
    /// Their id.
    #[schema(value_type = String)]
    pub id: GrantId,
    /// Where they come from.
    pub kind: String,
    /// A line for people.
    pub note: String,
    /// How much was given.
    pub amount: Money,
    /// What is left.
    pub left: Money,
    /// What ended unused.
    pub ended: Money,
    /// Lower is spent first.
    pub priority: i32,
    /// When they end.
    pub expires: Option<Moment>,
    /// When they were given.
    pub at: Moment,
}

/// One line of the transaction history.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EntryShape {
    /// Its id.
    #[schema(value_type = String)]
    pub id: EntryId,
    /// Why money moved: `top_up`, `grant`, `hold`, `release`, `settle`, `expire` or `refund`.
    pub kind: String,
    /// What it belongs to.
    pub reference: String,
    /// When.
    pub at: Moment,
    /// The movements; they add up to nothing.
    pub postings: Vec<PostingShape>,
}

/// What one place gained, or lost if below zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PostingShape {
    /// `cash`, `credit`, `held`, `payments`, `promotions` or `revenue`.
    pub place: String,
    /// Of which credits or hold.
    pub of: Option<String>,
    /// How much.
    pub amount: Money,
}
