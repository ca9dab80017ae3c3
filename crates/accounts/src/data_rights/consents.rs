use vocab::{ConsentId, PersonId};

use super::DataRights;
use crate::people::consent;
use crate::{Agreement, Consent, ConsentSubject, PeopleStoreError};

/// Longest page of a list.
const PAGE_MAX: u32 = 1000;

impl DataRights {
    /// Writes down that a person agrees to something or withdraws it. What was written before stays (rule DATA-05).
    pub async fn agree(&self, person: PersonId, agreement: &Agreement) -> Result<Consent, PeopleStoreError> {
        let consent = consent(person, agreement, self.people.now());
        self.store.consent_insert(&consent).await?;
        Ok(consent)
    }

    /// A page of what a person agreed to and withdrew, the newest first; the id of its last is the cursor of the next.
    /// Never more than 1000.
    pub async fn consent_list(
        &self,
        person: PersonId,
        cursor: Option<ConsentId>,
        limit: u32,
    ) -> Result<Vec<Consent>, PeopleStoreError> {
        self.store.consent_list(person, cursor, limit.min(PAGE_MAX)).await
    }

    /// What counts now: the newest line about `subject`. None means no, as for marketing and training (rules DATA-11,
    /// DATA-18).
    pub async fn consent_in_force(
        &self,
        person: PersonId,
        subject: ConsentSubject,
    ) -> Result<Option<Consent>, PeopleStoreError> {
        let mut cursor = None;
        loop {
            let page = self.store.consent_list(person, cursor, PAGE_MAX).await?;
            let Some(last) = page.last() else { return Ok(None) };
            cursor = Some(last.id);
            if let Some(found) = page.into_iter().find(|consent| consent.subject == subject) {
                return Ok(Some(found).filter(|consent| consent.is_given));
            }
        }
    }
}
