use vocab::PersonId;

use super::{PERSON_CHANGE_PROFILE, PERSON_LOCK, PERSON_UNLOCK, People};
use crate::account::{InvalidName, checked_name};
use crate::{By, PeopleStoreError, PersonState, Profile};

/// Why a person was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// There is no such person.
    #[error("there is no person `{0}`")]
    Unknown(PersonId),
    /// They are not in the state that this begins from.
    #[error("this cannot be done to them now; look at their state first")]
    IllegalState,
    /// The name cannot be shown.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// They would be younger than anyone here may be.
    #[error("you have to be at least {age_min} years old")]
    TooYoung {
        /// How old they have to be.
        age_min: u16,
    },
    /// The store failed.
    #[error("people cannot be changed now")]
    Store(#[from] PeopleStoreError),
}

impl People {
    /// Changes what a person can change about themselves (rule DATA-04).
    pub async fn set_profile(
        &self,
        person: PersonId,
        profile: &Profile,
        by: &By,
    ) -> Result<(), ProfileError> {
        let profile = Profile { name: checked_name(&profile.name)?, ..profile.clone() };
        let now = self.now();
        let age_min = self.settings.age_min;
        if profile.birth_date.is_some_and(|date| date.age_at(now).is_none_or(|age| age < age_min)) {
            return Err(ProfileError::TooYoung { age_min });
        }
        let audit = by.did(now, None, PERSON_CHANGE_PROFILE, person);
        let is_known = self.store.person_set_profile(person, &profile, &audit).await?;
        if is_known { Ok(()) } else { Err(ProfileError::Unknown(person)) }
    }

    /// Keeps a person out and ends their sessions; for the operator.
    pub async fn lock(&self, person: PersonId, by: &By) -> Result<(), ProfileError> {
        let audit = by.did(self.now(), None, PERSON_LOCK, person);
        let is_moved =
            self.store.person_set_state(person, PersonState::Active, PersonState::Locked, &audit).await?;
        if is_moved { Ok(()) } else { Err(ProfileError::IllegalState) }
    }

    /// Lets a person in again; for the operator.
    pub async fn unlock(&self, person: PersonId, by: &By) -> Result<(), ProfileError> {
        let audit = by.did(self.now(), None, PERSON_UNLOCK, person);
        let is_moved =
            self.store.person_set_state(person, PersonState::Locked, PersonState::Active, &audit).await?;
        if is_moved { Ok(()) } else { Err(ProfileError::IllegalState) }
    }
}
