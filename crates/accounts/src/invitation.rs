use serde::Serialize;
use vocab::{AccountId, InvitationId, PersonId, Timestamp};

use crate::{EmailAddress, Role, TokenHash};

/// A letter that asks someone to join an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Invitation {
    /// Its id in lists.
    pub id: InvitationId,
    /// The account to join.
    pub account: AccountId,
    /// Who is asked.
    pub email: EmailAddress,
    /// As what.
    pub role: Role,
    /// Who asks; nobody if the operator did on the command line.
    pub invited_by: Option<PersonId>,
    /// What is kept of the token in the letter.
    #[serde(skip)]
    pub token: TokenHash,
    /// When it was sent.
    pub created: Timestamp,
    /// From when on it is no good.
    pub expires: Timestamp,
    /// When it was accepted or withdrawn.
    pub closed: Option<Timestamp>,
}

impl Invitation {
    /// Whether it can be accepted at `now`.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.closed.is_none() && now < self.expires
    }
}
