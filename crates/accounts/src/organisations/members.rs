use vocab::PersonId;

use super::{MEMBER_LEAVE, MEMBER_REMOVE, MEMBER_SET_ROLE, OrganisationError, Organisations, PAGE_MAX};
use crate::{Access, Action, By, Member, MembershipChange, Role};

impl Organisations {
    /// A page of an account's members; the person of the last is the cursor of the next. Never more than 1000.
    pub async fn members(
        &self,
        access: &Access,
        cursor: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<Member>, OrganisationError> {
        access.require(Action::SeeAccount)?;
        Ok(self.store.membership_list_of_account(access.account.id, cursor, limit.min(PAGE_MAX)).await?)
    }

    /// Gives a member another role. Only owners make or unmake owners, and one always stays.
    pub async fn set_role(
        &self,
        access: &Access,
        person: PersonId,
        role: Role,
        by: &By,
    ) -> Result<(), OrganisationError> {
        self.require_over(access, person, Some(role)).await?;
        let account = access.account.id;
        let audit = by.did(self.now(), account, MEMBER_SET_ROLE, person).with("role", role.name());
        let change = self.store.membership_set_role(account, person, role, &audit).await?;
        settled(change, person)
    }

    /// Takes a member out of an account. Only owners take owners out, and one always stays.
    pub async fn remove(&self, access: &Access, person: PersonId, by: &By) -> Result<(), OrganisationError> {
        self.require_over(access, person, None).await?;
        let account = access.account.id;
        let audit = by.did(self.now(), account, MEMBER_REMOVE, person);
        settled(self.store.membership_remove(account, person, &audit).await?, person)
    }

    /// Leaves an account, whatever the role; but not as its last owner.
    pub async fn leave(&self, access: &Access, by: &By) -> Result<(), OrganisationError> {
        let (account, person) = (access.account.id, access.membership.person);
        let audit = by.did(self.now(), account, MEMBER_LEAVE, person);
        settled(self.store.membership_remove(account, person, &audit).await?, person)
    }

    /// Passes if the holder of `access` may change what `person` is, and make them what they shall be.
    async fn require_over(
        &self,
        access: &Access,
        person: PersonId,
        role: Option<Role>,
    ) -> Result<(), OrganisationError> {
        access.require(Action::ManageMembers)?;
        let found = self.store.membership_find(person, access.account.id).await?;
        let theirs = found.ok_or(OrganisationError::UnknownMember(person))?.membership.role;
        if theirs == Role::Owner || role == Some(Role::Owner) {
            access.require(Action::ManageOwners)?;
        }
        Ok(())
    }
}

fn settled(change: MembershipChange, person: PersonId) -> Result<(), OrganisationError> {
    match change {
        MembershipChange::Done => Ok(()),
        MembershipChange::Unknown => Err(OrganisationError::UnknownMember(person)),
        MembershipChange::LastOwner => Err(OrganisationError::LastOwner),
    }
}
