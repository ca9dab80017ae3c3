use serde::{Deserialize, Serialize};
use vocab::{PersonId, Timestamp};

use crate::{BirthDate, EmailAddress, Locale, PasswordHash};

/// Someone who logs in. What they may do is said by their [`Membership`](crate::Membership)s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Their id; never given to anyone else, also when they are gone (rule DATA-08).
    pub id: PersonId,
    /// Where mail reaches them, and what they log in with. No two people have the same.
    pub email: EmailAddress,
    /// Since when the address is known to be theirs.
    pub email_verified: Option<Timestamp>,
    /// What they are called.
    pub name: String,
    /// Their password's hash; none if they only come by way of a partner (rule AUTH-10).
    #[serde(skip)]
    pub password: Option<PasswordHash>,
    /// The language they are written to in.
    pub locale: Locale,
    /// When they were born, if they were asked.
    pub birth_date: Option<BirthDate>,
    /// Whether they may log in.
    pub state: PersonState,
    /// When they signed up.
    pub created: Timestamp,
}

/// Whether a person may log in.
///
/// ```text
/// Active ──lock──▶ Locked          Active, Locked ──erase──▶ Erased
///        ◀─unlock─
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonState {
    /// They may.
    Active,
    /// The operator does not let them.
    Locked,
    /// They are gone: their id is left, and nothing that names them.
    Erased,
}

/// What a person can change about themselves (rule DATA-04).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What they are called.
    pub name: String,
    /// The language they are written to in.
    pub locale: Locale,
    /// When they were born.
    pub birth_date: Option<BirthDate>,
}

impl PersonState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Locked, Self::Erased];

    /// Its name where it is kept and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Locked => "locked",
            Self::Erased => "erased",
        }
    }
}
