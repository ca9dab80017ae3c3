use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use accounts::UtcOffset;
use async_trait::async_trait;
use ledger::Settled;
use serde::{Deserialize, Serialize};
use vocab::{AccountId, KeyId, ModelName, NanoUsd, Timestamp, Usage};

use crate::{InvalidPlace, UsageLogError, UsageRecord};

/// Daily sums of usage records, so that nobody adds up millions of them to draw a month.
///
/// What [`UsageLog::usage_append`](crate::UsageLog::usage_append) writes for the first time leaves, in the
/// same transaction, notes of what is to be added; a step adds notes and takes them away in one transaction
/// too. So a crash neither loses a record nor adds it twice, in whatever order records are written and
/// however late.
#[async_trait]
pub trait UsageRollup: Send + Sync + 'static {
    /// Adds at most `notes_max` notes to the sums of the days on which their requests ended in `zone`. Says
    /// how many it added; fewer than asked for means that nothing waits. Of several that try at once, each
    /// note is added by one.
    async fn rollup_step(&self, zone: UtcOffset, notes_max: u32) -> Result<u32, UsageLogError>;

    /// The sums that `query` names, before `cursor`, in falling order of their place, at most `limit`.
    async fn rollup_list(
        &self,
        query: &DailyQuery,
        cursor: Option<&DailyPlace>,
        limit: u32,
    ) -> Result<Vec<DailyUsage>, UsageLogError>;

    /// What was charged for the requests of a key of an account that ended on the day `since` or later: for all that are
    /// written, whether they are in a sum yet or not. Days are those of `zone`.
    async fn rollup_charged(
        &self,
        account: AccountId,
        key: KeyId,
        since: Day,
        zone: UtcOffset,
    ) -> Result<NanoUsd, UsageLogError>;
}

/// What one account used with one key and model on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyUsage {
    /// Of what this is the sum.
    #[serde(flatten)]
    pub place: DailyPlace,
    /// The sum.
    #[serde(flatten)]
    pub sum: UsageSum,
}

/// Several requests added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageSum {
    /// How many requests.
    pub requests: u64,
    /// Their tokens, by class.
    #[serde(flatten)]
    pub usage: Usage,
    /// What they cost the balance.
    pub cost: NanoUsd,
    /// What was taken of the balance: less than the cost where the money was no longer there.
    pub charged: NanoUsd,
}

impl UsageSum {
    /// One request, and what it came to if it was charged.
    pub fn of(record: &UsageRecord, settled: Option<&Settled>) -> Self {
        Self {
            requests: 1,
            usage: record.usage,
            cost: settled.map_or(NanoUsd::ZERO, |settled| settled.cost),
            charged: settled.map_or(NanoUsd::ZERO, |settled| settled.charged),
        }
    }

    /// Adds more requests.
    pub fn add(&mut self, more: &Self) {
        self.requests = self.requests.saturating_add(more.requests);
        self.usage.fresh_prompt += more.usage.fresh_prompt;
        self.usage.cached_prompt += more.usage.cached_prompt;
        self.usage.reasoning += more.usage.reasoning;
        self.usage.answer += more.usage.answer;
        self.cost = [self.cost, more.cost].into_iter().sum();
        self.charged = [self.charged, more.charged].into_iter().sum();
    }
}

/// Of what a sum is; places are in order of day first. Written `20578~acct_…~key_…~glm-4.7`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DailyPlace {
    /// When the requests ended.
    pub day: Day,
    /// Who is charged.
    pub account: AccountId,
    /// The key that was used.
    pub key: KeyId,
    /// The public model that was asked for.
    pub model: ModelName,
}

impl fmt::Display for DailyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}~{}~{}", self.day.0, self.account, self.key, self.model)
    }
}

impl FromStr for DailyPlace {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let mut parts = text.splitn(4, '~');
        let mut part = || parts.next().ok_or(InvalidPlace);
        Ok(Self {
            day: part()?.parse().map(Day).map_err(|_| InvalidPlace)?,
            account: part()?.parse().map_err(|_| InvalidPlace)?,
            key: part()?.parse().map_err(|_| InvalidPlace)?,
            model: part()?.parse().map_err(|_| InvalidPlace)?,
        })
    }
}

/// Which sums to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DailyQuery {
    /// Only this account's.
    pub account: Option<AccountId>,
    /// Only this key's.
    pub key: Option<KeyId>,
    /// Only of this day or later.
    pub since: Option<Day>,
    /// Only of this day or earlier.
    pub until: Option<Day>,
}

/// A day of the calendar in the zone of the statements, counted from 1970-01-01. Shown `2026-05-05`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i64);

impl Day {
    const MILLIS: i64 = 86_400_000;

    /// The day of a moment.
    pub fn of(at: Timestamp, zone: UtcOffset) -> Self {
        Self(at.as_millis().saturating_add(i64::from(zone.secs()) * 1000).div_euclid(Self::MILLIS))
    }

    /// Its first moment.
    pub fn starts(self, zone: UtcOffset) -> Timestamp {
        let in_zone = self.0.saturating_mul(Self::MILLIS);
        Timestamp::from_millis(in_zone.saturating_sub(i64::from(zone.secs()) * 1000))
    }

    /// So many days earlier.
    #[must_use]
    pub fn minus(self, days: u32) -> Self {
        Self(self.0.saturating_sub(days.into()))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let midnight = Timestamp::from_millis(self.0.saturating_mul(Self::MILLIS)).to_string();
        f.pad(midnight.split_once('T').map_or("", |(date, _)| date))
    }
}

impl UsageRecord {
    /// When the request ended, which is the moment it is charged and the day it is on.
    pub fn ended(&self) -> Timestamp {
        self.started.plus(self.duration.min(DURATION_MAX))
    }
}

/// Nothing runs longer than a year; what says so does not end in the year 292,000,000.
const DURATION_MAX: Duration = Duration::from_secs(366 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::UsagePlace;
    use vocab::RequestId;

    #[test]
    fn a_place_comes_back_as_it_went_out_and_nonsense_is_refused() {
        let (account, key) = (AccountId::generate(), KeyId::generate());
        let gone = DailyPlace { day: Day(20_000), account, key, model: "house/model-1".parse().unwrap() };
        assert_eq!(gone.to_string().parse(), Ok(gone));
        for text in ["", "1~2~3~4", "20000", "~~~", "9999999999999999999999~a~b~c"] {
            assert_eq!(text.parse::<DailyPlace>(), Err(InvalidPlace), "{text}");
        }
        let started = Timestamp::from_millis(1_770_631_146_000);
        let gone = UsagePlace { started, request: RequestId::generate(started) };
        assert_eq!(gone.to_string().parse(), Ok(gone));
        for text in ["", "~", "1~2", "1770631146000", "x~20260101000000ffffffffffffffff"] {
            assert_eq!(text.parse::<UsagePlace>(), Err(InvalidPlace), "{text}");
        }
    }
}
