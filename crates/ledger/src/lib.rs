//! What it costs: prices, charges, a double-entry ledger with holds, and quota.
//!
//! Pure: no clock, no randomness, no store. What must last goes through two ports, [`LedgerStore`] for money and
//! [`QuotaStore`] for plan quota;

mod hold;
mod ledger_store;
mod posting;
mod quota_store;
mod settlement;

pub use hold::{Funds, HoldOutcome, HoldPurpose, HoldRequest};
pub use ledger_store::{
    Applied, Expired, Finding, LedgerStore, LedgerStoreError, Refund, RefundOutcome, Verified,
};
pub use posting::{BookAccount, Entry, EntryKind, Grant, GrantKind, GrantState, Posting, TopUp};
pub use quota_store::{
    InvalidPool, Pool, PoolKind, QuotaStore, SliceOutcome, SliceRequest, Units, WindowLimit, WindowName,
    WindowSpan, WindowState,
};
pub use settlement::{MoneyUse, QuotaUse, Settled, Settlement};
