//! What it costs: prices, charges, a double-entry ledger with holds, and quota.
//!
//! Pure: no clock, no randomness, no store. What must last goes through two ports, [`LedgerStore`] for money and
//! [`QuotaStore`] for plan quota;

mod book;
mod book_error;
mod charge;
mod checkout;
mod hold;
mod lease;
mod ledger_store;
mod memory_ledger;
mod movements;
mod posting;
mod price;
mod price_book;
mod price_books;
mod price_sheet;
pub mod quota;
mod quota_store;
mod settlement;
pub mod verify;
pub mod wallet;

pub use book::Book;
pub use book_error::BookError;
pub use charge::{Charge, Extras, Item, Line, Unpriceable};
pub use checkout::{CheckoutError, CheckoutRules, MinChargePolicy, Payment, WalletOrder};
pub use hold::{Funds, Hold, HoldOutcome, HoldPart, HoldPurpose, HoldRequest, MoneySource};
pub use lease::{Ask, Exhausted, LeaseAmount, LeasePool, LeaseSettings, Reserve, Ticket, Upkeep};
pub use ledger_store::{
    Applied, Expired, Finding, LedgerStore, LedgerStoreError, Refund, RefundOutcome, Verified,
};
pub use memory_ledger::MemoryLedger;
pub use posting::{BookAccount, Entry, EntryKind, Grant, GrantKind, GrantState, Posting, TopUp};
pub use price::{
    AsrMode, CachedRate, CachedRateMode, Fraction, InvalidFraction, ModelPrice, TokenPrice, ToolPrices,
};
pub use price_book::PriceBook;
pub use price_books::{ExplainError, PriceBooks};
pub use price_sheet::InvalidPrices;
pub use quota::{Slice, UseSecond};
pub use quota_store::{
    InvalidPool, Pool, PoolKind, QuotaStore, SliceOutcome, SliceRequest, Units, WindowLimit, WindowName,
    WindowSpan, WindowState,
};
pub use settlement::{MoneyUse, QuotaUse, Settled, Settlement};
pub use wallet::{Balance, Wallet};
