//! Ids that cannot be swapped: each is a type of its own and shows its prefix.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is not an id of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form `{prefix}…`")]
pub struct InvalidId {
    text: String,
    prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// Makes a new id; ids made later sort later.
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0.as_simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix($prefix)
                    .and_then(|digits| Uuid::try_parse(digits).ok())
                    .map(Self)
                    .ok_or_else(|| InvalidId { text: text.to_owned(), prefix: $prefix })
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

id!(
    /// A party that owns keys and is charged for their use.
    AccountId,
    "acct_"
);
id!(
    /// One API key, as the operator sees it; the public part of the key itself is another text.
    KeyId,
    "key_"
);
id!(
    /// One worker's claim on one task; a later claim of the same task has another.
    LeaseId,
    "lease_"
);

id!(
    /// Someone who logs in.
    PersonId,
    "per_"
);
id!(
    /// A group of keys within an account.
    ProjectId,
    "proj_"
);
id!(
    /// One login of a person.
    SessionId,
    "sess_"
);
id!(
    /// An invitation to join an account.
    InvitationId,
    "inv_"
);
id!(
    /// One line of the audit log.
    AuditId,
    "audit_"
);
id!(
    /// Something a person agreed to or withdrew.
    ConsentId,
    "cons_"
);
id!(
    /// A plan that an account has for a time.
    SubscriptionId,
    "sub_"
);
id!(
    /// Money or quota set aside for an account.
    HoldId,
    "hold_"
);
id!(
    /// Credits given to an account.
    GrantId,
    "grant_"
);
id!(
    /// One entry of the ledger.
    EntryId,
    "entry_"
);
id!(
    /// One process that serves requests; a new one after every start.
    NodeId,
    "node_"
);
id!(
    /// A breach of the usage rules that is being looked into.
    CaseId,
    "case_"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_own_text_and_refuses_another_kind() {
        let key = KeyId::generate();
        assert_eq!(key.to_string().parse(), Ok(key));
        assert!(key.to_string().parse::<AccountId>().is_err());
    }
}
