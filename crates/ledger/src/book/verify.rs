use std::collections::{BTreeMap, HashMap, HashSet};

use vocab::{EntryId, NanoUsd, RequestId};

use super::{Book, Counted};
use crate::verify::{Checks, Invariant};
use crate::{BookAccount, EntryKind, Settled, Units, UseSecond, Verified};

/// Sums that cannot overflow.
type Sums<K> = BTreeMap<K, i128>;

impl Book {
    /// Checks everything that must hold.
    pub fn verify(&self) -> Verified {
        let mut checks = Checks::default();
        self.count_all(&mut checks);
        let posted = self.check_entries(&mut checks);
        self.check_balances(&posted, &mut checks);
        self.check_settled(&mut checks);
        self.check_refunds(&mut checks);
        self.check_quota(&mut checks);
        checks.into_verified()
    }

    fn count_all(&self, checks: &mut Checks) {
        checks.count("entries", self.entries.len() as u64);
        checks.count("postings", self.entries.iter().map(|entry| entry.postings.len() as u64).sum());
        checks.count("accounts", self.balances.len() as u64);
        checks.count("grants", self.grants.len() as u64);
        checks.count("holds", self.holds.len() as u64);
        checks.count("settled requests", self.settled.len() as u64);
        checks.count("refunds", self.refunds.len() as u64);
        checks.count("slices", self.slices.len() as u64);
        checks.count("pools", self.pools.len() as u64);
    }

    /// Also says what every book account has been posted.
    fn check_entries(&self, checks: &mut Checks) -> Sums<BookAccount> {
        let mut posted = Sums::new();
        let mut references = HashSet::new();
        for entry in &self.entries {
            let sum: i128 = entry.postings.iter().map(|posting| i128::from(posting.amount.0)).sum();
            checks.expect(sum == 0, Invariant::EntriesAddUp, || entry.id.to_string());
            let is_new = references.insert((entry.kind, &entry.reference));
            checks.expect(is_new, Invariant::EnteredOnce, || entry.id.to_string());
            for posting in &entry.postings {
                *posted.entry(posting.book).or_default() += i128::from(posting.amount.0);
            }
        }
        let total: i128 = posted.values().sum();
        checks.expect(total == 0, Invariant::BooksAddUp, || format!("{total}"));
        posted
    }

    fn check_balances(&self, posted: &Sums<BookAccount>, checks: &mut Checks) {
        let is_posted = |book: BookAccount, amount: NanoUsd| {
            posted.get(&book).copied().unwrap_or_default() == i128::from(amount.0)
        };
        for (account, balance) in &self.balances {
            let holds = is_posted(BookAccount::Cash(*account), balance.cash);
            checks.expect(holds, Invariant::CashIsPosted, || account.to_string());
            let holds = balance.cash >= -balance.owed_max;
            checks.expect(holds, Invariant::NobodyOwesMore, || account.to_string());
        }
        for (grant, credit) in &self.grants {
            let holds = is_posted(BookAccount::Credit(*grant), credit.left);
            checks.expect(holds, Invariant::CreditsArePosted, || grant.to_string());
            let holds = is_within(credit.left, credit.grant.amount);
            checks.expect(holds, Invariant::NothingBelowZero, || grant.to_string());
        }
        for (id, hold) in &self.holds {
            let left = hold.left();
            let holds = is_posted(BookAccount::Held(*id), left);
            checks.expect(holds, Invariant::HoldsArePosted, || id.to_string());
            let taken = NanoUsd::checked_sum(hold.parts.iter().map(|part| part.taken));
            checks.expect(taken == Some(hold.opened), Invariant::HoldsArePosted, || id.to_string());
            let holds = hold.parts.iter().all(|part| is_within(part.left, part.taken));
            checks.expect(holds, Invariant::NothingBelowZero, || id.to_string());
            let holds = hold.is_open() || left == NanoUsd::ZERO;
            checks.expect(holds, Invariant::EndedIsEmpty, || id.to_string());
        }
        for book in posted.keys() {
            let (is_kept, invariant, name) = match book {
                BookAccount::Cash(id) => {
                    (self.balances.contains_key(id), Invariant::CashIsPosted, id.to_string())
                }
                BookAccount::Credit(id) => {
                    (self.grants.contains_key(id), Invariant::CreditsArePosted, id.to_string())
                }
                BookAccount::Held(id) => {
                    (self.holds.contains_key(id), Invariant::HoldsArePosted, id.to_string())
                }
                BookAccount::Payments | BookAccount::Promotions | BookAccount::Revenue => continue,
            };
            checks.expect(is_kept, invariant, || name);
        }
    }

