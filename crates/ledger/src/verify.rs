//! What must always hold, in words that every adapter's check shares.

use crate::{Finding, Verified};

/// What must always hold, on whatever stores the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Invariant {
    /// Double entry.
    EntriesAddUp,
    /// Double entry, over everything.
    BooksAddUp,
    /// Nothing is entered twice.
    EnteredOnce,
    /// The cached cash is true.
    CashIsPosted,
    /// The cached credits are true.
    CreditsArePosted,
    /// The cached parts of holds are true.
    HoldsArePosted,
    /// Nobody spends what is not there.
    NobodyOwesMore,
    /// Grants, holds and slices have between nothing and all of what they were.
    NothingBelowZero,
    /// A hold or slice that ended holds nothing.
    EndedIsEmpty,
    /// A request pays its cost or less, and names the entry that charged it.
    ChargedByEntry,
    /// Each request is in the revenue of one entry, once.
    ChargesAddUp,
    /// No more is given back than was charged, and each row says how much.
    RefundsAddUp,
    /// What anchored windows count is what was settled in them.
    WindowsAddUp,
    /// What rolling windows count was settled.
    UsesWereSettled,
}

impl Invariant {
    /// Every invariant.
    pub const ALL: [Self; 14] = [
        Self::EntriesAddUp,
        Self::BooksAddUp,
        Self::EnteredOnce,
        Self::CashIsPosted,
        Self::CreditsArePosted,
        Self::HoldsArePosted,
        Self::NobodyOwesMore,
        Self::NothingBelowZero,
        Self::EndedIsEmpty,
        Self::ChargedByEntry,
        Self::ChargesAddUp,
        Self::RefundsAddUp,
        Self::WindowsAddUp,
        Self::UsesWereSettled,
    ];

    /// The invariant in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EntriesAddUp => "the postings of each entry add up to zero",
            Self::BooksAddUp => "all books together add up to zero",
            Self::EnteredOnce => "no two entries have the same kind and reference",
            Self::CashIsPosted => "the cash of each account is the sum of its postings",
            Self::CreditsArePosted => "what is left of each grant is the sum of its postings",
            Self::HoldsArePosted => "what is left of each hold is the sum of its postings",
            Self::NobodyOwesMore => "no account owes more than its overdraft allowed",
            Self::NothingBelowZero => {
                "grants, holds and slices have between nothing and all of what they were"
            }
            Self::EndedIsEmpty => "holds and slices that have ended have nothing left",
            Self::ChargedByEntry => {
                "each request is charged its cost or less, and names the entry if it is charged"
            }
            Self::ChargesAddUp => "the requests of each group add up to the revenue of its entry",
            Self::RefundsAddUp => {
                "the refunds of each request add up to what it says, and to its charge at most"
            }
            Self::WindowsAddUp => "anchored windows count exactly what was settled in them",
            Self::UsesWereSettled => "rolling windows count nothing that was not settled",
        }
    }
}

/// Examples of what breaks one invariant are kept up to this many.
pub const EXAMPLES_MAX: usize = 5;

/// Collects what a check finds.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    counted: Vec<(&'static str, u64)>,
    broken: Vec<(Invariant, String)>,
}

impl Checks {
    /// Notes how many of something there were to look at.
    pub fn count(&mut self, what: &'static str, count: u64) {
        self.counted.push((what, count));
    }

    /// Notes something that breaks `invariant`.
    pub fn broken(&mut self, invariant: Invariant, example: impl Into<String>) {
        if self.broken.iter().filter(|(other, _)| *other == invariant).count() < EXAMPLES_MAX {
            self.broken.push((invariant, example.into()));
        }
    }

    /// Notes `example` unless `holds`.
    pub fn expect(&mut self, holds: bool, invariant: Invariant, example: impl FnOnce() -> String) {
        if !holds {
            self.broken(invariant, example());
        }
    }

    /// What was found, every invariant named.
    pub fn into_verified(self) -> Verified {
        let examples = |invariant| {
            let broken = self.broken.iter().filter(move |(other, _)| *other == invariant);
            broken.map(|(_, example)| example.clone()).collect()
        };
        let findings = Invariant::ALL
            .into_iter()
            .map(|invariant| Finding { invariant: invariant.as_str(), broken_by: examples(invariant) })
            .collect();
        Verified { counted: self.counted, findings }
    }
}
