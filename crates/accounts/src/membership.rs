use serde::Serialize;
use vocab::{AccountId, PersonId, Timestamp};

use crate::{Account, Action, EmailAddress, Role};

/// A person's place in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Membership {
    /// Who.
    pub person: PersonId,
    /// Where.
    pub account: AccountId,
    /// As what.
    pub role: Role,
    /// Since when.
    pub since: Timestamp,
}

/// A member as the other members see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Member {
    /// Their place.
    pub membership: Membership,
    /// What they are called.
    pub name: String,
    /// Where mail reaches them.
    pub email: EmailAddress,
}

/// An account as one of its members sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The account.
    pub account: Account,
    /// The member's place in it.
    pub membership: Membership,
}

/// A member's role does not allow what they asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the role `{}` does not allow this; ask an owner of the account", role.name())]
pub struct NotAllowed {
    /// The role that they have.
    pub role: Role,
    /// What it does not allow.
    pub action: Action,
}

impl Access {
    /// Passes if the member may do `action`; running the platform asks for the operator's account too.
    pub fn require(&self, action: Action) -> Result<(), NotAllowed> {
        let is_in_place = action != Action::RunPlatform || self.account.is_operator;
        let role = self.membership.role;
        if is_in_place && role.may(action) { Ok(()) } else { Err(NotAllowed { role, action }) }
    }
}
