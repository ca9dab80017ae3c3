use std::net::IpAddr;

use vocab::PersonId;

use super::{DELETION_MOVE, DELETION_REQUEST, DataRights, DeletionError, OWNED_MAX, PERSON_ERASE};
use crate::letter::Occasion;
use crate::{
    By, DeletionEvent, DeletionRequest, DeletionState, EmailAddress, Erasure, PeopleStoreError, Proof,
    SignedIn,
};

/// What stands in place of a name that is gone.
const ERASED_NAME: &str = "deleted";

/// Longest page of a list.
const PAGE_MAX: u32 = 1000;

/// Deletions carried out in one go.
const BATCH: u32 = 100;

impl DataRights {
    /// Asks that a person be forgotten. It is carried out when it is due and, where the operator looks first, approved;
    /// until then the person can take it back.
    pub async fn request_deletion(
        &self,
        signed_in: &SignedIn,
        proof: &Proof<'_>,
        source: Option<IpAddr>,
    ) -> Result<DeletionRequest, DeletionError> {
        self.people.prove(signed_in, proof, source).await?;
        let person = &signed_in.person;
        self.check_leaves_no_orphan(person.id).await?;

        let now = self.people.now();
        let state =
            if self.settings.is_reviewed { DeletionState::Requested } else { DeletionState::Approved };
        let due = now.plus(self.settings.grace);
        let request = DeletionRequest { person: person.id, state, requested: now, due, updated: now };
        let audit = By::person(person.id, source).did(now, None, DELETION_REQUEST, person.id);
        if !self.store.deletion_insert(&request, &audit).await? {
            return Err(DeletionError::AlreadyRequested);
        }
        self.people.write(person, &Occasion::DeletionRequested { name: &person.name, due })?;
        Ok(request)
    }

    /// Lets `event` happen to a request: a person withdraws it, the operator approves or refuses it.
    pub async fn move_deletion(
        &self,
        person: PersonId,
        event: DeletionEvent,
        by: &By,
    ) -> Result<DeletionState, DeletionError> {
        let request = self.store.deletion_find(person).await?.ok_or(DeletionError::Unknown(person))?;
        if event == DeletionEvent::CarryOut {
            self.carry_out(&request, by).await?;
            return Ok(DeletionState::CarriedOut);
        }
        let to = request.state.after(event)?;
        let audit = by.did(self.people.now(), None, DELETION_MOVE, person).with("state", to.name());
        let is_moved = self.store.deletion_move(person, request.state, to, &audit).await?;
        if is_moved { Ok(to) } else { Err(DeletionError::Changed) }
    }

    /// A person's request, if there is one.
    pub async fn deletion(&self, person: PersonId) -> Result<Option<DeletionRequest>, PeopleStoreError> {
        self.store.deletion_find(person).await
    }

    /// A page of requests in a state; the person of the last is the cursor of the next. Never more than 1000.
    pub async fn deletion_list(
        &self,
        state: DeletionState,
        cursor: Option<PersonId>,
        limit: u32,
    ) -> Result<Vec<DeletionRequest>, PeopleStoreError> {
        self.store.deletion_list(state, cursor, limit.min(PAGE_MAX)).await
    }

    /// Forgets everyone whose deletion is due, at most a hundred, and says what became of each. One that fails is tried
    /// again the next time. Called by the schedule.
    pub async fn carry_out_due(
        &self,
    ) -> Result<Vec<(PersonId, Result<(), DeletionError>)>, PeopleStoreError> {
        let due = self.store.deletion_due(self.people.now(), None, BATCH).await?;
        let mut results = Vec::with_capacity(due.len());
        for request in due {
            results.push((request.person, self.carry_out(&request, &By::SYSTEM).await));
        }
        Ok(results)
    }

    /// The other stores forget first, because they need to know what was whose; each step is safe to repeat.
    async fn carry_out(&self, request: &DeletionRequest, by: &By) -> Result<(), DeletionError> {
        request.state.after(DeletionEvent::CarryOut)?;
        let person = request.person;
        self.check_leaves_no_orphan(person).await?;
        let now = self.people.now();
        let subject = self.subject(person).await?;
        for source in &self.sources {
            source.data_erase(&subject, now).await?;
        }

        let erasure = Erasure {
            person,
            email: nobodys_address(person)?,
            name: ERASED_NAME.to_owned(),
            audit: by.did(now, None, PERSON_ERASE, person),
        };
        let is_erased = self.store.person_erase(&erasure).await?;
        if is_erased { Ok(()) } else { Err(DeletionError::Changed) }
    }

    async fn check_leaves_no_orphan(&self, person: PersonId) -> Result<(), DeletionError> {
        for owned in self.store.membership_sole_owner(person, OWNED_MAX).await? {
            let found = self.store.membership_find(person, owned.account).await?;
            if found.is_some_and(|access| access.account.is_operator) {
                return Err(DeletionError::IsOperator);
            }
            if owned.others > 0 {
                return Err(DeletionError::LastOwner { account: owned.account, others: owned.others });
            }
        }
        Ok(())
    }
}

/// An address that nobody can have (RFC 2606), another one for each person.
fn nobodys_address(person: PersonId) -> Result<EmailAddress, DeletionError> {
    let address = format!("{person}@deleted.invalid").parse();
    address.map_err(|error| DeletionError::Store(PeopleStoreError(Box::new(error))))
}
