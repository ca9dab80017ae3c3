use serde::Serialize;
use vocab::{AccountId, ProjectId, Timestamp};

/// A group of an account's keys, so that use and cost can be told apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Whose it is.
    pub account: AccountId,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was put away, with all its keys revoked.
    pub archived: Option<Timestamp>,
}
