use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use vocab::Timestamp;

/// The day a person was born, as `1990-05-17`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BirthDate(Date);

/// A text that is no day of birth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a date; a day of birth looks like `1990-05-17`")]
pub struct InvalidBirthDate;

impl BirthDate {
    /// Years completed at `now` anywhere on Earth: the day counts as over when it is over in UTC.
    ///
    /// Nothing if the day lies ahead.
    pub fn age_at(self, now: Timestamp) -> Option<u16> {
        let moment = jiff::Timestamp::from_millisecond(now.as_millis()).ok()?;
        let today = TimeZone::UTC.to_datetime(moment).date();
        let had_birthday = (today.month(), today.day()) >= (self.0.month(), self.0.day());
        let years = i32::from(today.year()) - i32::from(self.0.year()) - i32::from(!had_birthday);
        u16::try_from(years).ok()
    }
}

impl FromStr for BirthDate {
    type Err = InvalidBirthDate;

    fn from_str(text: &str) -> Result<Self, InvalidBirthDate> {
        let is_plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let date: Date = text.parse().map_err(|_| InvalidBirthDate)?;
        if is_plain && date.year() >= 1900 { Ok(Self(date)) } else { Err(InvalidBirthDate) }
    }
}

impl TryFrom<String> for BirthDate {
    type Error = InvalidBirthDate;

    fn try_from(text: String) -> Result<Self, InvalidBirthDate> {
        text.parse()
    }
}

impl From<BirthDate> for String {
    fn from(date: BirthDate) -> Self {
        date.to_string()
    }
}

impl fmt::Display for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BirthDate(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DATA-12: ages are counted in whole years, to the day.
    #[test]
    fn an_age_changes_on_the_birthday() {
        // 2026-02-09T09:59:06Z
        let now = Timestamp::from_millis(1_770_631_146_000);
        for (born, expected) in [
            ("2013-02-09", Some(13)),
            ("2013-02-10", Some(12)),
            ("2008-02-29", Some(17)),
            ("2026-02-09", Some(0)),
            ("2026-02-10", None),
            ("2027-01-01", None),
        ] {
            assert_eq!(born.parse::<BirthDate>().unwrap().age_at(now), expected, "{born}");
        }
        for refused in ["", "1990-5-17", "1890-01-01", "2001-02-30", "20010203", "+001990-05-17"] {
            assert!(refused.parse::<BirthDate>().is_err(), "{refused}");
        }
    }
}
