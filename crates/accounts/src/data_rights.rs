//! What people can ask about their data: a copy, a list of what they agreed to, and to be forgotten.

mod account_data;
mod archive;
mod conduct_data;
mod consents;
mod erasure;
mod own_data;
mod personal_data;
mod plan_data;

use std::sync::Arc;
use std::time::Duration;

use vocab::{AccountId, PersonId};

use crate::{
    AccountStore, AuditAction, IllegalDeletionEvent, People, PeopleStore, PeopleStoreError, PostFull,
    ProofError,
};

pub use account_data::{AccountData, AccountRows, ByAccount};
pub use archive::{ExportError, Exported};
pub use conduct_data::ConductData;
pub use personal_data::{DataPage, Document, PersonalData, PersonalDataError, Section, Subject};
pub use plan_data::PlanData;

use own_data::OwnData;

/// How requests about personal data are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataRightsSettings {
    /// How long someone can take a deletion back.
    pub grace: Duration,
    /// Whether the operator looks at each deletion first (rule DATA-08).
    pub is_reviewed: bool,
}

/// Answers requests about personal data.
pub struct DataRights {
    people: Arc<People>,
    store: Arc<dyn PeopleStore>,
    sources: Vec<Arc<dyn PersonalData>>,
    settings: DataRightsSettings,
}

/// Why a deletion did not go on.
#[derive(Debug, thiserror::Error)]
pub enum DeletionError {
    /// They did not prove who they are (rule DATA-06).
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// There is one already.
    #[error("a deletion is asked for already")]
    AlreadyRequested,
    /// Nobody asked for one.
    #[error("`{0}` did not ask to be deleted")]
    Unknown(PersonId),
    /// It cannot go on like that from where it is.
    #[error(transparent)]
    IllegalState(#[from] IllegalDeletionEvent),
    /// It went on meanwhile.
    #[error("the deletion went on meanwhile; look again")]
    Changed,
    /// They are the only owner of an account with others in it.
    #[error(
        "account `{account}` would be left to {others} members without an owner; make one of them an owner first"
    )]
    LastOwner {
        /// Which.
        account: AccountId,
        /// How many others are in it.
        others: u64,
    },
    /// They own the account that runs the platform.
    #[error("the operator's account needs an owner; make someone else its owner first")]
    IsOperator,
    /// A store of other data did not forget them; it is tried again.
    #[error("not everything could be deleted")]
    Data(#[from] PersonalDataError),
    /// The letter cannot be sent now.
    #[error(transparent)]
    PostFull(#[from] PostFull),
    /// The store failed.
    #[error("deletions are not available")]
    Store(#[from] PeopleStoreError),
}

impl Default for DataRightsSettings {
    /// Two weeks, and the operator looks.
    fn default() -> Self {
        Self { grace: Duration::from_secs(14 * 24 * 3600), is_reviewed: true }
    }
}

impl DataRights {
    /// Rights over what the two stores keep.
    pub fn new(
        people: Arc<People>,
        store: Arc<dyn PeopleStore>,
        accounts: Arc<dyn AccountStore>,
        settings: DataRightsSettings,
    ) -> Self {
        let own = OwnData { store: store.clone(), accounts };
        Self { people, store, sources: vec![Arc::new(own)], settings }
    }

    /// Rights over what another store keeps too.
    #[must_use]
    pub fn with(mut self, source: Arc<dyn PersonalData>) -> Self {
        self.sources.push(source);
        self
    }

    /// Whom data is asked about: a person, and the accounts that are theirs alone.
    async fn subject(&self, person: PersonId) -> Result<Subject, PeopleStoreError> {
        let owned = self.store.membership_sole_owner(person, OWNED_MAX).await?;
        let accounts = owned.into_iter().filter(|owned| owned.others == 0).map(|owned| owned.account);
        Ok(Subject { person, accounts: accounts.collect() })
    }
}

/// More accounts than anyone owns alone.
const OWNED_MAX: u32 = 1000;

const DATA_EXPORT: AuditAction = AuditAction::named("data.export");
const DELETION_REQUEST: AuditAction = AuditAction::named("deletion.request");
const DELETION_MOVE: AuditAction = AuditAction::named("deletion.change");
const PERSON_ERASE: AuditAction = AuditAction::named("person.erase");
