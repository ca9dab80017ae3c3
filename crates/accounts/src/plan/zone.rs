use std::fmt;
use std::str::FromStr;

use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

const OFFSET_HOURS_MAX: i32 = 14;

/// A distance from UTC that never changes, written `+08:00`: plans know no daylight saving (rule QUOTA-08).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct UtcOffset {
    secs: i32,
}

/// A text that is not a distance from UTC.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a distance from UTC such as `+08:00`")]
pub struct InvalidUtcOffset(String);

impl UtcOffset {
    /// `+08:00`, the zone that the platform's pages speak of.
    pub const UTC_8: Self = Self { secs: 8 * 3600 };

    /// Seconds ahead of UTC.
    pub const fn secs(self) -> i32 {
        self.secs
    }

    pub(super) fn offset(self) -> Offset {
        // Every value that exists is within what the calendar knows.
        Offset::from_seconds(self.secs).unwrap_or(Offset::UTC)
    }
}

impl FromStr for UtcOffset {
    type Err = InvalidUtcOffset;

    fn from_str(text: &str) -> Result<Self, InvalidUtcOffset> {
        let parse = || {
            let sign = match text.as_bytes().first()? {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            let (hours, minutes) = text.get(1..)?.split_once(':')?;
            let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
            let is_known = minutes < 60 && hours * 60 + minutes <= OFFSET_HOURS_MAX * 60;
            is_known.then_some(Self { secs: sign * (hours * 3600 + minutes * 60) })
        };
        parse().ok_or_else(|| InvalidUtcOffset(text.to_owned()))
    }
}

/// The number that exactly two digits write.
pub(super) fn two_digits(text: &str) -> Option<i32> {
    let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

impl TryFrom<String> for UtcOffset {
    type Error = InvalidUtcOffset;

    fn try_from(text: String) -> Result<Self, InvalidUtcOffset> {
        text.parse()
    }
}

impl From<UtcOffset> for String {
    fn from(offset: UtcOffset) -> String {
        offset.to_string()
    }
}

impl fmt::Display for UtcOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, minutes) = (if self.secs < 0 { '-' } else { '+' }, self.secs.unsigned_abs() / 60);
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_survives_its_own_text() {
        for text in ["+08:00", "+00:00", "-03:30", "+14:00"] {
            assert_eq!(text.parse::<UtcOffset>().unwrap().to_string(), text);
        }
        for refused in ["", "8", "+8:00", "+08", "+14:01", "+08:60", "08:00", "+é:00", "Asia/Singapore"] {
            assert!(refused.parse::<UtcOffset>().is_err(), "{refused}");
        }
    }
}
