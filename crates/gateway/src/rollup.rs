use std::fmt;
use std::time::Duration;

use accounts::UtcOffset;
use async_trait::async_trait;
use ledger::Settled;
use serde::{Deserialize, Serialize};
use vocab::{AccountId, KeyId, ModelName, NanoUsd, Timestamp, Usage};

use crate::{UsageLogError, UsageRecord};

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

/// Of what a sum is; places are in order of day first.
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
