use std::sync::Arc;

use vocab::{AccountId, KeyId, NanoUsd, ProjectId};

use crate::KeyScope;

/// Someone who proved to be who they say. Cheap to clone.
///
/// [`Keys::authenticate`](crate::Keys::authenticate) is what makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose request it is.
    pub account: AccountId,
    /// The key that was used.
    pub key: KeyId,
    /// The project that the key belongs to, if it does to one.
    pub project: Option<ProjectId>,
    /// What the key may be used for.
    pub scope: Arc<KeyScope>,
    /// What the key may cost in a month, if that is limited.
    pub monthly_spend_max: Option<NanoUsd>,
    /// Whether the account runs this installation. An opaque key never carries this.
    pub is_operator: bool,
}

impl Caller {
    /// Someone with a key of `account` that nothing limits.
    pub fn new(account: AccountId, key: KeyId) -> Self {
        Self {
            account,
            key,
            project: None,
            scope: Arc::default(),
            monthly_spend_max: None,
            is_operator: false,
        }
    }
}
