use std::net::IpAddr;

use vocab::{PersonId, Secret};

use super::{FACTOR_DISABLE, FACTOR_ENABLE, People, Proof, ProofError, RECOVERY_REPLACE, RECOVERY_USE};
use crate::second_factor::SharedSecret;
use crate::throttle::{Subject, TooManyTries};
use crate::{By, FactorSetup, PeopleStoreError, RecoveryCodes, SealError, SecondFactor, SignedIn};

/// Why a second factor was not set up, checked or taken away.
#[derive(Debug, thiserror::Error)]
pub enum FactorError {
    /// There is one; it has to be taken away first.
    #[error("a second factor is set up already; take it away first")]
    AlreadyEnabled,
    /// There is none, or none that waits for its first code.
    #[error("no second factor is set up")]
    NotSetUp,
    /// The code is not one of now, or was used.
    #[error("the code is wrong or was used; wait for the next one")]
    WrongCode,
    /// They did not prove who they are.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// Too early after too many tries.
    #[error(transparent)]
    TooManyTries(#[from] TooManyTries),
    /// The secret cannot be sealed or opened.
    #[error("the second factor's secret cannot be read")]
    Seal(#[from] SealError),
    /// The store failed.
    #[error("second factors are not available")]
    Store(#[from] PeopleStoreError),
}

impl People {
    /// Begins to set a second factor up; it is asked for once [`People::confirm_factor`] has seen a code. Beginning anew
    /// replaces one that waits.
    pub async fn begin_factor(
        &self,
        signed_in: &SignedIn,
        proof: &Proof<'_>,
        source: Option<IpAddr>,
    ) -> Result<FactorSetup, FactorError> {
        self.prove(signed_in, proof, source).await?;
        let person = &signed_in.person;
        let secret = SharedSecret::generate()?;
        let sealed_secret = secret.seal(&self.seal, person.id)?;
        let factor = SecondFactor { person: person.id, sealed_secret, confirmed: None, last_step: 0 };
        if !self.store.factor_begin(&factor).await? {
            return Err(FactorError::AlreadyEnabled);
        }
        Ok(secret.setup(&self.settings.site.name, person.email.as_str())?)
    }

    /// Takes the first code from the device. From now on a login asks for one, and the recovery codes, which nobody can
    /// read again, open in its place.
    pub async fn confirm_factor(
        &self,
        signed_in: &SignedIn,
        code: &Secret,
        source: Option<IpAddr>,
    ) -> Result<RecoveryCodes, FactorError> {
        let person = signed_in.person.id;
        let attempt = self.throttle.begin([Subject::Factor(person.to_string())], self.now())?;
        let waiting = self.store.factor_find(person).await?.filter(|factor| factor.confirmed.is_none());
        let factor = waiting.ok_or(FactorError::NotSetUp)?;
        let step = SharedSecret::open(&self.seal, &factor)?.step_of(code.expose(), self.now());
        let step = step.ok_or(FactorError::WrongCode)?;
        attempt.succeeded();

        let (codes, hashes) = RecoveryCodes::generate();
        let audit = By::person(person, source).did(self.now(), None, FACTOR_ENABLE, person);
        let is_confirmed = self.store.factor_confirm(&factor, step, &hashes, &audit).await?;
        if is_confirmed { Ok(codes) } else { Err(FactorError::NotSetUp) }
    }

    /// Takes the second factor away from someone who can show it, or a recovery code.
    pub async fn disable_factor(
        &self,
        signed_in: &SignedIn,
        code: &Secret,
        source: Option<IpAddr>,
    ) -> Result<(), FactorError> {
        let person = signed_in.person.id;
        let by = By::person(person, source);
        self.show_factor(person, code, &by).await?;
        self.remove_factor(person, &by).await
    }

    /// Takes a second factor away from someone who lost device and codes; for the operator, who knows them otherwise.
    pub async fn remove_factor(&self, person: PersonId, by: &By) -> Result<(), FactorError> {
        let audit = by.did(self.now(), None, FACTOR_DISABLE, person);
        if self.store.factor_remove(person, &audit).await? { Ok(()) } else { Err(FactorError::NotSetUp) }
    }

    /// New recovery codes, in place of all earlier ones, for someone who can show the second factor.
    pub async fn replace_recovery_codes(
        &self,
        signed_in: &SignedIn,
        code: &Secret,
        source: Option<IpAddr>,
    ) -> Result<RecoveryCodes, FactorError> {
        let person = signed_in.person.id;
        let by = By::person(person, source);
        self.show_factor(person, code, &by).await?;
        let (codes, hashes) = RecoveryCodes::generate();
        let audit = by.did(self.now(), None, RECOVERY_REPLACE, person);
        let is_replaced = self.store.recovery_replace(person, &hashes, &audit).await?;
        if is_replaced { Ok(codes) } else { Err(FactorError::NotSetUp) }
    }

    /// How many recovery codes are left; nothing if there is no second factor.
    pub async fn recovery_codes_left(&self, person: PersonId) -> Result<Option<u32>, FactorError> {
        if !self.has_factor(person).await? {
            return Ok(None);
        }
        Ok(Some(self.store.recovery_count(person).await?))
    }

    pub(crate) async fn has_factor(&self, person: PersonId) -> Result<bool, PeopleStoreError> {
        let factor = self.store.factor_find(person).await?;
        Ok(factor.is_some_and(|factor| factor.confirmed.is_some()))
    }

    /// Passes if `code` is one of the second factor, which is thereby used, after waits that grow.
    pub(crate) async fn show_factor(
        &self,
        person: PersonId,
        code: &Secret,
        by: &By,
    ) -> Result<(), FactorError> {
        let attempt = self.throttle.begin([Subject::Factor(person.to_string())], self.now())?;
        match self.is_factor_shown(person, code, by).await {
            Ok(true) => {
                attempt.succeeded();
                Ok(())
            }
            Ok(false) => Err(FactorError::WrongCode),
            Err(error) => {
                attempt.undone();
                Err(error)
            }
        }
    }

    /// Whether `code` is one of now that was not used, or a recovery code. It is used up by this.
    pub(super) async fn is_factor_shown(
        &self,
        person: PersonId,
        code: &Secret,
        by: &By,
    ) -> Result<bool, FactorError> {
        let found = self.store.factor_find(person).await?;
        let factor = found.filter(|factor| factor.confirmed.is_some()).ok_or(FactorError::NotSetUp)?;
        let secret = SharedSecret::open(&self.seal, &factor)?;
        if let Some(step) = secret.step_of(code.expose(), self.now()) {
            return Ok(self.store.factor_use_step(person, step).await?);
        }
        let Some(hash) = RecoveryCodes::hash_of(code.expose()) else { return Ok(false) };
        let audit = by.did(self.now(), None, RECOVERY_USE, person);
        Ok(self.store.recovery_use(person, &hash, &audit).await?)
    }
}
