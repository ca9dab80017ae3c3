use std::mem;
use std::sync::Arc;

use ledger::Ticket;
use vocab::HoldId;

use super::bank::Bank;
use super::desk::Desk;

/// Something reserved; given back when dropped.
pub(super) struct Held<B: Bank> {
    desk: Arc<Desk<B>>,
    key: B::Key,
    ticket: Ticket<B::Amount>,
    is_settled: bool,
}

impl<B: Bank> Held<B> {
    pub(super) fn new(desk: Arc<Desk<B>>, key: B::Key, ticket: Ticket<B::Amount>) -> Self {
        Self { desk, key, ticket, is_settled: false }
    }

    pub(super) fn amount(&self) -> B::Amount {
        self.ticket.amount
    }

    pub(super) fn slice(&self) -> HoldId {
        self.ticket.slice
    }

    pub(super) fn settle(mut self, spent: B::Amount) -> Mark<B> {
        self.is_settled = true;
        let now = self.desk.clock.now();
        self.desk.with_pool(self.key, |entry| entry.pool.settled(now, self.ticket, spent));
        Mark { desk: self.desk.clone(), key: self.key, slice: self.ticket.slice }
    }
}

impl<B: Bank> Drop for Held<B> {
    fn drop(&mut self) {
        if !mem::replace(&mut self.is_settled, true) {
            self.desk.with_pool(self.key, |entry| entry.pool.returned(self.ticket));
        }
    }
}

/// A settlement that is not known to be durable; it is when this is dropped.
pub(super) struct Mark<B: Bank> {
    desk: Arc<Desk<B>>,
    key: B::Key,
    slice: HoldId,
}

impl<B: Bank> Mark<B> {
    /// Never durable as far as this process is concerned, which is about to end.
    pub(super) fn leave(self) {
        mem::forget(self);
    }
}

impl<B: Bank> Drop for Mark<B> {
    fn drop(&mut self) {
        self.desk.with_pool(self.key, |entry| entry.pool.written(self.slice));
    }
}
