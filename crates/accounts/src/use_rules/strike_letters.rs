use std::sync::Arc;

use vocab::PersonId;

use super::{Case, ConductStore, ConductStoreError};
use crate::letter::Occasion;
use crate::{Account, People, PeopleStoreError, Person, PostFull, Role};

/// Cases that are written about in one go.
const BATCH: u32 = 100;

/// Members of an account that are looked through at once.
const MEMBERS_PAGE: u32 = 500;

/// Owners of one account who are written to; more than any account has.
const OWNERS_MAX: usize = 100;

/// Writes to the owners of accounts that got a strike, whoever gave it: how it came to that, what follows, and how to
/// appeal (USE-08, LEGAL-06).
///
/// Letters are for the schedule, so that neither a request nor a reviewer waits for them, and a strike that was given
/// on the command line is told by the server. However many nodes do it, a strike is told once; one that is told just
/// when the node ends may stay untold.
pub struct StrikeLetters {
    people: Arc<People>,
    conduct: Arc<dyn ConductStore>,
}

/// Owners were not written to.
#[derive(Debug, thiserror::Error)]
pub enum StrikeLetterError {
    /// The store of cases failed.
    #[error(transparent)]
    Conduct(#[from] ConductStoreError),
    /// The store of people failed.
    #[error(transparent)]
    People(#[from] PeopleStoreError),
    /// The letter box is full.
    #[error(transparent)]
    PostFull(#[from] PostFull),
}

impl StrikeLetters {
    /// Letters about the strikes in `conduct`, to `people`.
    pub fn new(people: Arc<People>, conduct: Arc<dyn ConductStore>) -> Self {
        Self { people, conduct }
    }

    /// Writes about strikes that nobody was told of, at most a hundred, and says how many letters that were.
    pub async fn send_due(&self) -> Result<u32, StrikeLetterError> {
        let mut letters = 0;
        for case in self.conduct.case_untold(BATCH).await? {
            // Found before the case counts as told, so that a store that fails here does not swallow the letter.
            let owners = self.owners(&case).await?;
            if self.conduct.case_tell(case.id).await? {
                for (owner, account) in &owners {
                    self.people.write(owner, &occasion(&case, owner, account))?;
                    letters += 1;
                }
            }
        }
        Ok(letters)
    }

    /// Those whose address is known to be theirs, with the account as they see it.
    async fn owners(&self, case: &Case) -> Result<Vec<(Person, Account)>, PeopleStoreError> {
        let store = self.people.store();
        let mut owners = Vec::new();
        let mut cursor: Option<PersonId> = None;
        loop {
            let page = store.membership_list_of_account(case.account, cursor, MEMBERS_PAGE).await?;
            for member in page.iter().filter(|member| member.membership.role == Role::Owner) {
                let id = member.membership.person;
                let access = store.membership_find(id, case.account).await?;
                let person = store.person_find(id).await?.filter(|person| person.email_verified.is_some());
                owners.extend(person.zip(access.map(|access| access.account)));
            }
            cursor = page.last().map(|member| member.membership.person);
            if page.len() < MEMBERS_PAGE as usize || owners.len() >= OWNERS_MAX {
                owners.truncate(OWNERS_MAX);
                return Ok(owners);
            }
        }
    }
}

fn occasion<'a>(case: &'a Case, owner: &'a Person, account: &'a Account) -> Occasion<'a> {
    Occasion::Strike { name: &owner.name, account, case }
}
