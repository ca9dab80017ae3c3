use std::time::Duration;

use crate::StoreError;

/// How often a transaction that was in another's way is tried.
const ATTEMPTS_MAX: u32 = 6;

/// How long to wait before the second attempt; longer before each after that.
const PAUSE: Duration = Duration::from_millis(4);

/// Runs `$work`, a whole transaction, and runs it again if another one was in its way. Nothing was kept then.
macro_rules! in_turn {
    ($work:expr) => {{
        let mut turns = $crate::ledger::Turns::default();
        loop {
            match $work.await {
                Err(error) if turns.is_another_due(&error) => turns.pause().await,
                outcome => break outcome,
            }
        }
    }};
}

pub(crate) use in_turn;

/// Counts the attempts at one transaction.
#[derive(Default)]
pub(crate) struct Turns(u32);

impl Turns {
    pub(crate) fn is_another_due(&self, error: &StoreError) -> bool {
        self.0 + 1 < ATTEMPTS_MAX && is_conflict(error)
    }

    pub(crate) async fn pause(&mut self) {
        self.0 += 1;
        tokio::time::sleep(PAUSE * (1 << self.0)).await;
    }
}

/// A deadlock, or two transactions that made the same row. The other one is done now, so that the next attempt finds
/// what it left.
fn is_conflict(error: &StoreError) -> bool {
    let (StoreError::Unavailable(cause) | StoreError::Database(cause)) = error else { return false };
    let sqlx::Error::Database(said) = cause else { return false };
    said.code().is_some_and(|code| matches!(&*code, "40001" | "40P01" | "23505"))
}
