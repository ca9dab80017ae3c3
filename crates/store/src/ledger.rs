//! The ledger in SQL. What may be done is decided by [`ledger::Wallet`]; here it is read, locked and kept.
//!
//! Whoever moves money of an account has locked its row first. Several accounts are locked in the order of their ids,
//! and before any pool of quota.

mod ending;
mod entries;
mod money;
mod settled;
mod settling;
mod turn;
mod verify;
mod wallets;

use async_trait::async_trait;
use ledger::{
    Applied, Entry, Expired, Funds, Grant, GrantState, HoldOutcome, HoldRequest, LedgerStore,
    LedgerStoreError, Refund, RefundOutcome, Settled, Settlement, TopUp, Verified,
};
use vocab::{AccountId, EntryId, HoldId, NanoUsd, RequestId, Timestamp};

use crate::Store;

pub(crate) use self::settling::settle_in;
pub(crate) use self::turn::{Turns, in_turn};

#[async_trait]
impl LedgerStore for Store {
    async fn top_up(&self, top_up: &TopUp) -> Result<Applied, LedgerStoreError> {
        Ok(in_turn!(money::top_up(self, top_up))?)
    }

    async fn grant(&self, grant: &Grant) -> Result<Applied, LedgerStoreError> {
        Ok(in_turn!(money::grant(self, grant))?)
    }

    async fn overdraft_set(&self, account: AccountId, overdraft: NanoUsd) -> Result<(), LedgerStoreError> {
        Ok(in_turn!(money::overdraft_set(self, account, overdraft))?)
    }

    async fn hold_open(&self, request: &HoldRequest) -> Result<HoldOutcome, LedgerStoreError> {
        Ok(in_turn!(money::hold_open(self, request))?)
    }

    async fn hold_renew(&self, holds: &[HoldId], until: Timestamp) -> Result<(), LedgerStoreError> {
        Ok(in_turn!(ending::renew(self, holds, until))?)
    }

    async fn hold_release(&self, hold: HoldId, at: Timestamp) -> Result<NanoUsd, LedgerStoreError> {
        Ok(in_turn!(ending::release(self, hold, at))?)
    }

    async fn settle(&self, settlements: &[Settlement]) -> Result<Vec<Settled>, LedgerStoreError> {
        Ok(in_turn!(settling::settle(self, settlements))?)
    }

    async fn expire(&self, at: Timestamp, limit: u32) -> Result<Expired, LedgerStoreError> {
        Ok(in_turn!(ending::expire(self, at, limit))?)
    }

    async fn refund(&self, refund: &Refund) -> Result<RefundOutcome, LedgerStoreError> {
        Ok(in_turn!(money::refund(self, refund))?)
    }

    async fn funds(&self, account: AccountId, at: Timestamp) -> Result<Funds, LedgerStoreError> {
        Ok(money::funds(self, account, at).await?)
    }

    async fn grants(&self, account: AccountId, limit: u32) -> Result<Vec<GrantState>, LedgerStoreError> {
        Ok(money::grants(self, account, limit).await?)
    }

    async fn entries(
        &self,
        account: AccountId,
        cursor: Option<EntryId>,
        limit: u32,
    ) -> Result<Vec<Entry>, LedgerStoreError> {
        Ok(entries::list(self, account, cursor, limit).await?)
    }

    async fn settled(&self, request: &RequestId) -> Result<Option<Settled>, LedgerStoreError> {
        Ok(settled::find(self.reader(), request).await?)
    }

    async fn settled_of(&self, requests: &[RequestId]) -> Result<Vec<Settled>, LedgerStoreError> {
        Ok(settled::list(self, requests).await?)
    }

    async fn verify(&self) -> Result<Verified, LedgerStoreError> {
        Ok(verify::verify(self).await?)
    }
}
