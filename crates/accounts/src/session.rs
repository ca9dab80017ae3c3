use std::net::IpAddr;

use serde::Serialize;
use vocab::{PersonId, SessionId, Timestamp};

use crate::{Person, TokenHash};

/// One login of a person, on one device. Its token is in the device's cookie; here is only the token's hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Session {
    /// Its id in lists.
    pub id: SessionId,
    /// Whose it is.
    pub person: PersonId,
    /// What it is found by.
    #[serde(skip)]
    pub token: TokenHash,
    /// When they logged in.
    pub created: Timestamp,
    /// When it was last used, to about a minute.
    pub last_seen: Timestamp,
    /// From when on it is refused, however much it is used.
    pub expires: Timestamp,
    /// When it was ended before its time.
    pub ended: Option<Timestamp>,
    /// Where they logged in from.
    pub source: Option<IpAddr>,
    /// What the browser says it is, shortened.
    pub agent: String,
}

/// A session and whose it is, read together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// Whose it is.
    pub person: Person,
}

/// Longest part of a browser's description that is kept.
pub(crate) const AGENT_CHARS_MAX: usize = 200;
