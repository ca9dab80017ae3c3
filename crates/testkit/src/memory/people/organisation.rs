use accounts::{
    Access, Account, AccountState, AuditEvent, Invitation, Member, Membership, MembershipChange,
    OrganisationStore, PeopleStoreError, Project, Role, SoleOwner, TokenHash,
};
use async_trait::async_trait;
use vocab::{AccountId, InvitationId, PersonId, ProjectId, Timestamp};

use super::{MemoryPeople, refused};

impl MemoryPeople {
    fn access(&self, membership: Membership) -> Option<Access> {
        Some(Access { account: self.accounts.find(membership.account)?, membership })
    }

    fn change_project(
        &self,
        account: AccountId,
        id: ProjectId,
        audit: &AuditEvent,
        change: impl FnOnce(&mut Project),
    ) -> bool {
        let mut rows = self.rows();
        let is_open = |project: &&mut Project| project.account == account && project.archived.is_none();
        let Some(project) = rows.projects.get_mut(&id).filter(is_open) else { return false };
        change(project);
        rows.log(audit);
        true
    }
}

#[async_trait]
impl OrganisationStore for MemoryPeople {
    async fn organisation_insert(
        &self,
        account: &Account,
        owner: &Membership,
        audit: &AuditEvent,
    ) -> Result<(), PeopleStoreError> {
        let mut rows = self.rows();
        if !rows.persons.contains_key(&owner.person) {
            return Err(refused("there is no such person"));
        }
        self.accounts.insert(account).map_err(|error| PeopleStoreError(error.into()))?;
        rows.memberships.insert((owner.account, owner.person), *owner);
        rows.log(audit);
        Ok(())
    }

    async fn organisation_rename(
        &self,
        id: AccountId,
        name: &str,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let is_renamed = self.accounts.change(id, |account| {
            name.clone_into(&mut account.name);
            true
        });
        if is_renamed {
            self.rows().log(audit);
        }
        Ok(is_renamed)
    }

    async fn organisation_set_state(
        &self,
        id: AccountId,
        from: AccountState,
        to: AccountState,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let is_moved = self.accounts.set_state(id, from, to);
        if is_moved {
            self.rows().log(audit);
        }
        Ok(is_moved)
    }

    async fn membership_insert(
        &self,
        membership: &Membership,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        if !rows.persons.contains_key(&membership.person) || !self.is_account(membership.account) {
            return Err(refused("there is no such person or account"));
        }
        let key = (membership.account, membership.person);
        if rows.memberships.contains_key(&key) {
            return Ok(false);
        }
        rows.memberships.insert(key, *membership);
        rows.log(audit);
        Ok(true)
    }

    async fn membership_find(
        &self,
        person: PersonId,
        account: AccountId,
    ) -> Result<Option<Access>, PeopleStoreError> {
        let found = self.rows().memberships.get(&(account, person)).copied();
        Ok(found.and_then(|membership| self.access(membership)))
    }

