//! What nodes say to the store, and what it answers.

use ledger::{Ask, HoldOutcome, Settlement, SliceOutcome, Units, WindowLimit};
use vocab::{HoldId, NanoUsd, NodeId, Timestamp};

/// Accounts and pools go by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purse {
    Money(usize),
    Quota(usize),
}

#[derive(Clone, Debug)]
pub enum Call {
    OpenMoney { account: usize, ask: Ask<NanoUsd>, node: NodeId, at: Timestamp },
    OpenQuota { pool: usize, ask: Ask<Units>, node: NodeId, limits: Vec<WindowLimit>, at: Timestamp },
    Renew { purse: Purse, slice: HoldId, until: Timestamp },
    Release { purse: Purse, slice: HoldId, at: Timestamp },
    Settle(Vec<Settlement>),
}

#[derive(Clone, Debug)]
pub enum Answer {
    Money(HoldOutcome),
    Quota(SliceOutcome),
    Done,
}
