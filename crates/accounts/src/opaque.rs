use std::collections::HashMap;

use vocab::{AccountId, Secret};

use crate::seal::key_id_of;
use crate::{Caller, Seal};

/// A bearer value of any form that the operator configured, for clients that cannot send a real key.
#[derive(Clone, Debug)]
pub struct OpaqueKey {
    /// The value: visible ASCII without a dot, so that it can be neither a key nor a JWT.
    pub secret: Secret,
    /// Whose requests it makes.
    pub account: AccountId,
}

/// A text that cannot be an opaque key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOpaqueKey {
    /// Its form is wrong.
    #[error("an opaque key is 8 to 512 visible ASCII characters without a dot")]
    Form,
    /// The same value is listed for two accounts.
    #[error("the same opaque key is configured twice")]
    Twice,
}

/// The configured opaque keys, found by keyed digest: comparing digests tells an attacker nothing
/// about the texts, however long it takes.
#[derive(Default)]
pub(crate) struct OpaqueKeys(HashMap<[u8; blake3::OUT_LEN], Caller>);

impl OpaqueKeys {
    pub(crate) fn new(seal: &Seal, keys: Vec<OpaqueKey>) -> Result<Self, InvalidOpaqueKey> {
        let mut callers = HashMap::with_capacity(keys.len());
        for OpaqueKey { secret, account } in keys {
            let text = secret.expose();
            let is_visible = text.bytes().all(|b| b.is_ascii_graphic() && b != b'.');
            if !is_visible || !(8..=512).contains(&text.len()) {
                return Err(InvalidOpaqueKey::Form);
            }
            let fingerprint = seal.fingerprint(text);
            let key = key_id_of(&fingerprint).ok_or(InvalidOpaqueKey::Form)?;
            let caller = Caller::new(account, key);
            if callers.insert(*fingerprint.as_bytes(), caller).is_some() {
                return Err(InvalidOpaqueKey::Twice);
            }
        }
        Ok(Self(callers))
    }

    pub(crate) fn find(&self, seal: &Seal, text: &str) -> Option<Caller> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(seal.fingerprint(text).as_bytes()).cloned()
    }
}
