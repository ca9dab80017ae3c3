use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vocab::Secret;

/// A text that is not for logs: a password, a code, a key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = Password)]
pub struct Hidden(String);

impl Hidden {
    /// What goes out, once.
    pub fn shown(secret: &Secret) -> Self {
        Self(secret.expose().to_owned())
    }

    /// What came in.
    pub fn into_secret(self) -> Secret {
        Secret::new(self.0)
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(…)")
    }
}
