use serde::{Deserialize, Serialize};
use vocab::{AccountId, KeyId, RequestId, Timestamp};

/// One hour in which an account used its plan with one client that the rules do not cover: a note, not a strike.
///
/// It names the first such request and no other, so that a busy program does not write a row a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Whose plan.
    pub account: AccountId,
    /// The hour, in hours since 1970.
    pub hour: i64,
    /// When the first request came.
    pub at: Timestamp,
    /// The request.
    pub request: RequestId,
    /// The key that was used.
    pub key: KeyId,
    /// The door it came by.
    pub door: String,
    /// The client, by which the account's violations of an hour are told apart.
    pub client: SeenClient,
}

/// A request whose client was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Whose plan pays.
    pub account: AccountId,
    /// The key that was used.
    pub key: KeyId,
    /// The request.
    pub request: RequestId,
    /// The door it came by.
    pub door: String,
    /// What was recognised.
    pub client: SeenClient,
}

/// What a recogniser made of a request: which program it seems to come from, and by what signs. No content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenClient {
    /// The tool or library.
    pub name: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How sure it is: `none`, `fair`, `good` or `certain`.
    pub confidence: String,
    /// Names of the signals it was recognised by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<String>,
    /// Whether every signal said that it is a plain library.
    pub is_plain_sdk: bool,
}

impl SeenClient {
    /// What the client is called where it needs a name.
    pub fn label(&self) -> &str {
        self.name.as_deref().unwrap_or("unknown")
    }
}

impl Violation {
    /// The hour that `at` lies in.
    pub fn hour_of(at: Timestamp) -> i64 {
        at.as_secs().div_euclid(3600)
    }

    /// The note that `sighting`, at `at`, deserves.
    pub(super) fn of(sighting: &Sighting, at: Timestamp) -> Self {
        Self {
            account: sighting.account,
            hour: Self::hour_of(at),
            at,
            request: sighting.request.clone(),
            key: sighting.key,
            door: sighting.door.clone(),
            client: sighting.client.clone(),
        }
    }
}
