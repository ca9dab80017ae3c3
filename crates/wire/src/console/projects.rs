//! Groups of keys.

use serde::Serialize;
use utoipa::ToSchema;
use vocab::ProjectId;

use super::Moment;

/// A project.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ProjectShape {
    /// Its id.
    #[schema(value_type = String)]
    pub id: ProjectId,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created: Moment,
    /// When it was put away.
    pub archived: Option<Moment>,
}
