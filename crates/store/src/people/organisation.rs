use accounts::{
    Access, Account, AccountState, AuditEvent, Invitation, Member, Membership, MembershipChange,
    OrganisationStore, PeopleStoreError, Project, Role, SoleOwner, TokenHash,
};
use async_trait::async_trait;
use vocab::{AccountId, InvitationId, PersonId, ProjectId, Timestamp};

use super::person::kept;
use super::{invitation, member};
use crate::db::{Row, Statement, sql};
use crate::{Store, StoreError};

#[async_trait]
impl OrganisationStore for Store {
    async fn organisation_insert(
        &self,
        account: &Account,
        owner: &Membership,
        audit: &AuditEvent,
    ) -> Result<(), PeopleStoreError> {
        let mut tx = self.begin().await?;
        crate::accounts::insert(&mut tx, account).await?;
        member::insert(&mut tx, owner).await?;
        kept(tx, audit).await?;
        Ok(())
    }

    async fn organisation_rename(
        &self,
        id: AccountId,
        name: &str,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        Ok(change(self, sql("UPDATE account SET name = $1 WHERE id = $2").bind(name).bind(id), audit).await?)
    }

    async fn organisation_set_state(
        &self,
        id: AccountId,
        from: AccountState,
        to: AccountState,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let update = sql("UPDATE account SET state = $1 WHERE id = $2 AND state = $3");
        Ok(change(self, update.bind(to.name()).bind(id).bind(from.name()), audit).await?)
    }

    async fn membership_insert(
        &self,
        membership: &Membership,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut tx = self.begin().await?;
        if !member::insert(&mut tx, membership).await? {
            return Ok(false);
        }
        Ok(kept(tx, audit).await?)
    }

    async fn membership_find(
        &self,
        person: PersonId,
        account: AccountId,
    ) -> Result<Option<Access>, PeopleStoreError> {
        Ok(member::find(self, person, account).await?)
    }

    async fn membership_list_of_person(
        &self,
        person: PersonId,
        cursor: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<Access>, PeopleStoreError> {
        Ok(member::list_of_person(self, person, cursor, limit).await?)
    }

    async fn membership_list_of_account(
        &self,
        account: AccountId,
        cursor: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<Member>, PeopleStoreError> {
        Ok(member::list_of_account(self, account, cursor, limit).await?)
    }

    async fn membership_set_role(
        &self,
        account: AccountId,
        person: PersonId,
        role: Role,
        audit: &AuditEvent,
    ) -> Result<MembershipChange, PeopleStoreError> {
        Ok(member::set_role(self, account, person, role, audit).await?)
    }

    async fn membership_remove(
        &self,
        account: AccountId,
        person: PersonId,
        audit: &AuditEvent,
    ) -> Result<MembershipChange, PeopleStoreError> {
        Ok(member::remove(self, account, person, audit).await?)
    }

    async fn membership_sole_owner(
        &self,
        person: PersonId,
        limit: u32,
    ) -> Result<Vec<SoleOwner>, PeopleStoreError> {
        Ok(member::sole_owner(self.reader(), person, limit).await?)
    }

    async fn invitation_insert(
        &self,
        invitation: &Invitation,
        audit: &AuditEvent,
    ) -> Result<(), PeopleStoreError> {
        Ok(invitation::insert(self, invitation, audit).await?)
    }

    async fn invitation_find(&self, token: &TokenHash) -> Result<Option<Invitation>, PeopleStoreError> {
        Ok(invitation::find(self, token).await?)
    }

    async fn invitation_list(
        &self,
        account: AccountId,
        cursor: Option<InvitationId>,
        limit: u32,
    ) -> Result<Vec<Invitation>, PeopleStoreError> {
        Ok(invitation::list(self, account, cursor, limit).await?)
    }

    async fn invitation_withdraw(
        &self,
        account: AccountId,
        id: InvitationId,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        Ok(invitation::withdraw(self, account, id, audit).await?)
    }

    async fn invitation_accept(
        &self,
        token: &TokenHash,
        membership: &Membership,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        Ok(invitation::accept(self, token, membership, audit).await?)
    }

    async fn project_insert(&self, project: &Project, audit: &AuditEvent) -> Result<(), PeopleStoreError> {
        let mut tx = self.begin().await?;
        sql("INSERT INTO project (id, account, name, created, archived) VALUES ($1, $2, $3, $4, $5)")
            .bind(project.id)
            .bind(project.account)
            .bind(&project.name)
            .bind(project.created)
            .bind(project.archived)
            .execute(&mut tx)
            .await?;
        kept(tx, audit).await?;
        Ok(())
    }

    async fn project_find(
        &self,
        account: AccountId,
        id: ProjectId,
    ) -> Result<Option<Project>, PeopleStoreError> {
        let row =
            sql("SELECT id, account, name, created, archived FROM project WHERE id = $1 AND account = $2")
                .bind(id)
                .bind(account)
                .fetch_optional(self.reader())
                .await?;
        Ok(row.as_ref().map(read_project).transpose()?)
    }

    async fn project_list(
        &self,
        account: AccountId,
        cursor: Option<ProjectId>,
        limit: u32,
    ) -> Result<Vec<Project>, PeopleStoreError> {
        // Every id sorts after the empty text.
        let after = cursor.map(|id| id.to_string()).unwrap_or_default();
        let rows = sql("SELECT id, account, name, created, archived FROM project
             WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3")
        .bind(account)
        .bind(after)
        .bind(limit)
        .fetch_all(self.reader())
        .await?;
        Ok(rows.iter().map(read_project).collect::<Result<_, _>>()?)
    }

    async fn project_rename(
        &self,
        account: AccountId,
        id: ProjectId,
        name: &str,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let update = sql("UPDATE project SET name = $1 WHERE id = $2 AND account = $3 AND archived IS NULL");
        Ok(change(self, update.bind(name).bind(id).bind(account), audit).await?)
    }

    async fn project_archive(
        &self,
        account: AccountId,
        id: ProjectId,
        at: Timestamp,
        audit: &AuditEvent,
    ) -> Result<bool, PeopleStoreError> {
        let mut tx = self.begin().await?;
        let update = sql("UPDATE project SET archived = $1
             WHERE id = $2 AND account = $3 AND archived IS NULL");
        if update.bind(at).bind(id).bind(account).execute(&mut tx).await? == 0 {
            return Ok(false);
        }
        sql("UPDATE api_key SET revoked = $1 WHERE project = $2 AND account = $3 AND revoked IS NULL")
            .bind(at)
            .bind(id)
            .bind(account)
            .execute(&mut tx)
            .await?;
        Ok(kept(tx, audit).await?)
    }
}

/// Runs a statement that changes one row or none, and logs it if it did.
async fn change(store: &Store, update: Statement, audit: &AuditEvent) -> Result<bool, StoreError> {
    let mut tx = store.begin().await?;
    if update.execute(&mut tx).await? == 0 {
        return Ok(false);
    }
    kept(tx, audit).await
}

fn read_project(row: &Row) -> Result<Project, StoreError> {
    Ok(Project {
        id: row.parsed("id")?,
        account: row.parsed("account")?,
        name: row.text("name")?,
        created: row.moment("created")?,
        archived: row.moment_if_any("archived")?,
    })
}