    fn check_settled(&self, checks: &mut Checks) {
        let mut charged = HashMap::<EntryId, i128>::new();
        for (request, kept) in &self.settled {
            let settled = &kept.settled;
            checks.expect(is_consistent(settled), Invariant::ChargedByEntry, || request.to_string());
            if let Some(entry) = settled.entry {
                *charged.entry(entry).or_default() += i128::from(settled.charged.0);
            }
        }
        for entry in self.entries.iter().filter(|entry| entry.kind == EntryKind::Settle) {
            let rows = charged.remove(&entry.id).unwrap_or_default();
            let revenue = entry.postings.iter().filter(|posting| posting.book == BookAccount::Revenue);
            let revenue: i128 = revenue.map(|posting| i128::from(posting.amount.0)).sum();
            checks.expect(rows == revenue, Invariant::ChargesAddUp, || entry.id.to_string());
        }
        for entry in charged.keys() {
            checks.broken(Invariant::ChargesAddUp, entry.to_string());
        }
    }

    fn check_refunds(&self, checks: &mut Checks) {
        let mut refunded = BTreeMap::<&RequestId, i128>::new();
        for refund in self.refunds.values() {
            *refunded.entry(&refund.request).or_default() += i128::from(refund.amount.0);
            let entry = self.entered(EntryKind::Refund, &refund.reference);
            let revenue = entry
                .and_then(|entry| entry.postings.iter().find(|posting| posting.book == BookAccount::Revenue));
            let holds = revenue.is_some_and(|posting| posting.amount == -refund.amount);
            checks.expect(holds, Invariant::RefundsAddUp, || refund.reference.clone());
        }
        for (request, kept) in &self.settled {
            let sum = refunded.remove(request).unwrap_or_default();
            let holds =
                sum == i128::from(kept.settled.refunded.0) && kept.settled.refunded <= kept.settled.charged;
            checks.expect(holds, Invariant::RefundsAddUp, || request.to_string());
        }
        for request in refunded.keys() {
            checks.broken(Invariant::RefundsAddUp, request.to_string());
        }
    }

    fn check_quota(&self, checks: &mut Checks) {
        let mut seconds = Sums::new();
        let mut windows = Sums::new();
        for quota in self.settled.values().filter_map(|kept| kept.quota.as_ref()) {
            let units = i128::from(quota.counted().0);
            *seconds.entry((quota.pool, UseSecond::of(quota.used_at))).or_default() += units;
            for window in &quota.anchored {
                *windows.entry((quota.pool, *window)).or_default() += units;
            }
        }
        for (pool, uses) in &self.pools {
            for (second, counted) in &uses.seconds {
                let settled = seconds.get(&(*pool, *second)).copied().unwrap_or_default();
                let holds = i128::from(counted.settled.0) <= settled && is_sound(*counted);
                checks.expect(holds, Invariant::UsesWereSettled, || format!("{pool} at {}", second.0));
            }
            for (window, counted) in &uses.windows {
                let settled = windows.remove(&(*pool, *window)).unwrap_or_default();
                let holds = i128::from(counted.settled.0) == settled && is_sound(*counted);
                checks.expect(holds, Invariant::WindowsAddUp, || format!("{pool} from {}", window.1));
            }
        }
        for ((pool, window), units) in windows {
            checks.expect(units == 0, Invariant::WindowsAddUp, || format!("{pool} from {}", window.1));
        }
        for (id, slice) in &self.slices {
            let holds = slice.left >= Units::ZERO && slice.left <= slice.given;
            checks.expect(holds, Invariant::NothingBelowZero, || id.to_string());
            let holds = slice.is_open || slice.left == Units::ZERO;
            checks.expect(holds, Invariant::EndedIsEmpty, || id.to_string());
        }
    }
}

fn is_within(left: NanoUsd, whole: NanoUsd) -> bool {
    left >= NanoUsd::ZERO && left <= whole
}

fn is_sound(counted: Counted) -> bool {
    counted.taken_back >= Units::ZERO && counted.taken_back <= counted.settled
}

