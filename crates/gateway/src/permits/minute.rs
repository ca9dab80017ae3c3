use std::time::Duration;

use vocab::Timestamp;

/// Counts of the last sixty seconds.
///
/// Each second has a counter of its own, and counts until no part of it lies within the last minute. So no
/// sixty seconds, wherever they begin, hold more than the limit, which the usual two weighted buckets cannot
/// promise; the price is that a place comes back up to a second late, and half a kilobyte.
#[derive(Clone, Debug)]
pub(super) struct Minute {
    newest: i64,
    sum: u64,
    seconds: [u64; SECONDS],
}

const SECONDS: usize = 61;
const SECONDS_I64: i64 = SECONDS as i64;

impl Minute {
    pub(super) fn starting(now: Timestamp) -> Self {
        Self { newest: now.as_secs(), sum: 0, seconds: [0; SECONDS] }
    }

    /// What was counted within the minute up to `now`.
    pub(super) fn sum(&mut self, now: Timestamp) -> u64 {
        let now = now.as_secs();
        if (now - self.newest).abs() >= SECONDS_I64 {
            // Also when the clock was set back that far: to wait for it to come here again could take for ever.
            *self = Self { newest: now, sum: 0, seconds: [0; SECONDS] };
        }
        while self.newest < now {
            self.newest += 1;
            let gone = std::mem::take(&mut self.seconds[slot(self.newest)]);
            self.sum = self.sum.saturating_sub(gone);
        }
        self.sum
    }

    pub(super) fn add(&mut self, now: Timestamp, count: u64) {
        self.sum = self.sum(now).saturating_add(count);
        let second = &mut self.seconds[slot(self.newest)];
        *second = second.saturating_add(count);
    }

    /// How long until less than `limit` is counted, if nothing is added.
    pub(super) fn wait(&mut self, now: Timestamp, limit: u64) -> Duration {
        let mut left = self.sum(now);
        let oldest = self.newest - SECONDS_I64 + 1;
        for second in oldest..=self.newest {
            left = left.saturating_sub(self.seconds[slot(second)]);
            if left < limit {
                return Timestamp::from_millis((second + SECONDS_I64) * 1000).since(now);
            }
        }
        WHOLE_MINUTE
    }
}

/// When a limit is zero, no wait helps.
pub(super) const WHOLE_MINUTE: Duration = Duration::from_secs(60);

fn slot(second: i64) -> usize {
    usize::try_from(second.rem_euclid(SECONDS_I64)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000 + millis)
    }

    #[test]
    fn a_count_leaves_when_its_second_is_a_minute_old() {
        let mut minute = Minute::starting(at(0));
        minute.add(at(300), 2);
        minute.add(at(1_000), 3);
        assert_eq!(minute.sum(at(60_999)), 5);
        assert_eq!(minute.sum(at(61_000)), 3);
        assert_eq!(minute.sum(at(62_000)), 0);
    }

    #[test]
    fn the_wait_is_until_enough_has_left() {
        let mut minute = Minute::starting(at(0));
        minute.add(at(0), 2);
        minute.add(at(5_500), 3);
        assert_eq!(minute.wait(at(6_000), 5), Duration::from_secs(55));
        assert_eq!(minute.wait(at(6_000), 3), Duration::from_secs(60));
        assert_eq!(minute.wait(at(6_000), 0), WHOLE_MINUTE);
    }

    #[test]
    fn a_clock_that_is_set_back_cannot_freeze_the_count() {
        let mut minute = Minute::starting(at(0));
        minute.add(at(10_000), 4);
        assert_eq!(minute.sum(at(9_000)), 4, "a little back: it is still the same minute");
        assert_eq!(minute.sum(at(-86_400_000)), 0);
    }

    #[test]
    fn absurd_counts_do_no_harm() {
        let mut minute = Minute::starting(at(0));
        minute.add(at(0), u64::MAX);
        minute.add(at(0), u64::MAX);
        assert_eq!(minute.sum(at(0)), u64::MAX);
        assert_eq!(minute.sum(at(61_000)), 0);
    }
}
