use serde::{Deserialize, Serialize};

/// What a member is in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May do everything. An account always has one.
    Owner,
    /// Runs the account for its owners, but does not spend their money.
    Admin,
    /// Works with keys.
    Member,
    /// Sees and pays what it costs, and nothing else.
    Billing,
}

/// What can be done in an account, as far as rights differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Reading its name, state, plan and members.
    SeeAccount,
    /// Changing its name and settings.
    ChangeAccount,
    /// Ending it.
    CloseAccount,
    /// Inviting and removing members, changing their roles; owners apart.
    ManageMembers,
    /// Making someone an owner, and changing or removing one.
    ManageOwners,
    /// Listing projects and keys.
    SeeKeys,
    /// Making, rotating and revoking keys.
    ManageKeys,
    /// Making, renaming and archiving projects.
    ManageProjects,
    /// Reading what was used.
    SeeUsage,
    /// Reading balances, prices paid and statements.
    SeeMoney,
    /// Paying, subscribing, redeeming.
    SpendMoney,
    /// Reading the audit log.
    SeeAudit,
    /// Running the platform. Counts in the operator's account only.
    RunPlatform,
}

impl Role {
    /// All of them, from the one that may most.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Member, Self::Billing];

    /// Whether a member with this role may do `action` in the account.
    pub fn may(self, action: Action) -> bool {
        match action {
            Action::SeeAccount | Action::SeeUsage => true,
            Action::CloseAccount | Action::ManageOwners => self == Self::Owner,
            Action::ChangeAccount
            | Action::ManageMembers
            | Action::ManageProjects
            | Action::SeeAudit
            | Action::RunPlatform => matches!(self, Self::Owner | Self::Admin),
            Action::SeeKeys | Action::ManageKeys => matches!(self, Self::Owner | Self::Admin | Self::Member),
            Action::SeeMoney => matches!(self, Self::Owner | Self::Admin | Self::Billing),
            Action::SpendMoney => matches!(self, Self::Owner | Self::Billing),
        }
    }

    /// Its name where it is kept and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Billing => "billing",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_role_may() {
        let table = [
            // owner, admin, member, billing
            (Action::SeeAccount, [true, true, true, true]),
            (Action::ChangeAccount, [true, true, false, false]),
            (Action::CloseAccount, [true, false, false, false]),
            (Action::ManageMembers, [true, true, false, false]),
            (Action::ManageOwners, [true, false, false, false]),
            (Action::SeeKeys, [true, true, true, false]),
            (Action::ManageKeys, [true, true, true, false]),
            (Action::ManageProjects, [true, true, false, false]),
            (Action::SeeUsage, [true, true, true, true]),
            (Action::SeeMoney, [true, true, false, true]),
            (Action::SpendMoney, [true, false, false, true]),
            (Action::SeeAudit, [true, true, false, false]),
            (Action::RunPlatform, [true, true, false, false]),
        ];
        for (action, expected) in table {
            assert_eq!(Role::ALL.map(|role| role.may(action)), expected, "{action:?}");
        }
    }
}