fn is_consistent(settled: &Settled) -> bool {
    let is_charged = settled.charged.is_positive();
    is_within(settled.charged, settled.cost)
        && is_within(settled.from_credits, settled.charged)
        && settled.entry.is_some() == is_charged
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use vocab::{AccountId, HoldId, SubscriptionId, Timestamp};

    use super::*;
    use crate::{
        HoldPurpose, HoldRequest, MoneyUse, Pool, PoolKind, QuotaUse, Settlement, TopUp, WindowName,
    };

    const NOW: Timestamp = Timestamp::from_millis(1_770_631_146_000);

    /// A book in which something of everything has happened.
    fn book() -> Book {
        let mut book = Book::default();
        let account = AccountId::generate();
        let top_up = TopUp { reference: "order-1".to_owned(), account, amount: NanoUsd(100), at: NOW };
        book.top_up(&top_up).unwrap();
        let hold = HoldRequest {
            id: HoldId::generate(),
            account,
            purpose: HoldPurpose::Task,
            want: NanoUsd(50),
            least: NanoUsd(50),
            at: NOW,
            until: NOW.plus(Duration::from_secs(1)),
        };
        book.hold_open(&hold).unwrap();
        let pool = Pool { subscription: SubscriptionId::generate(), kind: PoolKind::Prompts };
        let quota = QuotaUse {
            pool,
            slice: None,
            units: Units(50),
            used_at: NOW,
            anchored: vec![(WindowName::Week, NOW)],
        };
        let settlement = Settlement {
            request: RequestId::generate(NOW),
            account,
            at: NOW,
            money: Some(MoneyUse { hold: Some(hold.id), cost: NanoUsd(20), price_version: 1 }),
            quota: Some(quota),
        };
        book.settle(&[settlement]).unwrap();
        assert!(book.verify().is_clean());
        book
    }

    #[track_caller]
    fn finds(tamper: impl FnOnce(&mut Book), broken: &[Invariant]) {
        let mut book = book();
        tamper(&mut book);
        let findings = book.verify().findings;
        let found: Vec<_> = findings.iter().filter(|one| !one.broken_by.is_empty()).collect();
        let found: Vec<_> = found.iter().map(|one| one.invariant).collect();
        assert_eq!(found, broken.iter().map(|one| one.as_str()).collect::<Vec<_>>());
    }

    #[test]
    fn tampering_is_found() {
        use Invariant as I;
        let first = |book: &mut Book| book.entries.remove(0);
        finds(
            |book| book.entries[0].postings[0].amount = NanoUsd(99),
            &[I::EntriesAddUp, I::BooksAddUp, I::CashIsPosted],
        );
        finds(|book| drop(first(book)), &[I::CashIsPosted]);
        finds(
            |book| {
                let again = first(book);
                book.entries.extend([again.clone(), again]);
            },
            &[I::EnteredOnce, I::CashIsPosted],
        );
        finds(
            |book| book.balances.values_mut().for_each(|one| one.cash = NanoUsd(-1)),
            &[I::CashIsPosted, I::NobodyOwesMore],
        );
        finds(|book| book.holds.values_mut().for_each(|one| one.closed = Some(NOW)), &[I::EndedIsEmpty]);
        finds(
            |book| book.holds.values_mut().for_each(|one| one.parts[0].left = NanoUsd(51)),
            &[I::HoldsArePosted, I::NothingBelowZero],
        );
    }

    #[test]
    fn a_forged_charge_is_found() {
        use Invariant as I;
        let each = |book: &mut Book, forge: fn(&mut Settled)| {
            book.settled.values_mut().for_each(|kept| forge(&mut kept.settled));
        };
        finds(|book| each(book, |one| one.charged = NanoUsd(19)), &[I::ChargesAddUp]);
        finds(|book| each(book, |one| one.cost = NanoUsd(19)), &[I::ChargedByEntry]);
        finds(|book| each(book, |one| one.entry = None), &[I::ChargedByEntry, I::ChargesAddUp]);
        finds(|book| each(book, |one| one.refunded = NanoUsd(1)), &[I::RefundsAddUp]);
        finds(|book| book.settled.clear(), &[I::ChargesAddUp, I::WindowsAddUp, I::UsesWereSettled]);
        finds(|book| book.pools.clear(), &[I::WindowsAddUp]);
    }
}
