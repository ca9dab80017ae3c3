use std::time::Duration;

use vocab::{Timestamp, Tokens};

use super::minute::{Minute, WHOLE_MINUTE};
use super::{CONCURRENCY_RETRY_AFTER, Limit, Limits};

/// What is going on within one scope. Only what has a limit is counted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    in_use: u32,
    requests: Option<Box<Minute>>,
    tokens: Option<Box<Minute>>,
    today: Today,
}

/// Requests of one calendar day.
#[derive(Debug, Default)]
struct Today {
    day: i64,
    requests: u32,
}

/// Calendar days, counted from the epoch, in a zone that is some minutes ahead of UTC.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calendar {
    pub(super) utc_offset_minutes: i32,
}

const DAY_MS: i64 = 86_400_000;

impl Calendar {
    fn local_ms(self, now: Timestamp) -> i64 {
        now.as_millis() + i64::from(self.utc_offset_minutes) * 60_000
    }

    fn day(self, now: Timestamp) -> i64 {
        self.local_ms(now).div_euclid(DAY_MS)
    }

    fn rest_of_day(self, now: Timestamp) -> Duration {
        let left = DAY_MS - self.local_ms(now).rem_euclid(DAY_MS);
        Duration::from_millis(left.unsigned_abs())
    }
}

impl Counts {
    /// Which limit has no room for one more request, and for how long; if several, the longest.
    pub(super) fn refusal(
        &mut self,
        limits: &Limits,
        now: Timestamp,
        calendar: Calendar,
    ) -> Option<(Limit, Duration)> {
        let mut longest: Option<(Limit, Duration)> = None;
        let mut refuse = |limit, wait| {
            if longest.is_none_or(|(_, known)| known < wait) {
                longest = Some((limit, wait));
            }
        };
        if limits.concurrency.is_some_and(|limit| self.in_use >= limit) {
            refuse(Limit::Concurrency, CONCURRENCY_RETRY_AFTER);
        }
        if let Some(limit) = limits.requests_per_minute.map(u64::from)
            && let Some(wait) = full_for(&mut self.requests, now, limit)
        {
            refuse(Limit::RequestsPerMinute, wait);
        }
        if let Some(limit) = limits.tokens_per_minute
            && let Some(wait) = full_for(&mut self.tokens, now, limit)
        {
            refuse(Limit::TokensPerMinute, wait);
        }
        if let Some(limit) = limits.requests_per_day
            && self.today.at(calendar.day(now)).requests >= limit
        {
            refuse(Limit::RequestsPerDay, calendar.rest_of_day(now));
        }
        longest
    }

    /// Counts one more request.
    pub(super) fn take(&mut self, limits: &Limits, now: Timestamp, calendar: Calendar) {
        if limits.concurrency.is_some() {
            self.in_use = self.in_use.saturating_add(1);
        }
        if limits.requests_per_minute.is_some() {
            minute(&mut self.requests, now).add(now, 1);
        }
        if limits.requests_per_day.is_some() {
            let today = self.today.at(calendar.day(now));
            today.requests = today.requests.saturating_add(1);
        }
    }

    /// A request that was counted has ended.
    pub(super) fn give_back(&mut self, concurrency: bool, used: Option<Tokens>, now: Timestamp) {
        if concurrency {
            self.in_use = self.in_use.saturating_sub(1);
        }
        if let Some(used) = used {
            minute(&mut self.tokens, now).add(now, used.0);
        }
    }

    pub(super) fn is_in_use(&self) -> bool {
        self.in_use > 0
    }

    /// Whether forgetting all this changes nothing.
    pub(super) fn is_idle(&mut self, now: Timestamp, calendar: Calendar) -> bool {
        let is_empty =
            |minute: &mut Option<Box<Minute>>| minute.as_mut().is_none_or(|minute| minute.sum(now) == 0);
        self.in_use == 0
            && is_empty(&mut self.requests)
            && is_empty(&mut self.tokens)
            && self.today.at(calendar.day(now)).requests == 0
    }
}

impl Today {
    fn at(&mut self, day: i64) -> &mut Self {
        if self.day != day {
            *self = Self { day, requests: 0 };
        }
        self
    }
}

fn minute(minute: &mut Option<Box<Minute>>, now: Timestamp) -> &mut Minute {
    minute.get_or_insert_with(|| Box::new(Minute::starting(now)))
}

fn full_for(counted: &mut Option<Box<Minute>>, now: Timestamp, limit: u64) -> Option<Duration> {
    match counted {
        Some(counted) => (counted.sum(now) >= limit).then(|| counted.wait(now, limit)),
        None => (limit == 0).then_some(WHOLE_MINUTE),
    }
}
