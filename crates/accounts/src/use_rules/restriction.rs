use std::time::Duration;

use serde::{Deserialize, Serialize};
use vocab::{CaseId, Timestamp};

use super::{Case, UseRules, hours};

/// What the strikes that stand against an account do to its calls. It is read with the account's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Restriction {
    /// Few calls a minute; others answer 1313, which names the way back (USE-07).
    Throttled {
        /// How many.
        calls_per_minute: u32,
        /// When it ends by itself.
        until: Option<Timestamp>,
        /// The strike that brought it, which can be appealed.
        case: CaseId,
    },
    /// Every call answers 1112.
    Suspended {
        /// When it ends by itself.
        until: Option<Timestamp>,
        /// Whether it becomes a ban when a person confirms it (DATA-07).
        awaits_review: bool,
        /// The strike that brought it, which can be appealed.
        case: CaseId,
    },
    /// Every call answers 1121.
    Banned {
        /// Since when.
        since: Timestamp,
        /// The strike that brought it.
        case: CaseId,
    },
}

impl Restriction {
    /// What follows from these cases of one account, of which only those that count as strikes do (USE-05, USE-06).
    ///
    /// The number of strikes decides, so a strike that is lifted takes its effect with it. A ban needs a case that is
    /// itself a final ban: no number of other strikes, and no change of rules, bans anyone.
    pub fn of<'c>(cases: impl IntoIterator<Item = &'c Case>, rules: &UseRules) -> Option<Self> {
        let standing: Vec<&Case> = cases.into_iter().filter(|case| case.state.counts()).collect();
        let struck = |case: &Case| case.struck.unwrap_or(case.opened);
        if let Some(ban) = standing.iter().find(|case| case.is_final_ban()) {
            let since = ban.decision.as_ref().map_or(struck(ban), |decision| decision.at);
            return Some(Self::Banned { since, case: ban.id });
        }

        let newest = standing.iter().max_by_key(|case| (struck(case), case.id))?;
        let ends = |after: Option<u32>| after.map(|count| struck(newest).plus(hours(count)));
        let case = newest.id;
        if standing.len() >= usize::from(rules.strikes_to_ban.get()) {
            Some(Self::Suspended { until: None, awaits_review: true, case })
        } else if standing.len() > 1 {
            Some(Self::Suspended { until: ends(rules.suspend_hours), awaits_review: false, case })
        } else {
            let calls_per_minute = rules.throttle_calls_per_minute.get();
            Some(Self::Throttled { calls_per_minute, until: ends(rules.throttle_hours), case })
        }
    }

    /// Whether it still holds at `now`.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        match self {
            Self::Throttled { until, .. } | Self::Suspended { until, .. } => {
                until.is_none_or(|until| now < until)
            }
            Self::Banned { .. } => true,
        }
    }

    /// The strike that brought it.
    pub fn case(&self) -> CaseId {
        match self {
            Self::Throttled { case, .. } | Self::Suspended { case, .. } | Self::Banned { case, .. } => *case,
        }
    }

    /// Whether a call may pass at `now`, when the last one that did passed at `previous`.
    pub fn admits(&self, previous: Option<Timestamp>, now: Timestamp) -> bool {
        if !self.is_in_force(now) {
            return true;
        }
        match self {
            Self::Throttled { calls_per_minute, .. } => {
                let apart = Duration::from_mins(1) / (*calls_per_minute).max(1);
                previous.is_none_or(|previous| now.since(previous) >= apart)
            }
            Self::Suspended { .. } | Self::Banned { .. } => false,
        }
    }
}
