use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use vocab::Timestamp;

use super::zone::two_digits;
use super::{Plan, PlanBook, QuotaRules, UtcOffset};

const DAY_SECS: i64 = 86_400;

/// Hours of every day in which quota is dearer and fewer requests run at once; `from` is included, `to` is not (rule
/// QUOTA-08). With `to` before `from` they reach over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeakWindow {
    /// Whose clock.
    pub tz: UtcOffset,
    /// When they begin.
    pub from: TimeOfDay,
    /// When they are over.
    pub to: TimeOfDay,
}

/// A minute of the day, written `14:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TimeOfDay {
    minute: i32,
}

/// A text that is not a minute of the day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time of day such as `14:00`")]
pub struct InvalidTimeOfDay(String);

/// How busy the platform is by the operator's signal, which is not bound to hours (rules RATE-01, RATE-06).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Load {
    /// As always.
    #[default]
    Usual,
    /// So busy that nobody gets more than a plan promises, whatever the hour.
    High,
}

impl PeakWindow {
    /// Whether `at` lies in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        let second = (at.as_secs() + i64::from(self.tz.secs())).rem_euclid(DAY_SECS);
        let (from, to) = (self.from.second(), self.to.second());
        if from <= to { (from..to).contains(&second) } else { second >= from || second < to }
    }
}

impl QuotaRules {
    /// Whether `at`, the beginning of a request, is in peak hours.
    pub fn is_peak(&self, at: Timestamp) -> bool {
        self.peak_windows.iter().any(|window| window.contains(at))
    }
}

impl PlanBook {
    /// How many requests an account on `plan` may run at once. Never less than one.
    pub fn concurrency_at(&self, plan: &Plan, at: Timestamp, load: Load) -> u32 {
        if load == Load::High || self.quota().is_peak(at) {
            return plan.concurrency.max(1);
        }
        let off_peak = self.rate().off_peak_factor.of(plan.concurrency).max(1);
        u32::try_from(off_peak).unwrap_or(u32::MAX)
    }
}

impl TimeOfDay {
    fn second(self) -> i64 {
        i64::from(self.minute) * 60
    }
}

impl FromStr for TimeOfDay {
    type Err = InvalidTimeOfDay;

    fn from_str(text: &str) -> Result<Self, InvalidTimeOfDay> {
        let parse = || {
            let (hour, minute) = text.split_once(':')?;
            let (hour, minute) = (two_digits(hour)?, two_digits(minute)?);
            (hour < 24 && minute < 60).then_some(Self { minute: hour * 60 + minute })
        };
        parse().ok_or_else(|| InvalidTimeOfDay(text.to_owned()))
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = InvalidTimeOfDay;

    fn try_from(text: String) -> Result<Self, InvalidTimeOfDay> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> String {
        time.to_string()
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.minute / 60, self.minute % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_may_reach_over_midnight() {
        let window: PeakWindow =
            serde_json::from_str(r#"{"tz": "-01:00", "from": "23:30", "to": "00:15"}"#).unwrap();
        let minute_of_day = |minute: i64| Timestamp::from_millis((minute - 24 * 60) * 60_000);
        for (utc, is_peak) in [(29, false), (30, true), (74, true), (75, false), (0, false)] {
            assert_eq!(window.contains(minute_of_day(utc)), is_peak, "00:{utc:02} UTC");
        }
    }

    #[test]
    fn a_time_of_day_is_two_and_two_digits() {
        assert_eq!("09:05".parse::<TimeOfDay>().unwrap().to_string(), "09:05");
        for refused in ["", "9:05", "24:00", "12:60", "12", "12:0é", "+1:00"] {
            assert!(refused.parse::<TimeOfDay>().is_err(), "{refused}");
        }
    }
}
