use serde::{Deserialize, Serialize};
use vocab::{AccountId, EntryId, GrantId, HoldId, NanoUsd, Timestamp};

/// One movement of money: postings that add up to zero. Written once, never edited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Later entries sort later.
    pub id: EntryId,
    /// Why money moved.
    pub kind: EntryKind,
    /// Whose money.
    pub account: AccountId,
    /// What it belongs to: a top-up, grant, hold or refund, or the first request of a group. With `kind` it is unique, so
    /// that nothing is entered twice.
    pub reference: String,
    /// When.
    pub at: Timestamp,
    /// The movements.
    pub postings: Vec<Posting>,
}

/// What one book account gains, or loses if below zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// Where.
    pub book: BookAccount,
    /// How much.
    pub amount: NanoUsd,
}

/// Where money can be. What people have is above zero, what the house has given or earned is the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "book", content = "of")]
pub enum BookAccount {
    /// What an account paid in and has left.
    Cash(AccountId),
    /// What is left of credits.
    Credit(GrantId),
    /// What a hold has set aside.
    Held(HoldId),
    /// Money that came from outside.
    Payments,
    /// Credits that were given.
    Promotions,
    /// What was earned.
    Revenue,
}

/// Why money moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Money was paid in.
    TopUp,
    /// Credits were given.
    Grant,
    /// Money was set aside.
    Hold,
    /// What a hold did not use went back.
    Release,
    /// Requests were paid for, all of one account in one group of settlements.
    Settle,
    /// Credits ended unused.
    Expire,
    /// A charge was given back.
    Refund,
}

impl EntryKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::TopUp, Self::Grant, Self::Hold, Self::Release, Self::Settle, Self::Expire, Self::Refund];

    /// Its name, as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TopUp => "top_up",
            Self::Grant => "grant",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Settle => "settle",
            Self::Expire => "expire",
            Self::Refund => "refund",
        }
    }
}

/// Money that an account paid in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopUp {
    /// Makes paying in again harmless: an order or a receipt.
    pub reference: String,
    /// Whose.
    pub account: AccountId,
    /// Above zero; below zero the operator takes a mistaken top-up back.
    pub amount: NanoUsd,
    /// When.
    pub at: Timestamp,
}

/// Credits: money that can be spent here and nowhere else (rule BILL-15).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its id; granting it again changes nothing.
    pub id: GrantId,
    /// Whose.
    pub account: AccountId,
    /// Where it comes from, for the transaction history (rule BILL-18).
    pub kind: GrantKind,
    /// A line for people.
    pub note: String,
    /// How much. Above zero.
    pub amount: NanoUsd,
    /// Lower is spent first.
    pub priority: i32,
    /// When it ends, if it does.
    pub expires: Option<Timestamp>,
    /// When it was given.
    pub at: Timestamp,
}

/// Where credits come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantKind {
    /// The operator gave them.
    Operator,
    /// A friend was invited.
    Referral,
    /// A campaign.
    Promotion,
    /// What was left of a plan when it was exchanged for a dearer one.
    Upgrade,
    /// A refund that is not paid out.
    Refund,
}

impl GrantKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Operator, Self::Referral, Self::Promotion, Self::Upgrade, Self::Refund];

    /// Its name, as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Referral => "referral",
            Self::Promotion => "promotion",
            Self::Upgrade => "upgrade",
            Self::Refund => "refund",
        }
    }
}

/// A grant and what is left of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantState {
    /// The grant.
    #[serde(flatten)]
    pub grant: Grant,
    /// Neither used nor set aside nor ended.
    pub left: NanoUsd,
    /// What ended unused.
    pub ended: NanoUsd,
}

impl GrantState {
    /// Whether this is what came of `grant`.
    pub fn is_of(&self, grant: &Grant) -> bool {
        self.grant.account == grant.account && self.grant.amount == grant.amount
    }

    /// Whether it may be spent at `at`.
    pub fn is_live(&self, at: Timestamp) -> bool {
        self.grant.expires.is_none_or(|expires| at < expires)
    }

    /// What decides the order in which credits are spent: priority, then expiry, then age.
    pub fn turn(&self) -> (i32, Timestamp, GrantId) {
        let never = Timestamp::from_millis(i64::MAX);
        (self.grant.priority, self.grant.expires.unwrap_or(never), self.grant.id)
    }
}
