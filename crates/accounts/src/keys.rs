use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::RngExt;
use rand::distr::Alphanumeric;
use subtle::ConstantTimeEq;
use tokio::time::error::Elapsed;
use vocab::{AccountId, Clock, KeyId, NanoUsd, Secret, Timestamp};

use crate::account::{InvalidName, checked_name};
use crate::key_cache::{KeyCache, OpenedKey};
use crate::opaque::OpaqueKeys;
use crate::{
    AccountStore, AccountStoreError, ApiKey, Caller, InvalidKeyScope, InvalidOpaqueKey, KeyTerms, OpaqueKey,
    PublicId, Seal, SealError, jwt,
};

/// Longest credential that is looked at.
const CREDENTIAL_BYTES_MAX: usize = 4096;

/// Letters and digits in a secret: 62^43 is just over 2^256.
const SECRET_CHARS: usize = 43;

/// Longest time that a key works beside its successor.
const OVERLAP_MAX: Duration = Duration::from_secs(90 * 24 * 3600);

/// Longest page of a list.
const PAGE_MAX: u32 = 1000;

/// Makes keys, ends them, and tells who holds one.
pub struct Keys {
    store: Arc<dyn AccountStore>,
    seal: Arc<Seal>,
    clock: Arc<dyn Clock>,
    cache: KeyCache,
    opaque: OpaqueKeys,
    uses: Mutex<HashMap<KeyId, Timestamp>>,
}

