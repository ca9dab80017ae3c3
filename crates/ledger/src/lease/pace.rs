use std::time::Duration;

use vocab::Timestamp;

/// How much was reserved lately: the busier of this second and the one before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    second: i64,
    this: i64,
    before: i64,
}

impl Pace {
    pub(super) fn add(&mut self, now: Timestamp, amount: i64) {
        let (this, before) = self.at(now);
        *self = Self { second: now.as_secs(), this: this.saturating_add(amount), before };
    }

    /// How much `span` would take at this pace.
    pub(super) fn over(&self, now: Timestamp, span: Duration) -> i64 {
        let (this, before) = self.at(now);
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        let amount = i128::from(this.max(before)) * i128::from(millis) / 1000;
        i64::try_from(amount).unwrap_or(i64::MAX)
    }

    /// The amounts of the second that `now` is in, and of the one before.
    fn at(&self, now: Timestamp) -> (i64, i64) {
        match now.as_secs().saturating_sub(self.second) {
            0 => (self.this, self.before),
            1 => (0, self.this),
            _ => (0, 0),
        }
    }
}
