//! Breaches of the rules of use, and appeals (rule USE-08).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocab::{AccountId, CaseId};

use super::Moment;

/// One matter between the platform and an account.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct CaseShape {
    /// Its id.
    #[schema(value_type = String)]
    pub id: CaseId,
    /// Whom it is about.
    #[schema(value_type = String)]
    pub account: AccountId,
    /// `unsupported_client`, `sharing`, `resale` or `other`.
    pub cause: String,
    /// `open`, `struck`, `in_review`, `appealed`, `upheld`, `dismissed` or `lifted`.
    pub state: String,
    /// `throttle`, `suspend` or `ban`.
    pub measure: Option<String>,
    /// The program that was seen.
    pub client: Option<String>,
    /// Requests in question.
    pub requests: Vec<String>,
    /// An operator's words.
    pub note: String,
    /// When it was opened.
    pub opened: Moment,
    /// When the strike was given.
    pub struck: Option<Moment>,
    /// What the account said to it.
    pub appeal: Option<AppealShape>,
    /// What a person decided.
    pub decision: Option<DecisionShape>,
}

/// What an account says to a strike.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AppealShape {
    /// `open`, `upheld` or `lifted`.
    pub state: String,
    /// When.
    pub filed: Moment,
    /// In its own words.
    pub words: String,
}

/// What a person decided.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct DecisionShape {
    /// When.
    pub at: Moment,
    /// Why.
    pub words: String,
}

/// Words for a reviewer, or a reviewer's.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// The words.
    pub words: String,
}
