use std::sync::Arc;

use vocab::{Clock, ProjectId};

use crate::account::{InvalidName, checked_name};
use crate::{Access, Action, AuditAction, By, NotAllowed, OrganisationStore, PeopleStoreError, Project};

/// Longest page of a list.
const PAGE_MAX: u32 = 1000;

/// Makes, finds and ends projects.
pub struct Projects {
    store: Arc<dyn OrganisationStore>,
    clock: Arc<dyn Clock>,
}

/// Why something was not done with a project.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The account has no such project, or it is put away.
    #[error("the account has no project `{0}`, or it is archived")]
    Unknown(ProjectId),
    /// The role does not allow it.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The name cannot be shown.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// The store failed.
    #[error("projects are not available")]
    Store(#[from] PeopleStoreError),
}

impl Projects {
    /// Projects kept in `store`.
    pub fn new(store: Arc<dyn OrganisationStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Makes a project.
    pub async fn create(&self, access: &Access, name: &str, by: &By) -> Result<Project, ProjectError> {
        access.require(Action::ManageProjects)?;
        let now = self.clock.now();
        let account = access.account.id;
        let name = checked_name(name)?;
        let project = Project { id: ProjectId::generate(), account, name, created: now, archived: None };
        self.store.project_insert(&project, &by.did(now, account, PROJECT_CREATE, project.id)).await?;
        Ok(project)
    }

    /// A project that is not put away.
    pub async fn find(&self, access: &Access, id: ProjectId) -> Result<Project, ProjectError> {
        access.require(Action::SeeKeys)?;
        let found = self.store.project_find(access.account.id, id).await?;
        found.filter(|project| project.archived.is_none()).ok_or(ProjectError::Unknown(id))
    }

    /// A page of an account's projects, oldest first, archived ones too; the id of its last is the cursor of the next.
    /// Never more than 1000.
    pub async fn list(
        &self,
        access: &Access,
        cursor: Option<ProjectId>,
        limit: u32,
    ) -> Result<Vec<Project>, ProjectError> {
        access.require(Action::SeeKeys)?;
        Ok(self.store.project_list(access.account.id, cursor, limit.min(PAGE_MAX)).await?)
    }

    /// Gives a project another name.
    pub async fn rename(
        &self,
        access: &Access,
        id: ProjectId,
        name: &str,
        by: &By,
    ) -> Result<(), ProjectError> {
        access.require(Action::ManageProjects)?;
        let (account, name) = (access.account.id, checked_name(name)?);
        let audit = by.did(self.clock.now(), account, PROJECT_RENAME, id);
        let is_known = self.store.project_rename(account, id, &name, &audit).await?;
        if is_known { Ok(()) } else { Err(ProjectError::Unknown(id)) }
    }

    /// Puts a project away. Its keys are revoked with it, which is noticed everywhere within a second.
    pub async fn archive(&self, access: &Access, id: ProjectId, by: &By) -> Result<(), ProjectError> {
        access.require(Action::ManageProjects)?;
        let (account, now) = (access.account.id, self.clock.now());
        let audit = by.did(now, account, PROJECT_ARCHIVE, id);
        let is_done = self.store.project_archive(account, id, now, &audit).await?;
        if is_done { Ok(()) } else { Err(ProjectError::Unknown(id)) }
    }
}

const PROJECT_CREATE: AuditAction = AuditAction::named("project.create");
const PROJECT_RENAME: AuditAction = AuditAction::named("project.rename");
const PROJECT_ARCHIVE: AuditAction = AuditAction::named("project.archive");
