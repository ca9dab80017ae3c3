use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use vocab::Timestamp;

/// How many addresses and sources are remembered. Those that try often are kept.
const REMEMBERED_MAX: u64 = 65_536;

/// A subject that did not try for so long is not remembered.
const REMEMBERED_FOR: Duration = Duration::from_secs(6 * 3600);

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
    /// Secrets tried from one place.
    Source(IpAddr),
    /// Letters that one place has us write.
    Writer(IpAddr),
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
    /// Up to when failures were forgiven because time passed.
    forgiven: Option<Timestamp>,
    next: Option<Timestamp>,
}

impl Throttle {
    pub(crate) fn new() -> Self {
        let tries = Cache::builder().max_capacity(REMEMBERED_MAX).time_to_idle(REMEMBERED_FOR).build();
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
            let (pace, is_source) =
                (subject.pace(), matches!(subject, Subject::Source(_) | Subject::Writer(_)));
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

/// How many tries are free, how long the longest wait is, and how often one failure is forgiven: a house full of people
/// who mistype now and then is not one who guesses.
#[derive(Clone, Copy)]
struct Pace {
    free: u32,
    wait_max: Duration,
    forgives_every: Duration,
}

impl Pace {
    const fn new(free: u32, wait_max_secs: u64, forgives_every_secs: u64) -> Self {
        Self {
            free,
            wait_max: Duration::from_secs(wait_max_secs),
            forgives_every: Duration::from_secs(forgives_every_secs),
        }
    }
}

impl Subject {
    /// Secrets tried from `address`.
    pub(crate) fn source(address: IpAddr) -> Self {
        Self::Source(network(address))
    }

    /// Letters that `address` has us write.
    pub(crate) fn writer(address: IpAddr) -> Self {
        Self::Writer(network(address))
    }

    fn pace(&self) -> Pace {
        match self {
            Self::Login(_) | Self::Factor(_) => Pace::new(5, 300, 300),
            Self::Letter(_) => Pace::new(3, 1800, 600),
            Self::Source(_) => Pace::new(30, 900, 60),
            Self::Writer(_) => Pace::new(100, 900, 60),
        }
    }
}

/// All of one customer: for IPv6 the network that a provider gives to one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        address @ IpAddr::V4(_) => address,
    }
}

impl Tries {
    /// Counts a try, unless it comes too early; says how much too early.
    fn count(&mut self, pace: Pace, now: Timestamp) -> Duration {
        if let Some(next) = self.next.filter(|next| now < *next) {
            return next.since(now);
        }
        self.forgive_passed(pace, now);
        self.failed = self.failed.saturating_add(1);
        let beyond = self.failed.saturating_sub(pace.free);
        self.next = (beyond > 0).then(|| {
            let wait = 1_u64.checked_shl(beyond - 1).map_or(pace.wait_max, Duration::from_secs);
            now.plus(wait.min(pace.wait_max))
        });
        Duration::ZERO
    }

    /// Forgives a failure for each span that passed since one was forgiven last.
    fn forgive_passed(&mut self, pace: Pace, now: Timestamp) {
        let since = self.forgiven.filter(|_| self.failed > 0).unwrap_or(now);
        let spans = now.since(since).as_secs() / pace.forgives_every.as_secs();
        let spans = u32::try_from(spans).unwrap_or(u32::MAX);
        self.forgiven = Some(since.plus(pace.forgives_every.saturating_mul(spans)));
        self.failed = self.failed.saturating_sub(spans);
    }

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
        for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 256, 256] {
            assert_eq!(fail(&throttle, now), Ok(()));
            assert_eq!(fail(&throttle, now), Err(Duration::from_secs(expected)));
            now = now.plus(Duration::from_secs(expected));
        }
        now = now.plus(Duration::from_secs(4200));
        for _ in 0..5 {
            assert_eq!(fail(&throttle, now), Ok(()), "one is forgiven every five minutes");
        }
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

    /// A house full of people behind one address does not lock itself out over the day.
    #[test]
    fn a_mistake_now_and_then_is_forgiven() {
        let throttle = Throttle::new();
        let source = || [Subject::source("192.0.2.1".parse().unwrap())];
        let mut now = START;
        for _ in 0..500 {
            assert!(throttle.begin(source(), now).map(drop).is_ok());
            now = now.plus(Duration::from_secs(60));
        }
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