    async fn membership_list_of_person(
        &self,
        person: PersonId,
        cursor: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<Access>, PeopleStoreError> {
        let rows = self.rows();
        let theirs = rows
            .memberships
            .values()
            .filter(|m| m.person == person && cursor.is_none_or(|cursor| cursor < m.account));
        Ok(theirs.take(limit as usize).filter_map(|membership| self.access(*membership)).collect())
    }

    async fn membership_list_of_account(
        &self,
        account: AccountId,
        cursor: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<Member>, PeopleStoreError> {
        let rows = self.rows();
        let members = rows
            .memberships
            .values()
            .filter(|m| m.account == account && cursor.is_none_or(|cursor| cursor < m.person));
        let shown = members.take(limit as usize).filter_map(|membership| {
            let person = rows.persons.get(&membership.person)?;
            Some(Member { membership: *membership, name: person.name.clone(), email: person.email.clone() })
        });
        Ok(shown.collect())
    }

    async fn membership_set_role(
        &self,
        account: AccountId,
        person: PersonId,
        role: Role,
        audit: &AuditEvent,
    ) -> Result<MembershipChange, PeopleStoreError> {
        let mut rows = self.rows();
        if role != Role::Owner && rows.is_last_owner(account, person) {
            return Ok(MembershipChange::LastOwner);
        }
        let Some(membership) = rows.memberships.get_mut(&(account, person)) else {
            return Ok(MembershipChange::Unknown);
        };
        membership.role = role;
        rows.log(audit);
        Ok(MembershipChange::Done)
    }

    async fn membership_remove(
        &self,
        account: AccountId,
        person: PersonId,
        audit: &AuditEvent,
    ) -> Result<MembershipChange, PeopleStoreError> {
        let mut rows = self.rows();
        if rows.is_last_owner(account, person) {
            return Ok(MembershipChange::LastOwner);
        }
        if rows.memberships.remove(&(account, person)).is_none() {
            return Ok(MembershipChange::Unknown);
        }
        rows.log(audit);
        Ok(MembershipChange::Done)
    }

    async fn membership_sole_owner(
        &self,
        person: PersonId,
        limit: u32,
    ) -> Result<Vec<SoleOwner>, PeopleStoreError> {
        let rows = self.rows();
        let is_open = |account| self.accounts.find(account).is_some_and(|a| a.state != AccountState::Closed);
        let owned = rows
            .memberships
            .values()
            .filter(|m| m.person == person && rows.is_last_owner(m.account, person) && is_open(m.account));
        let counted = owned.map(|membership| {
            let account = membership.account;
            let members = rows.memberships.values().filter(|m| m.account == account).count();
            SoleOwner { account, others: members.saturating_sub(1) as u64 }
        });
        Ok(counted.take(limit as usize).collect())
    }

    async fn invitation_insert(
        &self,
        invitation: &Invitation,
        audit: &AuditEvent,
    ) -> Result<(), PeopleStoreError> {
        let mut rows = self.rows();
        if !self.is_account(invitation.account) {
            return Err(refused("there is no such account"));
        }
        for other in rows.invitations.values_mut() {
            if other.account == invitation.account && other.email == invitation.email {
                other.closed = other.closed.or(Some(audit.at));
            }
        }
        rows.invitations.insert(invitation.id, invitation.clone());
        rows.log(audit);
        Ok(())
    }

    async fn invitation_find(&self, token: &TokenHash) -> Result<Option<Invitation>, PeopleStoreError> {
        Ok(self.rows().invitations.values().find(|invitation| invitation.token == *token).cloned())
    }

    async fn invitation_list(
        &self,
        account: AccountId,
        cursor: Option<InvitationId>,
        limit: u32,
    ) -> Result<Vec<Invitation>, PeopleStoreError> {
        let rows = self.rows();
        let after = rows.invitations.values().filter(|invitation| {
            invitation.account == account && cursor.is_none_or(|cursor| cursor < invitation.id)
        });
        Ok(after.take(limit as usize).cloned().collect())
    }

    async fn invitation_withdraw(
        &self,
        account: AccountId,
        id: InvitationId,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        let is_open = |kept: &&mut Invitation| kept.account == account && kept.closed.is_none();
        let Some(invitation) = rows.invitations.get_mut(&id).filter(is_open) else { return Ok(false) };
        invitation.closed = Some(audit.at);
        rows.log(audit);
        Ok(true)
    }

    async fn invitation_accept(
        &self,
        token: &TokenHash,
        membership: &Membership,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut rows = self.rows();
        let key = (membership.account, membership.person);
        if rows.memberships.contains_key(&key) {
            return Ok(false);
        }
        let open = rows.invitations.values_mut().find(|kept| kept.token == *token);
        let Some(open) = open.filter(|kept| kept.is_open(membership.since)) else { return Ok(false) };
        open.closed = Some(membership.since);
        rows.memberships.insert(key, *membership);
        rows.log(audit);
        Ok(true)
    }

    async fn project_insert(&self, project: &Project, audit: &AuditEvent) -> Result<(), PeopleStoreError> {
        if !self.is_account(project.account) {
            return Err(refused("there is no such account"));
        }
        let mut rows = self.rows();
        rows.projects.insert(project.id, project.clone());
        rows.log(audit);
        Ok(())
    }

    async fn project_find(
        &self,
        account: AccountId,
        id: ProjectId,
    ) -> Result<Option<Project>, PeopleStoreError> {
        Ok(self.rows().projects.get(&id).filter(|project| project.account == account).cloned())
    }

    async fn project_list(
        &self,
        account: AccountId,
        cursor: Option<ProjectId>,
        limit: u32,
    ) -> Result<Vec<Project>, PeopleStoreError> {
        let rows = self.rows();
        let after = rows
            .projects
            .values()
            .filter(|project| project.account == account && cursor.is_none_or(|cursor| cursor < project.id));
        Ok(after.take(limit as usize).cloned().collect())
    }

    async fn project_rename(
        &self,
        account: AccountId,
        id: ProjectId,
        name: &str,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        Ok(self.change_project(account, id, audit, |project| name.clone_into(&mut project.name)))
    }

    async fn project_archive(
        &self,
        account: AccountId,
        id: ProjectId,
        at: Timestamp,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let is_archived = self.change_project(account, id, audit, |project| project.archived = Some(at));
        if is_archived {
            self.accounts.revoke_all(account, Some(id), at);
        }
        Ok(is_archived)
    }
}
