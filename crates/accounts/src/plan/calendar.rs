use jiff::ToSpan;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use vocab::Timestamp;

use super::UtcOffset;

/// Moments between the years 1 and 9000. A subscription beyond them is a mistake, and is counted as if at the border.
const FIRST_MS: i64 = -62_135_596_800_000;
const LAST_MS: i64 = 221_845_392_000_000;

const TERM_MONTHS_MAX: u32 = 1200;
const TERM_DAYS_MAX: u32 = 36_500;

/// How often a plan is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cycle {
    /// Every month.
    Month,
    /// Every three months.
    Quarter,
    /// Every twelve months.
    Year,
}

/// How long a subscription lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    /// To the same day of a later month, or that month's last.
    Months(u32),
    /// So many times 24 hours.
    Days(u32),
    /// Until someone ends it.
    Endless,
}

impl Cycle {
    /// All of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::Month, Self::Quarter, Self::Year];

    /// How many months it has.
    pub const fn months(self) -> u32 {
        match self {
            Self::Month => 1,
            Self::Quarter => 3,
            Self::Year => 12,
        }
    }

    /// How long one of it lasts.
    pub const fn term(self) -> Term {
        Term::Months(self.months())
    }
}

impl Term {
    /// Whether it is a length that can be granted: at least a day, at most a hundred years.
    pub fn is_sensible(self) -> bool {
        match self {
            Self::Months(months) => (1..=TERM_MONTHS_MAX).contains(&months),
            Self::Days(days) => (1..=TERM_DAYS_MAX).contains(&days),
            Self::Endless => true,
        }
    }

    /// The first moment after a term that begins at `starts`, by the calendar of `zone`; none if it has no end.
    pub fn ends(self, starts: Timestamp, zone: UtcOffset) -> Option<Timestamp> {
        match self {
            Self::Months(months) => Some(months_after(starts, i32::try_from(months).ok()?, zone)),
            Self::Days(days) => {
                let span_ms = i64::from(days) * 24 * 3600 * 1000;
                Some(Timestamp::from_millis(starts.as_millis().saturating_add(span_ms)))
            }
            Self::Endless => None,
        }
    }
}

/// The stretch around `at` of those that follow each other from `anchor` on, each `length_ms` long; also before `anchor`.
pub(super) fn stretch(anchor: Timestamp, length_ms: i64, at: Timestamp) -> (Timestamp, Timestamp) {
    let since = at.as_millis().saturating_sub(anchor.as_millis());
    let starts = at.as_millis().saturating_sub(since.rem_euclid(length_ms));
    (Timestamp::from_millis(starts), Timestamp::from_millis(starts.saturating_add(length_ms)))
}

/// The month around `at` of those that begin on `anchor`'s day of the month, or on the last day of a shorter month.
///
/// Each begins so many months after `anchor` itself, not after the one before, so that a short month does not shorten
/// those that follow: 31 January, 28 February, 31 March.
pub(super) fn month(anchor: Timestamp, zone: UtcOffset, at: Timestamp) -> (Timestamp, Timestamp) {
    let at = within(at);
    let (from, to) = (civil(anchor, zone), civil(at, zone));
    let years = i32::from(to.year()) - i32::from(from.year());

    // Counting months by their names is right or one too many: the day may not have come yet.
    let mut number = years * 12 + i32::from(to.month()) - i32::from(from.month());
    if months_after(anchor, number, zone) > at {
        number -= 1;
    }
    (months_after(anchor, number, zone), months_after(anchor, number + 1, zone))
}

fn months_after(anchor: Timestamp, months: i32, zone: UtcOffset) -> Timestamp {
    let moved = civil(anchor, zone).checked_add(months.months());
    let moved = moved.and_then(|moved| zone.offset().to_timestamp(moved));
    moved.map_or(within(anchor), |moved| Timestamp::from_millis(moved.as_millisecond()))
}

/// `at` by the calendar and clock of `zone`.
pub(super) fn civil(at: Timestamp, zone: UtcOffset) -> DateTime {
    let at = jiff::Timestamp::from_millisecond(within(at).as_millis()).unwrap_or_default();
    zone.offset().to_datetime(at)
}

fn within(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.as_millis().clamp(FIRST_MS, LAST_MS))
}
