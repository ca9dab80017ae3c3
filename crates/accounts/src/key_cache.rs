use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vocab::Secret;

use crate::lately::Lately;
use crate::{AccountStore, ApiKey, AuthError, Caller, PublicId, Seal};

/// What the store lately said about public ids: at most a second ago (rule AUTH-08), or, while it does not answer, at most
/// a minute.
pub(crate) struct KeyCache {
    store: Arc<dyn AccountStore>,
    seal: Arc<Seal>,
    lately: Lately<PublicId, Option<Arc<OpenedKey>>, AuthError>,
}

/// A key with its secret unsealed, for as long as it is trusted.
pub(crate) struct OpenedKey {
    pub(crate) key: ApiKey,
    pub(crate) secret: Secret,
    pub(crate) caller: Caller,
    used: AtomicBool,
}

impl OpenedKey {
    /// Whether this is the first use since the key was read.
    pub(crate) fn is_first_use(&self) -> bool {
        // Most uses are not the first: a plain load keeps the line shared between cores.
        !self.used.load(Ordering::Relaxed) && !self.used.swap(true, Ordering::Relaxed)
    }
}

impl KeyCache {
    pub(crate) fn new(store: Arc<dyn AccountStore>, seal: Arc<Seal>) -> Self {
        Self { store, seal, lately: Lately::new() }
    }

    /// The key that `id` names.
    pub(crate) async fn find(&self, id: PublicId) -> Result<Option<Arc<OpenedKey>>, AuthError> {
        self.lately.find(id, || self.read(id)).await.map_err(|error| AuthError::clone(&error))
    }

    /// Makes the next request read `id` anew.
    pub(crate) async fn forget(&self, id: PublicId) {
        self.lately.forget(id).await;
    }

    async fn read(&self, id: PublicId) -> Result<Option<Arc<OpenedKey>>, AuthError> {
        let known = self.store.key_find_by_public_id(id).await.map_err(AuthError::unavailable)?;
        let Some(known) = known else { return Ok(None) };

        let secret = self.seal.open(id, &known.key.sealed_secret).map_err(AuthError::unavailable)?;
        let caller = Caller {
            account: known.account.id,
            key: known.key.id,
            project: known.key.project,
            scope: known.key.scope.clone(),
            monthly_spend_max: known.key.monthly_spend_max,
            is_operator: known.account.is_operator,
        };
        Ok(Some(Arc::new(OpenedKey { key: known.key, secret, caller, used: AtomicBool::new(false) })))
    }
}
