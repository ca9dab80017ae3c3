use serde::{Deserialize, Serialize};
use vocab::{AccountId, CaseId, RequestId, Timestamp};

use super::SeenClient;

/// One matter between the platform and an account. Struck, it counts as a strike until it is lifted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its id.
    pub id: CaseId,
    /// Whom it is about.
    pub account: AccountId,
    /// What is said to have happened.
    pub cause: Cause,
    /// Where it stands.
    pub state: CaseState,
    /// What its strike brought; none before there is a strike.
    pub measure: Option<Measure>,
    /// What it rests on.
    pub evidence: Evidence,
    /// When it was opened.
    pub opened: Timestamp,
    /// When the strike was given.
    pub struck: Option<Timestamp>,
    /// What the account said to it.
    pub appeal: Option<Appeal>,
    /// What a person decided, and who.
    pub decision: Option<Decision>,
}

/// Which rule is said to be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The plan was used outside the supported tools (USE-01).
    UnsupportedClient,
    /// Several people used one account (USE-03).
    Sharing,
    /// The plan was sold on or served to others (USE-04).
    Resale,
    /// Something else; the evidence says what.
    Other,
}

/// The life of a [`Case`].
///
/// ```text
/// Open ──strike──────▶ Struck ────appeal──▶ Appealed ──uphold──▶ Upheld
///  │                                           ▲                   ▲
///  ├────propose ban──▶ InReview ───appeal──────╯                   │
///  │                      ╰────────────uphold──────────────────────╯
///  ╰────dismiss──▶ Dismissed
///
/// Struck, InReview, Appealed, Upheld ──lift──▶ Lifted
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// Noticed; nothing follows yet.
    Open,
    /// It counts as a strike.
    Struck,
    /// It counts as the strike that bans; until a person confirms it, the account is suspended (DATA-07).
    InReview,
    /// It counts, and the account asks to lift it (USE-08).
    Appealed,
    /// It counts, by a person's decision.
    Upheld,
    /// It never counted.
    Dismissed,
    /// It counts no longer.
    Lifted,
}

/// What happens to a [`Case`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CaseEvent {
    /// It becomes a strike.
    Strike,
    /// It becomes the strike that bans, once a person confirms it.
    ProposeBan,
    /// The account asks to lift it.
    Appeal,
    /// A person says that it is right.
    Uphold,
    /// A person takes the strike back.
    Lift,
    /// A person says that there is nothing in it.
    Dismiss,
}

/// An event that a case cannot have where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a case that is {state:?} cannot {event:?}")]
pub struct IllegalCaseEvent {
    /// Where it stands.
    pub state: CaseState,
    /// What was to happen.
    pub event: CaseEvent,
}

/// What a strike brings (USE-06).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Few calls a minute.
    Throttle,
    /// No calls.
    Suspend,
    /// No calls, for good.
    Ban,
}

/// What a case rests on. Never what anyone wrote to a model or got from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The client that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<SeenClient>,
    /// The door it came by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub door: Option<String>,
    /// Requests in question, at most [`Evidence::REQUESTS_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<RequestId>,
    /// An operator's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// What an account says to a strike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appeal {
    /// When.
    pub filed: Timestamp,
    /// In its own words.
    pub words: String,
}

/// Where an appeal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppealState {
    /// Waiting for a reviewer.
    Open,
    /// The strike stays.
    Upheld,
    /// The strike and what it brought are gone.
    Lifted,
}

/// What a person decided about a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Why, for the account to read.
    pub words: String,
}

impl CaseState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Open,
        Self::Struck,
        Self::InReview,
        Self::Appealed,
        Self::Upheld,
        Self::Dismissed,
        Self::Lifted,
    ];

    /// The states in which a case counts as a strike.
    pub const STANDING: [Self; 4] = [Self::Struck, Self::InReview, Self::Appealed, Self::Upheld];

    /// The states in which a case waits for a person.
    pub const WAITING: [Self; 3] = [Self::Open, Self::InReview, Self::Appealed];

    /// Where a case stands after `event`.
    pub fn after(self, event: CaseEvent) -> Result<Self, IllegalCaseEvent> {
        use {CaseEvent as E, CaseState as S};
        match (self, event) {
            (S::Open, E::Strike) => Ok(S::Struck),
            (S::Open, E::ProposeBan) => Ok(S::InReview),
            (S::Open, E::Dismiss) => Ok(S::Dismissed),
            (S::Struck | S::InReview, E::Appeal) => Ok(S::Appealed),
            (S::InReview | S::Appealed, E::Uphold) => Ok(S::Upheld),
            (S::Struck | S::InReview | S::Appealed | S::Upheld, E::Lift) => Ok(S::Lifted),
            (state, event) => Err(IllegalCaseEvent { state, event }),
        }
    }

    /// Whether a case in this state is a strike.
    pub fn counts(self) -> bool {
        Self::STANDING.contains(&self)
    }

    /// The name used in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Struck => "struck",
            Self::InReview => "in_review",
            Self::Appealed => "appealed",
            Self::Upheld => "upheld",
            Self::Dismissed => "dismissed",
            Self::Lifted => "lifted",
        }
    }
}

impl Case {
    /// Where the account's appeal stands, if it filed one.
    pub fn appeal_state(&self) -> Option<AppealState> {
        self.appeal.as_ref()?;
        match self.state {
            CaseState::Upheld => Some(AppealState::Upheld),
            CaseState::Lifted | CaseState::Dismissed => Some(AppealState::Lifted),
            CaseState::Open | CaseState::Struck | CaseState::InReview | CaseState::Appealed => {
                Some(AppealState::Open)
            }
        }
    }

    /// Whether this strike is a ban that needs nobody's word any more.
    pub(super) fn is_final_ban(&self) -> bool {
        let is_decided = matches!(self.state, CaseState::Struck | CaseState::Upheld);
        is_decided && self.measure == Some(Measure::Ban)
    }
}

impl Evidence {
    /// How many requests a case names.
    pub const REQUESTS_MAX: usize = 32;
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 4] = [Self::UnsupportedClient, Self::Sharing, Self::Resale, Self::Other];

    /// The name used in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnsupportedClient => "unsupported_client",
            Self::Sharing => "sharing",
            Self::Resale => "resale",
            Self::Other => "other",
        }
    }
}

impl Measure {
    /// Every measure.
    pub const ALL: [Self; 3] = [Self::Throttle, Self::Suspend, Self::Ban];

    /// The name used in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::Suspend => "suspend",
            Self::Ban => "ban",
        }
    }
}
