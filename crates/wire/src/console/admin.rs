//! What the operator does.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use vocab::{AccountId, GrantId, PersonId};

use super::accounts::AccountShape;
use super::wallet::FundsShape;
use super::{Moment, Money};

/// An account with its money, as the operator sees it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AccountSheet {
    /// The account.
    pub account: AccountShape,
    /// What it has.
    pub funds: FundsShape,
    /// How many strikes stand against it.
    pub strikes: u32,
}

/// What happens to an account (rule AUTH-09).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountEventWish {
    /// What.
    pub event: AccountEventName,
}

/// What the operator can let happen to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountEventName {
    /// It works, although nobody has shown that its address is theirs.
    Activate,
    /// It does not work.
    Lock,
    /// It is looked at because its use is odd.
    Suspect,
    /// It works again.
    Release,
    /// It is over, for good.
    Close,
}

/// The state of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AccountStateIs {
    /// Which.
    pub state: String,
}

/// Money that came in; below zero takes a mistaken one back.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopUpWish {
    /// An order or a receipt: the same one is booked once.
    pub reference: String,
    /// How much.
    pub amount: Money,
}

/// Credits to give (rule BILL-15).
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantWish {
    /// How much.
    pub amount: Money,
    /// A line for people.
    #[serde(default)]
    pub note: String,
    /// `operator`, `referral` or `promotion`; the first unless said.
    pub kind: Option<String>,
    /// Lower is spent first.
    #[serde(default)]
    pub priority: i32,
    /// When they end.
    pub expires: Option<Moment>,
}

/// Credits that were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Granted {
    /// Their id.
    #[schema(value_type = String)]
    pub grant: GrantId,
}

/// A charge to give back.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundWish {
    /// The same one is given back once.
    pub reference: String,
    /// The charged request.
    pub request: String,
    /// How much.
    pub amount: Money,
}

/// What was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refunded {
    /// How much.
    pub amount: Money,
}

/// How far below zero cash may go.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverdraftWish {
    /// Zero or above.
    pub overdraft: Money,
}

/// A plan to give.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanGrantWish {
    /// Which.
    pub plan: String,
    /// For so many months; one of the two, or without an end.
    pub months: Option<u32>,
    /// For so many days.
    pub days: Option<u32>,
    /// `in_turn` (unless said), `now`, or a moment.
    pub start: Option<String>,
    /// A line for people.
    #[serde(default)]
    pub note: String,
}

/// Which subscriptions are wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SubscriptionsWish {
    /// Only this account's.
    #[param(value_type = Option<String>)]
    pub account: Option<AccountId>,
    /// The `next_cursor` of the page before; none for the first.
    pub cursor: Option<String>,
    /// How many items at most: 1 to 200, and 50 unless said.
    pub limit: Option<u32>,
}

/// One version of an operator's document.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct DocumentShape {
    /// `prices`, `plans`, `models`, `engines`, `rates`, `use_rules` or `tool_patterns`.
    pub name: String,
    /// The first is 1.
    pub version: i64,
    /// When it was written.
    pub at: Moment,
    /// Who wrote it.
    pub by: String,
    /// What it says; left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// Which version of a document is wanted.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VersionWish {
    /// The one in force unless said.
    pub version: Option<i64>,
}

/// A new version.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentWish {
    /// The version that was edited, 0 if there was none.
    pub base: i64,
    /// What it shall say.
    pub body: Value,
}

/// What a reviewer decides about a case.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseDecision {
    /// What.
    pub decision: CaseVerdict,
    /// Why, for the account to read.
    #[serde(default)]
    pub words: String,
}

/// What can be decided about a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaseVerdict {
    /// It becomes a strike.
    Strike,
    /// There is nothing in it.
    Dismiss,
    /// It stays.
    Uphold,
    /// The strike and what it brought are gone.
    Lift,
}

/// A case to open.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseWish {
    /// Whom it is about.
    #[schema(value_type = String)]
    pub account: AccountId,
    /// `unsupported_client`, `sharing`, `resale` or `other`.
    pub cause: String,
    /// What was seen.
    #[serde(default)]
    pub note: String,
    /// Requests in question.
    #[serde(default)]
    pub requests: Vec<String>,
}

/// What a check of the whole ledger found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerReport {
    /// Whether everything holds.
    pub is_clean: bool,
    /// How much there was to look at.
    pub counted: Vec<CountedRows>,
    /// What was checked.
    pub findings: Vec<LedgerFinding>,
}

/// How many of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CountedRows {
    /// Of what.
    pub of: String,
    /// How many.
    pub count: u64,
}

/// One thing that must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerFinding {
    /// What.
    pub invariant: String,
    /// Examples of what breaks it; empty if it holds.
    pub broken_by: Vec<String>,
}

/// Someone to give a login to.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentWish {
    /// Where mail reaches them; counts as verified.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// The account that they belong to.
    #[schema(value_type = String)]
    pub account: AccountId,
    /// As what.
    pub role: String,
    /// `en` or `zh`.
    pub locale: Option<String>,
}

/// A person who was given a login; a letter lets them set their password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Enrolled {
    /// Who.
    #[schema(value_type = String)]
    pub person: PersonId,
}

/// What happens to a wish to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeletionDecision {
    /// Whether it is approved, or refused.
    pub approve: bool,
}
