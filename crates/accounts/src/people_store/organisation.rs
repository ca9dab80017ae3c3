use async_trait::async_trait;
use vocab::{AccountId, InvitationId, PersonId, ProjectId, Timestamp};

use crate::{
    Access, Account, AccountState, AuditEvent, Invitation, Member, Membership, PeopleStoreError, Project,
    Role, TokenHash,
};

/// What became of a change of membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MembershipChange {
    /// It is done.
    Done,
    /// There is no such member.
    Unknown,
    /// The account would be left without an owner; nothing is changed.
    LastOwner,
}

/// An account that a person alone owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoleOwner {
    /// The account.
    pub account: AccountId,
    /// How many others are in it.
    pub others: u64,
}

/// Accounts with their members, invitations and projects.
#[async_trait]
pub trait OrganisationStore: Send + Sync + 'static {
    /// Writes a new account with its first owner.
    async fn organisation_insert(
        &self,
        account: &Account,
        owner: &Membership,
        audit: &AuditEvent,
    ) -> Result<(), PeopleStoreError>;

    /// Gives an account another name. Says whether there is such an account.
    async fn organisation_rename(
        &self,
        id: AccountId,
        name: &str,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;

    /// Moves an account from one state to another; keys notice within a second. Says whether it was in the first.
    async fn organisation_set_state(
        &self,
        id: AccountId,
        from: AccountState,
        to: AccountState,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;

    /// Writes a membership of a person and an account that exist. Says no if there is one.
    async fn membership_insert(
        &self,
        membership: &Membership,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;

    /// A person's place in an account, and the account.
    async fn membership_find(
        &self,
        person: PersonId,
        account: AccountId,
    ) -> Result<Option<Access>, PeopleStoreError>;

    /// The accounts that a person belongs to, in order of account.
    async fn membership_list_of_person(
        &self,
        person: PersonId,
        cursor: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<Access>, PeopleStoreError>;

    /// The members of an account, in order of person.
    async fn membership_list_of_account(
        &self,
        account: AccountId,
        cursor: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<Member>, PeopleStoreError>;

    /// Gives a member another role, unless that leaves no owner.
    async fn membership_set_role(
        &self,
        account: AccountId,
        person: PersonId,
        role: Role,
        audit: &AuditEvent,
    ) -> Result<MembershipChange, PeopleStoreError>;

    /// Takes a member out of an account, unless that leaves no owner.
    async fn membership_remove(
        &self,
        account: AccountId,
        person: PersonId,
        audit: &AuditEvent,
    ) -> Result<MembershipChange, PeopleStoreError>;

    /// The accounts, not closed, that a person alone owns, in order of account.
    async fn membership_sole_owner(
        &self,
        person: PersonId,
        limit: u32,
    ) -> Result<Vec<SoleOwner>, PeopleStoreError>;

    /// Writes an invitation to an account that exists; open ones for the same address are closed.
    async fn invitation_insert(
        &self,
        invitation: &Invitation,
        audit: &AuditEvent,
    ) -> Result<(), PeopleStoreError>;

    /// The invitation with this token's hash; closed and expired ones too.
    async fn invitation_find(&self, token: &TokenHash) -> Result<Option<Invitation>, PeopleStoreError>;

    /// The invitations of an account after `cursor`, in order of id.
    async fn invitation_list(
        &self,
        account: AccountId,
        cursor: Option<InvitationId>,
        limit: u32,
    ) -> Result<Vec<Invitation>, PeopleStoreError>;

    /// Closes an invitation of an account. Says whether it was not closed before.
    async fn invitation_withdraw(
        &self,
        account: AccountId,
        id: InvitationId,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;

    /// Uses an invitation up and writes the membership, which is to have the invitation's account. Says no if the
    /// invitation is not open at the moment of the membership, or if there is such a member.
    async fn invitation_accept(
        &self,
        token: &TokenHash,
        membership: &Membership,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;

    /// Writes a project of an account that exists.
    async fn project_insert(&self, project: &Project, audit: &AuditEvent) -> Result<(), PeopleStoreError>;

    /// A project of an account.
    async fn project_find(
        &self,
        account: AccountId,
        id: ProjectId,
    ) -> Result<Option<Project>, PeopleStoreError>;

    /// The projects of an account after `cursor`, in order of id.
    async fn project_list(
        &self,
        account: AccountId,
        cursor: Option<ProjectId>,
        limit: u32,
    ) -> Result<Vec<Project>, PeopleStoreError>;

    /// Gives a project of an account another name. Says whether there is such a project.
    async fn project_rename(
        &self,
        account: AccountId,
        id: ProjectId,
        name: &str,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;

    /// Puts a project of an account away and revokes its keys. Says whether it was not put away before.
    async fn project_archive(
        &self,
        account: AccountId,
        id: ProjectId,
        at: Timestamp,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError>;
}
