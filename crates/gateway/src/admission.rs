use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use accounts::Caller;
use vocab::{AccountId, ModelName, RequestId, Timestamp};

use crate::payment::Payment;
use crate::{Door, Finding, Permit};

/// Leave to run one request: the only key to an engine.
///
/// It holds whatever the request has taken, and gives it back when dropped.
pub struct Admission {
    pub(crate) request: RequestId,
    pub(crate) caller: Caller,
    pub(crate) door: Door,
    pub(crate) model: ModelName,
    pub(crate) at: Timestamp,
    /// Whether whoever called repeats the call until it is answered: then only its ending is recorded.
    pub(crate) is_repeated: bool,
    pub(crate) in_progress: Option<InProgressGuard>,
    pub(crate) client: Finding,
    /// One of the requests that may run at once.
    pub(crate) permit: Permit,
    /// What was set aside for it.
    pub(crate) payment: Payment,
}

#[cfg(test)]
impl Admission {
    /// Leave for a request that nobody sent.
    pub(crate) fn of_nobody() -> Self {
        let at = Timestamp::from_millis(1_790_000_000_000);
        Self {
            request: RequestId::generate(at),
            caller: Caller::new(AccountId::generate(), vocab::KeyId::generate()),
            door: Door::General,
            model: "glm-4.7".parse().unwrap(),
            at,
            is_repeated: false,
            in_progress: None,
            client: Finding::unknown(),
            permit: Permit::unlimited(),
            payment: Payment::Nobody,
        }
    }
}

/// The request ids that clients chose and that are still being worked on (rule ERR-08).
#[derive(Clone, Default)]
pub(crate) struct InProgress {
    ids: Arc<Mutex<HashSet<(AccountId, String)>>>,
}

impl InProgress {
    /// Claims `id` for the account; `None` if the account already has a request of that id under way.
    pub(crate) fn claim(&self, account: AccountId, id: &str) -> Option<InProgressGuard> {
        let claim = (account, id.to_owned());
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.insert(claim.clone()).then(|| InProgressGuard { ids: self.ids.clone(), claim })
    }
}

pub(crate) struct InProgressGuard {
    ids: Arc<Mutex<HashSet<(AccountId, String)>>>,
    claim: (AccountId, String),
}

impl Drop for InProgressGuard {
    fn drop(&mut self) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.claim);
    }
}
