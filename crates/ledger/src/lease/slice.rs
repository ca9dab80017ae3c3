use std::time::Duration;

use vocab::{HoldId, Timestamp};

/// A part of an account's money, or of a pool of quota, that this node took from the store.
#[derive(Clone, Debug)]
pub(super) struct Slice {
    pub(super) id: HoldId,
    pub(super) until: Timestamp,
    /// What was given and not spent. Below zero when requests cost more than they had reserved.
    left: i64,
    /// What of it requests have set aside, and how many of them there are.
    reserved: i64,
    reservations: u32,
    /// Settlements that name this slice and are not known to be durable.
    pub(super) unwritten: u32,
    pub(super) used_at: Timestamp,
    pub(super) is_renewing: bool,
    pub(super) leaving: Leaving,
}

/// How far a slice is on its way back to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Requests may use it.
    No,
    /// Nothing more is reserved; the store has to be told as soon as it is quiet.
    Wanted,
    /// The store is being told.
    Told,
}

impl Slice {
    pub(super) fn new(id: HoldId, amount: i64, until: Timestamp, now: Timestamp) -> Self {
        Self {
            id,
            until,
            left: amount,
            reserved: 0,
            reservations: 0,
            unwritten: 0,
            used_at: now,
            is_renewing: false,
            leaving: Leaving::No,
        }
    }

    /// What can still be reserved.
    pub(super) fn room(&self) -> i64 {
        self.left.saturating_sub(self.reserved)
    }

    pub(super) fn admits(&self, now: Timestamp, margin: Duration) -> bool {
        self.leaving == Leaving::No && !self.has_lapsed(now, margin)
    }

    /// Whether its time may be over by the clock of another node.
    pub(super) fn has_lapsed(&self, now: Timestamp, margin: Duration) -> bool {
        now.plus(margin) >= self.until
    }

    /// Shuts it for new requests if its time may be over, for good: even if this node's clock should be turned back.
    pub(super) fn shut_if_lapsed(&mut self, now: Timestamp, margin: Duration) {
        if self.leaving == Leaving::No && self.has_lapsed(now, margin) {
            self.leaving = Leaving::Wanted;
        }
    }

    /// Whether giving it back would pull it from under nobody: no request spends from it, and the store knows of all
    /// that did.
    pub(super) fn is_quiet(&self) -> bool {
        self.reservations == 0 && self.unwritten == 0
    }

    pub(super) fn reserve(&mut self, now: Timestamp, amount: i64) {
        self.reserved = self.reserved.saturating_add(amount);
        self.reservations = self.reservations.saturating_add(1);
        self.used_at = now;
    }

    pub(super) fn give_back(&mut self, amount: i64) {
        self.reserved = self.reserved.saturating_sub(amount);
        self.reservations = self.reservations.saturating_sub(1);
    }

    pub(super) fn settle(&mut self, now: Timestamp, amount: i64, spent: i64) {
        self.give_back(amount);
        self.left = self.left.saturating_sub(spent);
        self.unwritten = self.unwritten.saturating_add(1);
        self.used_at = now;
    }
}
