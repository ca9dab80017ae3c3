use serde::{Deserialize, Serialize};
use vocab::{PersonId, Timestamp};

/// A person's wish to be forgotten (rules DATA-03, DATA-08).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeletionRequest {
    /// Who.
    pub person: PersonId,
    /// How far it has come.
    pub state: DeletionState,
    /// When they asked.
    pub requested: Timestamp,
    /// Not carried out before this; until then they can take it back.
    pub due: Timestamp,
    /// When it last moved on.
    pub updated: Timestamp,
}

/// How far a deletion has come.
///
/// ```text
/// Requested ──approve──▶ Approved ──carry out──▶ CarriedOut
///   │  ╰───refuse──▶ Refused  │
///   ╰───withdraw──▶ Withdrawn ◀╯
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeletionState {
    /// The operator has to look at it.
    Requested,
    /// It will be carried out when it is due.
    Approved,
    /// The operator may not, for instance because the law demands the data.
    Refused,
    /// The person took it back.
    Withdrawn,
    /// The person is forgotten. It cannot be undone.
    CarriedOut,
}

/// What happens to a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionEvent {
    /// The operator agrees.
    Approve,
    /// The operator does not.
    Refuse,
    /// The person takes it back.
    Withdraw,
    /// It is done.
    CarryOut,
}

/// A deletion cannot go on like that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a deletion that is {} cannot go on like that", state.name())]
pub struct IllegalDeletionEvent {
    /// How far it has come.
    pub state: DeletionState,
    /// What should have happened.
    pub event: DeletionEvent,
}

impl DeletionState {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Requested, Self::Approved, Self::Refused, Self::Withdrawn, Self::CarriedOut];

    /// The state after `event`.
    pub fn after(self, event: DeletionEvent) -> Result<Self, IllegalDeletionEvent> {
        use DeletionEvent as E;
        match (self, event) {
            (Self::Requested, E::Approve) => Ok(Self::Approved),
            (Self::Requested, E::Refuse) => Ok(Self::Refused),
            (Self::Requested | Self::Approved, E::Withdraw) => Ok(Self::Withdrawn),
            (Self::Approved, E::CarryOut) => Ok(Self::CarriedOut),
            (state, event) => Err(IllegalDeletionEvent { state, event }),
        }
    }

    /// Whether the person may ask anew.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Refused | Self::Withdrawn)
    }

    /// Its name where it is kept and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::CarriedOut => "carried_out",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeletionEvent::{Approve, CarryOut, Refuse, Withdraw};
    use DeletionState::{Approved, CarriedOut, Refused, Requested, Withdrawn};

    /// DATA-08: reviewed, then carried out; not to be undone.
    #[test]
    fn the_life_of_a_deletion() {
        let table = [
            (Requested, [Some(Approved), Some(Refused), Some(Withdrawn), None]),
            (Approved, [None, None, Some(Withdrawn), Some(CarriedOut)]),
            (Refused, [None; 4]),
            (Withdrawn, [None; 4]),
            (CarriedOut, [None; 4]),
        ];
        for (state, row) in table {
            for (event, expected) in [Approve, Refuse, Withdraw, CarryOut].into_iter().zip(row) {
                assert_eq!(state.after(event).ok(), expected, "{state:?} {event:?}");
            }
        }
    }
}
