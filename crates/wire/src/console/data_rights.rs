//! Copies, consents and deletion (rules DATA-02, DATA-05, DATA-08).

use serde::Serialize;
use utoipa::ToSchema;
use vocab::{ConsentId, PersonId};

use super::Moment;

/// Something that was agreed to or withdrawn.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ConsentShape {
    /// Its id.
    #[schema(value_type = String)]
    pub id: ConsentId,
    /// To what.
    pub subject: String,
    /// Of which text.
    pub version: String,
    /// Whether it is agreed to.
    pub is_given: bool,
    /// When.
    pub at: Moment,
}

/// A wish to be deleted.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct DeletionShape {
    /// Whose.
    #[schema(value_type = String)]
    pub person: PersonId,
    /// `requested`, `approved`, `refused`, `withdrawn` or `carried_out`.
    pub state: String,
    /// When it was asked for.
    pub requested: Moment,
    /// When it is carried out at the earliest; until then it can be taken back.
    pub due: Moment,
}

/// How a wish to be deleted stands.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct DeletionState {
    /// The newest wish, if there ever was one.
    pub deletion: Option<DeletionShape>,
}