/// Why a credential opens no door.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AuthError {
    /// The request carries none (code 1001).
    #[error("no credential was sent")]
    Missing,
    /// It cannot be read, names no key, or its key was revoked or has expired (code 1002).
    #[error("the credential is not valid")]
    Invalid,
    /// A well-signed token whose time is over (code 1003).
    #[error("the token has expired")]
    Expired,
    /// A token that names a key but is not signed with its secret (code 1004).
    #[error("the token's signature does not match")]
    SignatureMismatch,
    /// Nothing is known about the credential because the store or its seal failed (code 1120).
    #[error("credentials cannot be checked now")]
    Unavailable(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

/// Why a key was not made, ended or listed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The account does not exist.
    #[error("there is no account `{0}`")]
    UnknownAccount(AccountId),
    /// The name cannot be shown in a list.
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// The moment it would expire is not in the future.
    #[error("a key cannot expire in the past")]
    AlreadyExpired,
    /// What it may be used for makes no sense.
    #[error(transparent)]
    InvalidScope(#[from] InvalidKeyScope),
    /// A limit below zero.
    #[error("a key cannot be limited to less than nothing a month")]
    InvalidSpend,
    /// There is no such key, or it is revoked or expired.
    #[error("there is no key `{0}` that works")]
    NotAlive(KeyId),
    /// The old key would work beside the new one for too long.
    #[error("an old key works beside its successor for 90 days at most")]
    OverlapTooLong,
    /// The secret could not be sealed.
    #[error("the key's secret could not be sealed")]
    Seal(#[from] SealError),
    /// The store failed.
    #[error("keys are not available")]
    Store(#[from] AccountStoreError),
}

impl Keys {
    /// Keys kept in `store`, their secrets under `seal`.
    pub fn new(store: Arc<dyn AccountStore>, seal: Seal, clock: Arc<dyn Clock>) -> Self {
        let seal = Arc::new(seal);
        let cache = KeyCache::new(store.clone(), seal.clone());
        Self { store, seal, clock, cache, opaque: OpaqueKeys::default(), uses: Mutex::default() }
    }

    /// Accepts these configured values too.
    pub fn with_opaque_keys(mut self, keys: Vec<OpaqueKey>) -> Result<Self, InvalidOpaqueKey> {
        self.opaque = OpaqueKeys::new(&self.seal, keys)?;
        Ok(self)
    }

    /// Tells who sent `credential`: a raw key, a JWT signed with one, or an opaque key.
    ///
    /// Answers from memory as a rule. A revocation, wherever it was made, is noticed within a second.
    pub async fn authenticate(&self, credential: &str) -> Result<Caller, AuthError> {
        if credential.is_empty() {
            return Err(AuthError::Missing);
        }
        if credential.len() > CREDENTIAL_BYTES_MAX {
            return Err(AuthError::Invalid);
        }
        match credential.bytes().filter(|b| *b == b'.').count() {
            0 => self.opaque.find(&self.seal, credential).ok_or(AuthError::Invalid),
            1 => self.authenticate_raw(credential).await,
            2 => self.authenticate_jwt(credential).await,
            _ => Err(AuthError::Invalid),
        }
    }

    /// Makes a key. The second value is the whole text `{public_id}.{secret}`, which nobody can read again.
    pub async fn create(
        &self,
        account: AccountId,
        name: &str,
        expires: Option<Timestamp>,
    ) -> Result<(ApiKey, Secret), KeyError> {
        self.create_under(account, name, KeyTerms { expires, ..KeyTerms::default() }).await
    }

    /// Makes a key that is limited. The second value is the whole text, as above.
    pub async fn create_under(
        &self,
        account: AccountId,
        name: &str,
        terms: KeyTerms,
    ) -> Result<(ApiKey, Secret), KeyError> {
        let (key, text) = self.mint(account, name, terms)?;
        if self.store.account_find(account).await?.is_none() {
            return Err(KeyError::UnknownAccount(account));
        }
        self.store.key_insert(&key).await?;
        Ok((key, text))
    }

    /// Makes a successor of a key, for the same use, and lets the key itself go on for `overlap`, so that nobody is shut
    /// out while they change over. A key that was to live for a time gets a successor that lives as long.
    pub async fn rotate(&self, id: KeyId, overlap: Duration) -> Result<(ApiKey, Secret), KeyError> {
        if overlap > OVERLAP_MAX {
            return Err(KeyError::OverlapTooLong);
        }
        let now = self.clock.now();
        let found = self.store.key_find(id).await?;
        let old = found.filter(|key| key.is_alive(now)).ok_or(KeyError::NotAlive(id))?;
        let terms = KeyTerms {
            project: old.project,
            scope: old.scope.as_ref().clone(),
            monthly_spend_max: old.monthly_spend_max,
            expires: old.expires.map(|expires| now.plus(expires.since(old.created))),
        };
        let (mut successor, text) = self.mint(old.account, &old.name, terms)?;
        successor.successor_of = Some(id);
        if !self.store.key_rotate(id, &successor, now.plus(overlap)).await? {
            return Err(KeyError::NotAlive(id));
        }
        self.cache.forget(old.public_id).await;
        Ok((successor, text))
    }

    /// Changes what a key is called and what it is for. Noticed everywhere within a second.
    pub async fn change(&self, id: KeyId, name: &str, terms: KeyTerms) -> Result<ApiKey, KeyError> {
        let now = self.clock.now();
        Self::check_terms(&terms, now)?;
        let found = self.store.key_find(id).await?;
        let old = found.filter(|key| key.is_alive(now)).ok_or(KeyError::NotAlive(id))?;
        let changed = ApiKey {
            name: checked_name(name)?,
            project: terms.project,
            scope: Arc::new(terms.scope),
            monthly_spend_max: terms.monthly_spend_max,
            expires: terms.expires,
            ..old
        };
        if !self.store.key_change(&changed).await? {
            return Err(KeyError::NotAlive(id));
        }
        self.cache.forget(changed.public_id).await;
        Ok(changed)
    }

    /// The key called `id`.
    pub async fn find(&self, id: KeyId) -> Result<Option<ApiKey>, KeyError> {
        Ok(self.store.key_find(id).await?)
    }

    /// A page of the keys of one account or of all, oldest first; the id of its last key is the cursor
    /// of the next. Never more than 1000.
    pub async fn list(
        &self,
        account: Option<AccountId>,
        cursor: Option<KeyId>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, KeyError> {
        Ok(self.store.key_list(account, cursor, limit.min(PAGE_MAX)).await?)
    }

    /// Ends the life of a key. Says whether it was alive. Here it is refused from now on; processes
    /// beside this one notice within a second.
    pub async fn revoke(&self, id: KeyId) -> Result<bool, KeyError> {
        let Some(key) = self.store.key_find(id).await? else { return Ok(false) };
        let was_alive = self.store.key_revoke(id, self.clock.now()).await?;
        self.cache.forget(key.public_id).await;
        Ok(was_alive)
    }

    /// The whole text of one of the account's living keys; a new one if it has none. For whoever holds the master
    /// key anyway: scripts and the terminal on the machine that runs this installation.
    pub async fn reveal_one(&self, account: AccountId) -> Result<Secret, KeyError> {
        let now = self.clock.now();
        let keys = self.store.key_list(Some(account), None, PAGE_MAX).await?;
        match keys.iter().find(|key| key.is_alive(now)) {
            Some(key) => {
                let secret = self.seal.open(key.public_id, &key.sealed_secret)?;
                Ok(Secret::new(format!("{}.{}", key.public_id, secret.expose())))
            }
            None => Ok(self.create(account, "local", None).await?.1),
        }
    }

    /// Whether the master key opens the secrets in this store, judged by one of them; `true` if there
    /// is none yet. Ask at start: with the wrong master key no door would open.
    pub async fn seal_fits(&self) -> Result<bool, KeyError> {
        let keys = self.store.key_list(None, None, 1).await?;
        Ok(keys.iter().all(|key| self.seal.open(key.public_id, &key.sealed_secret).is_ok()))
    }

    /// Writes down when keys were last used. Called by the schedule, so that requests do not wait for it.
    pub async fn flush_last_used(&self) -> Result<(), KeyError> {
        let uses = std::mem::take(&mut *self.uses.lock().unwrap_or_else(PoisonError::into_inner));
        if uses.is_empty() {
            return Ok(());
        }
        let batch: Vec<_> = uses.into_iter().collect();
        if let Err(error) = self.store.key_touch(&batch).await {
            let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
            for (key, at) in batch {
                let last = uses.entry(key).or_insert(at);
                *last = at.max(*last);
            }
            return Err(error.into());
        }
        Ok(())
    }

    /// A new key that is not kept yet, and its whole text.
    pub(crate) fn mint(
        &self,
        account: AccountId,
        name: &str,
        terms: KeyTerms,
    ) -> Result<(ApiKey, Secret), KeyError> {
        let created = self.clock.now();
        Self::check_terms(&terms, created)?;
        let name = checked_name(name)?;
        let public_id = PublicId::generate();
        let secret = Secret::new(
            rand::rng().sample_iter(Alphanumeric).take(SECRET_CHARS).map(char::from).collect::<String>(),
        );
        let text = Secret::new(format!("{public_id}.{}", secret.expose()));
        let sealed_secret = self.seal.seal(public_id, &secret)?;
        let key = ApiKey {
            id: KeyId::generate(),
            account,
            project: terms.project,
            name,
            public_id,
            sealed_secret,
            scope: Arc::new(terms.scope),
            monthly_spend_max: terms.monthly_spend_max,
            successor_of: None,
            created,
            expires: terms.expires,
            revoked: None,
            last_used: None,
        };
        Ok((key, text))
    }

    fn check_terms(terms: &KeyTerms, now: Timestamp) -> Result<(), KeyError> {
        if terms.expires.is_some_and(|expires| expires <= now) {
            return Err(KeyError::AlreadyExpired);
        }
        if terms.monthly_spend_max.is_some_and(|max| max < NanoUsd::ZERO) {
            return Err(KeyError::InvalidSpend);
        }
        Ok(terms.scope.check()?)
    }

    async fn authenticate_raw(&self, credential: &str) -> Result<Caller, AuthError> {
        let (public_id, secret) = credential.split_once('.').ok_or(AuthError::Invalid)?;
        let public_id = public_id.parse().map_err(|_| AuthError::Invalid)?;
        let opened = self.find_alive(public_id).await?;

        let is_holder = bool::from(opened.secret.expose().as_bytes().ct_eq(secret.as_bytes()));
        if is_holder { Ok(self.admit(&opened)) } else { Err(AuthError::Invalid) }
    }

    async fn authenticate_jwt(&self, token: &str) -> Result<Caller, AuthError> {
        let opened = self.find_alive(jwt::key_named_by(token)?).await?;
        jwt::verify(token, &opened.secret, self.clock.now())?;
        Ok(self.admit(&opened))
    }

    async fn find_alive(&self, public_id: PublicId) -> Result<Arc<OpenedKey>, AuthError> {
        let opened = self.cache.find(public_id).await?.ok_or(AuthError::Invalid)?;
        if opened.key.is_alive(self.clock.now()) { Ok(opened) } else { Err(AuthError::Invalid) }
    }

    fn admit(&self, opened: &OpenedKey) -> Caller {
        // Once for each time the key is read, about every second: often enough for `last_used`, and
        // requests do not queue for the lock.
        if opened.is_first_use() {
            let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
            uses.insert(opened.key.id, self.clock.now());
        }
        opened.caller.clone()
    }
}

impl AuthError {
    pub(crate) fn unavailable(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unavailable(Arc::new(cause))
    }
}

impl From<Elapsed> for AuthError {
    fn from(elapsed: Elapsed) -> Self {
        Self::unavailable(elapsed)
    }
}
