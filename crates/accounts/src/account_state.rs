use serde::{Deserialize, Serialize};

/// Whether an account may do anything, and if not, why (rule AUTH-09).
///
/// ```text
/// Inactive ──activate──▶ Active ──suspect──▶ Irregular
///                        │  ▲ ◀───release──────┤
///                       lock release           lock
///                        ▼  │                  │
///                       Locked ◀───────────────╯
/// each but Closed ──close──▶ Closed
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// It works.
    Active,
    /// It was made, but its owner has not shown that their address is theirs (code 1110).
    Inactive,
    /// The operator locked it (code 1112, HTTP 429).
    Locked,
    /// It behaves like one that someone else took over (code 1121).
    Irregular,
    /// It is over, and stays in the books only (code 1111).
    Closed,
}

/// What happens to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountEvent {
    /// Its first owner's address is proved.
    Activate,
    /// The operator locks it.
    Lock,
    /// Something is odd about its use.
    Suspect,
    /// The operator looked at it and lets it go on.
    Release,
    /// Its owner or the operator ends it, for good.
    Close,
}

/// An account cannot do that now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an account that is {} cannot {event}", state.name())]
pub struct IllegalAccountEvent {
    /// What it is.
    pub state: AccountState,
    /// What should have happened to it.
    pub event: AccountEvent,
}

impl AccountState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Active, Self::Inactive, Self::Locked, Self::Irregular, Self::Closed];

    /// The state after `event`.
    pub fn after(self, event: AccountEvent) -> Result<Self, IllegalAccountEvent> {
        use AccountEvent as E;
        match (self, event) {
            (Self::Inactive, E::Activate) | (Self::Locked | Self::Irregular, E::Release) => Ok(Self::Active),
            (Self::Active | Self::Inactive | Self::Irregular, E::Lock) => Ok(Self::Locked),
            (Self::Active, E::Suspect) => Ok(Self::Irregular),
            (Self::Active | Self::Inactive | Self::Locked | Self::Irregular, E::Close) => Ok(Self::Closed),
            (state, event) => Err(IllegalAccountEvent { state, event }),
        }
    }

    /// Whether its wallet takes money. While the operator holds an account, on the order of an authority or of its own
    /// accord, nothing is paid in or taken back out (rule BILL-22).
    pub fn takes_money(self) -> bool {
        self != Self::Locked
    }

    /// Its name where it is kept and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Locked => "locked",
            Self::Irregular => "irregular",
            Self::Closed => "closed",
        }
    }
}

impl std::fmt::Display for AccountEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Activate => "be activated",
            Self::Lock => "be locked",
            Self::Suspect => "be suspected",
            Self::Release => "be released",
            Self::Close => "be closed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AccountEvent::{Activate, Close, Lock, Release, Suspect};
    use AccountState::{Active, Closed, Inactive, Irregular, Locked};

    /// AUTH-09: every pair of state and event, with what comes of it.
    #[test]
    fn the_life_of_an_account() {
        let table = [
            (Active, [None, Some(Locked), Some(Irregular), None, Some(Closed)]),
            (Inactive, [Some(Active), Some(Locked), None, None, Some(Closed)]),
            (Locked, [None, None, None, Some(Active), Some(Closed)]),
            (Irregular, [None, Some(Locked), None, Some(Active), Some(Closed)]),
            (Closed, [None; 5]),
        ];
        for (state, row) in table {
            for (event, expected) in [Activate, Lock, Suspect, Release, Close].into_iter().zip(row) {
                assert_eq!(state.after(event).ok(), expected, "{state:?} {event:?}");
            }
        }
    }
}
