use serde::Serialize;
use vocab::{AccountId, Timestamp};

use crate::{AccountState, RateOverrides};

const NAME_CHARS_MAX: usize = 100;

/// A party that owns keys and is charged for their use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// What people call it; free text, not unique.
    pub name: String,
    /// Whether it runs this installation. One account does.
    pub is_operator: bool,
    /// Whether it may do anything.
    pub state: AccountState,
    /// Where the operator gave it other limits than its plan or the platform has.
    pub rates: RateOverrides,
    /// When it was made.
    pub created: Timestamp,
}

/// A text that cannot name an account or a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 100 characters without control characters")]
pub struct InvalidName;

/// `name` without surrounding space, if it can be shown in one line of a list.
pub(crate) fn checked_name(name: &str) -> Result<String, InvalidName> {
    let name = name.trim();
    let is_short = (1..=NAME_CHARS_MAX).contains(&name.chars().take(NAME_CHARS_MAX + 1).count());
    if is_short && !name.chars().any(char::is_control) { Ok(name.to_owned()) } else { Err(InvalidName) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_short_line() {
        assert_eq!(checked_name("  Ana's laptop ").as_deref(), Ok("Ana's laptop"));
        assert_eq!(checked_name("'; DROP TABLE account; --").as_deref(), Ok("'; DROP TABLE account; --"));
        assert_eq!(checked_name(&"語".repeat(100)), Ok("語".repeat(100)));
        for refused in ["", "   ", "two\nlines", "\u{1b}[31m", &"x".repeat(101)] {
            assert_eq!(checked_name(refused), Err(InvalidName), "{refused:?}");
        }
    }
}
