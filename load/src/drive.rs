//! Makes traffic. A closed loop asks again as soon as it is answered and finds out how much goes through; an open
//! loop asks at a fixed rate and finds out how long an answer takes when there is room.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;

use crate::connection::{Answer, Connection};
use crate::sample::Sample;

/// A request and whom to send it to.
#[derive(Clone)]
pub struct Target {
    /// Host and port.
    pub address: String,
    pub request: Arc<[u8]>,
}

impl Target {
    pub fn new(address: &str, request: Vec<u8>) -> Self {
        Self { address: address.to_owned(), request: request.into() }
    }
}

/// What came of a number of requests.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub answered: usize,
    /// Refused, broken off, or not even connected.
    pub failed: usize,
    /// Not sent because the connection was still waiting for the answer before; open loops only.
    pub late: usize,
    pub took: Duration,
    /// From the last byte sent to the last byte received, in microseconds.
    pub latencies: Sample,
}

impl Outcome {
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    pub fn per_second(&self) -> f64 {
        self.answered as f64 / self.took.as_secs_f64()
    }

    fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.failed += other.failed;
        self.late += other.late;
        self.latencies.append(other.latencies);
    }
}

/// When a closed loop ends.
#[derive(Clone, Copy)]
pub enum Until {
    After(Duration),
    Requests(usize),
}

/// Keeps `connections` requests under way.
pub async fn closed_loop(target: &Target, connections: usize, until: Until) -> Outcome {
    let began = Instant::now();
    let share = |index: usize| match until {
        Until::After(time) => Until::After(time),
        Until::Requests(all) => Until::Requests(all / connections + usize::from(index < all % connections)),
    };
    let loops = (0..connections).map(|index| tokio::spawn(one_closed_loop(target.clone(), share(index))));
    gathered(join_all(loops).await, began)
}

/// Sends `rate` requests a second, spread over `connections`, whether or not earlier ones are answered.
pub async fn open_loop(target: &Target, rate: f64, connections: usize, time: Duration) -> Outcome {
    let began = Instant::now();
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let loops = (0..connections).map(|index| {
        let period = Duration::from_secs_f64(connections as f64 / rate);
        let first = began + period.mul_f64(index as f64 / connections as f64);
        tokio::spawn(one_open_loop(target.clone(), first, period, began + time))
    });
    gathered(join_all(loops).await, began)
}

fn gathered(outcomes: Vec<Result<Outcome, tokio::task::JoinError>>, began: Instant) -> Outcome {
    let mut all = Outcome { took: began.elapsed(), ..Outcome::default() };
    for outcome in outcomes {
        match outcome {
            Ok(outcome) => all.add(outcome),
            Err(_) => all.failed += 1,
        }
    }
    all
}

async fn one_closed_loop(target: Target, until: Until) -> Outcome {
    let began = Instant::now();
    let mut outcome = Outcome::default();
    let mut line = Line::new(target);
    loop {
        let is_over = match until {
            Until::After(time) => began.elapsed() >= time,
            Until::Requests(count) => outcome.answered + outcome.failed >= count,
        };
        if is_over {
            return outcome;
        }
        line.ask(&mut outcome).await;
    }
}

async fn one_open_loop(target: Target, first: Instant, period: Duration, end: Instant) -> Outcome {
    let mut outcome = Outcome::default();
    let mut line = Line::new(target);
    let mut due = first;
    while due < end {
        tokio::time::sleep_until(due.into()).await;
        line.ask(&mut outcome).await;
        due += period;
        while due < Instant::now() {
            outcome.late += 1;
            due += period;
        }
    }
    outcome
}

/// One connection that is opened again when it was closed.
struct Line {
    target: Target,
    connection: Option<Connection>,
}

impl Line {
    fn new(target: Target) -> Self {
        Self { target, connection: None }
    }

    async fn ask(&mut self, outcome: &mut Outcome) {
        match self.exchange().await {
            Ok((answer, took)) if answer.status == 200 => {
                outcome.answered += 1;
                outcome.latencies.push_time(took);
            }
            Ok(_) => outcome.failed += 1,
            Err(_) => {
                outcome.failed += 1;
                self.connection = None;
                // A server that is gone must not be asked in a tight loop.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    async fn exchange(&mut self) -> io::Result<(Answer, Duration)> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(Connection::open(&self.target.address).await?),
        };
        let sent = Instant::now();
        let answer = connection.exchange(&self.target.request, |_| {}).await?;
        let took = sent.elapsed();
        if answer.closes {
            self.connection = None;
        }
        Ok((answer, took))
    }
}
