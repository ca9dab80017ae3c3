use vocab::{AccountId, KeyId};

/// Someone who proved to be who they say. Cheap to copy.
///
/// [`Keys::authenticate`](crate::Keys::authenticate) is what makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose request it is.
    pub account: AccountId,
    /// The key that was used.
    pub key: KeyId,
    /// Whether the account runs this installation. An opaque key never carries this.
    pub is_operator: bool,
}
