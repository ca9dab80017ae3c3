//! Who did what.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use vocab::{AccountId, AuditId};

use super::{Moment, PageQuery};

/// One line of the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AuditLine {
    /// Its id.
    #[schema(value_type = String)]
    pub id: AuditId,
    /// When.
    pub at: Moment,
    /// The id of a person or key, `operator`, `system` or `nobody`.
    pub actor: String,
    /// Whose log it stands in.
    #[schema(value_type = Option<String>)]
    pub account: Option<AccountId>,
    /// What was done, such as `member.remove`.
    pub action: String,
    /// To what.
    pub target: String,
    /// What else there is to know.
    #[schema(value_type = Object)]
    pub details: Map<String, Value>,
    /// From where.
    pub source: Option<String>,
}

/// Which lines are wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditWish {
    /// Only in the log of this account; for the operator.
    #[param(value_type = Option<String>)]
    pub account: Option<AccountId>,
    /// Only what this one did: the id of a person or key, `operator`, `system` or `nobody`.
    pub actor: Option<String>,
    /// Not before, RFC 3339.
    pub since: Option<String>,
    /// Before, RFC 3339.
    pub until: Option<String>,
    /// The `next_cursor` of the page before; none for the first.
    pub cursor: Option<String>,
    /// How many items at most: 1 to 200, and 50 unless said.
    pub limit: Option<u32>,
}

impl AuditWish {
    /// Which page.
    pub fn page(&self) -> PageQuery {
        PageQuery { cursor: self.cursor.clone(), limit: self.limit }
    }
}
