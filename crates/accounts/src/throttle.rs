use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use vocab::Timestamp;

/// How many addresses and sources are remembered. Those that try often are kept.
const REMEMBERED_MAX: u64 = 65_536;

/// After a pause like this, trying begins anew.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);

/// Makes whoever tries secrets wait: after some free tries, twice as long after each.
///
/// Kept in this process, in bounded memory. Every try counts from its beginning, so that many at once are not let in
/// before the first is known to have failed.
pub(crate) struct Throttle {
    tries: Cache<Subject, Arc<Mutex<Tries>>>,
}

/// Whose tries are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// Logins as one address, known or not.
    Login(String),
    /// Codes of one person's second factor.
    Factor(String),
    /// Letters to one address.
    Letter(String),
    /// Everything from one place.
    Source(IpAddr),
}

/// It is too early to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many tries; try again in {} seconds", wait.as_secs() + 1)]
pub struct TooManyTries {
    /// For how long.
    pub wait: Duration,
}

/// A try that is under way. Unless it is said to have succeeded, it counts as failed, also when nobody waits for it.
#[must_use]
pub(crate) struct Attempt {
    counts: Vec<Counted>,
}

struct Counted {
    is_source: bool,
    tries: Arc<Mutex<Tries>>,
}

#[derive(Clone, Copy, Default)]
struct Tries {
    failed: u32,
    last: Option<Timestamp>,
    next: Option<Timestamp>,
}

impl Throttle {
    pub(crate) fn new() -> Self {
        let tries = Cache::builder().max_capacity(REMEMBERED_MAX).time_to_idle(FORGOTTEN_AFTER).build();
        Self { tries }
    }

    /// Counts a try by each of `subjects` up to the first that has to wait, so that put the source first: who is kept out
    /// must not be able to keep others out.
    pub(crate) fn begin(
        &self,
        subjects: impl IntoIterator<Item = Subject>,
        now: Timestamp,
    ) -> Result<Attempt, TooManyTries> {
        let mut counts = Vec::new();
        for subject in subjects {
            let (pace, is_source) = (subject.pace(), matches!(subject, Subject::Source(_)));
            let tries = self.tries.get_with(subject, Arc::default);
            let wait = locked(&tries, |tries| tries.count(pace, now));
            if !wait.is_zero() {
                return Err(TooManyTries { wait });
            }
            counts.push(Counted { is_source, tries });
        }
        Ok(Attempt { counts })
    }
}

impl Attempt {
    /// It was right: what was tried before is forgotten. Not so the source's failures, or someone who owns one login
    /// could try those of others without end.
    pub(crate) fn succeeded(self) {
        for Counted { is_source, tries } in &self.counts {
            locked(tries, |tries| if *is_source { tries.forgive() } else { *tries = Tries::default() });
        }
    }

    /// It was neither right nor wrong, because something of ours failed.
    pub(crate) fn undone(self) {
        for counted in &self.counts {
            locked(&counted.tries, Tries::forgive);
        }
    }
}

/// How many tries are free, and how long the longest wait is.
#[derive(Clone, Copy)]
struct Pace {
    free: u32,
    wait_max: Duration,
}

impl Subject {
    /// All of one source: for IPv6 the network that a provider gives to one customer.
    pub(crate) fn source(address: IpAddr) -> Self {
        let network = match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            address @ IpAddr::V4(_) => address,
        };
        Self::Source(network)
    }

    fn pace(&self) -> Pace {
        match self {
            Self::Login(_) | Self::Factor(_) => Pace { free: 5, wait_max: Duration::from_secs(300) },
            Self::Letter(_) => Pace { free: 3, wait_max: Duration::from_secs(1800) },
            Self::Source(_) => Pace { free: 30, wait_max: Duration::from_secs(900) },
        }
    }
}

impl Tries {
    /// Counts a try, unless it comes too early; says how much too early.
    fn count(&mut self, pace: Pace, now: Timestamp) -> Duration {
        if self.last.is_some_and(|last| now.since(last) >= FORGOTTEN_AFTER) {
            *self = Self::default();
        }
        if let Some(next) = self.next.filter(|next| now < *next) {
            return next.since(now);
        }
        self.failed = self.failed.saturating_add(1);
        self.last = Some(now);
        let beyond = self.failed.saturating_sub(pace.free);
        self.next = (beyond > 0).then(|| {
            let wait = 1_u64.checked_shl(beyond - 1).map_or(pace.wait_max, Duration::from_secs);
            now.plus(wait.min(pace.wait_max))
        });
        Duration::ZERO
    }
}

impl Tries {
    /// Takes back the last try.
    fn forgive(&mut self) {
        self.failed = self.failed.saturating_sub(1);
        self.next = None;
    }
}

fn locked<T>(tries: &Mutex<Tries>, work: impl FnOnce(&mut Tries) -> T) -> T {
    work(&mut tries.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_770_631_146_000);

    fn ana() -> [Subject; 1] {
        [Subject::Login("ana@example.com".to_owned())]
    }

    fn fail(throttle: &Throttle, now: Timestamp) -> Result<(), Duration> {
        throttle.begin(ana(), now).map(drop).map_err(|refused| refused.wait)
    }

    #[test]
    fn waits_grow_and_end() {
        let throttle = Throttle::new();
        for _ in 0..5 {
            assert_eq!(fail(&throttle, START), Ok(()), "free tries");
        }
        let mut now = START;
        for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            assert_eq!(fail(&throttle, now), Ok(()));
            assert_eq!(fail(&throttle, now), Err(Duration::from_secs(expected)));
            now = now.plus(Duration::from_secs(expected));
        }
        now = now.plus(FORGOTTEN_AFTER);
        assert_eq!((fail(&throttle, now), fail(&throttle, now)), (Ok(()), Ok(())), "forgotten");
    }

    #[test]
    fn who_succeeds_begins_anew_and_who_was_failed_by_us_is_not_charged() {
        let throttle = Throttle::new();
        for _ in 0..20 {
            throttle.begin(ana(), START).unwrap().undone();
        }
        for _ in 0..5 {
            assert_eq!(fail(&throttle, START), Ok(()));
        }
        throttle.begin(ana(), START).unwrap().succeeded();
        assert_eq!(fail(&throttle, START), Ok(()));
    }

    #[test]
    fn one_customers_network_is_one_source() {
        let of = |text: &str| Subject::source(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
