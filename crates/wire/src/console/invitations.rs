//! Letters that ask someone to join an account.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocab::{InvitationId, PersonId};

use super::Moment;

/// A wish that someone joins.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InvitationWish {
    /// Whom to write to.
    pub email: String,
    /// `owner`, `admin`, `member` or `billing`.
    pub role: String,
    /// `en` or `zh`: the language of the letter.
    pub locale: Option<String>,
}

/// An invitation.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct InvitationShape {
    /// Its id.
    #[schema(value_type = String)]
    pub id: InvitationId,
    /// Who is asked.
    pub email: String,
    /// As what.
    pub role: String,
    /// Who asks.
    #[schema(value_type = Option<String>)]
    pub invited_by: Option<PersonId>,
    /// When it was sent.
    pub created: Moment,
    /// When it ends.
    pub expires: Moment,
    /// When it was accepted or withdrawn.
    pub closed: Option<Moment>,
}
