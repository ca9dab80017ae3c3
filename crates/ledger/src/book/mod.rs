//! The whole ledger in memory: the reference that every other adapter must equal.

mod money;
mod quota;
mod verify;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use vocab::{AccountId, EntryId, GrantId, HoldId, RequestId, Timestamp};

use crate::{
    Balance, BookError, Entry, EntryKind, GrantState, Hold, Pool, QuotaUse, Refund, Settled, Slice, Units,
    UseSecond, Wallet, WindowName,
};

/// Every account's money and every pool's use. Each method is what the method of the same name of
/// [`LedgerStore`](crate::LedgerStore) or [`QuotaStore`](crate::QuotaStore) says, without waiting for anything.
///
/// The same calls give the same answers, but for the ids of entries.
#[derive(Clone, Debug, Default)]
pub struct Book {
    balances: BTreeMap<AccountId, Balance>,
    grants: BTreeMap<GrantId, GrantState>,
    grants_of: BTreeMap<AccountId, Vec<GrantId>>,
    holds: BTreeMap<HoldId, Hold>,
    holds_open: BTreeSet<HoldId>,
    entries: Vec<Entry>,
    entered: HashMap<(EntryKind, String), usize>,
    settled: BTreeMap<RequestId, Settlements>,
    refunds: BTreeMap<String, Refund>,
    pools: BTreeMap<Pool, Uses>,
    slices: BTreeMap<HoldId, Slice>,
}

/// A request that was settled, and the quota it used.
#[derive(Clone, Debug)]
struct Settlements {
    settled: Settled,
    quota: Option<QuotaUse>,
}

/// What a pool counted.
#[derive(Clone, Debug, Default)]
struct Uses {
    seconds: BTreeMap<UseSecond, Counted>,
    windows: BTreeMap<(WindowName, Timestamp), Counted>,
}

/// How much was used, and how much of that was taken back by the operator.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    settled: Units,
    taken_back: Units,
}

impl Counted {
    fn used(self) -> Units {
        self.settled.minus(self.taken_back)
    }
}

impl Book {
    /// What a rule may touch of an account, with these of its holds.
    fn wallet(&self, account: AccountId, holds: &[HoldId]) -> Wallet {
        let balance = self.balances.get(&account).copied().unwrap_or_default();
        let holds: BTreeMap<_, _> = holds
            .iter()
            .filter_map(|id| self.holds.get(id))
            .filter(|hold| hold.account == account)
            .map(|hold| (hold.id, hold.clone()))
            .collect();
        let of_account = self.grants_of.get(&account).into_iter().flatten();
        let credits = of_account.filter_map(|id| self.grants.get(id)).cloned().collect();
        Wallet::new(account, balance, credits, holds)
    }

    /// Keeps what a rule made of a wallet.
    fn keep(&mut self, wallet: Wallet, entry: Option<Entry>) {
        self.balances.insert(wallet.account, wallet.balance);
        for credit in wallet.credits() {
            let id = credit.grant.id;
            if self.grants.insert(id, credit.clone()).is_none() {
                self.grants_of.entry(wallet.account).or_default().push(id);
            }
        }
        for (id, hold) in wallet.holds {
            if hold.is_open() {
                self.holds_open.insert(id);
            } else {
                self.holds_open.remove(&id);
            }
            self.holds.insert(id, hold);
        }
        if let Some(entry) = entry {
            self.entered.insert((entry.kind, entry.reference.clone()), self.entries.len());
            self.entries.push(entry);
        }
    }

    fn entered(&self, kind: EntryKind, reference: &str) -> Option<&Entry> {
        let place = self.entered.get(&(kind, reference.to_owned()))?;
        self.entries.get(*place)
    }
}

/// An id for an entry that may come about.
fn entry_id() -> EntryId {
    EntryId::generate()
}

/// The error of a book that has lost something, which it does not.
fn missing(what: &RequestId) -> BookError {
    BookError::Missing(what.to_string())
}
