use std::collections::{BTreeMap, HashSet};

use vocab::{AccountId, EntryId, HoldId, NanoUsd, Timestamp};

use super::{Wallet, add};
use crate::movements::Movements;
use crate::{BookAccount, BookError, Entry, EntryKind, MoneySource, Settled, Settlement};

/// The settlements that are not `known` yet, the first of each request, by account and in order.
pub fn by_account(
    settlements: &[Settlement],
    is_known: impl Fn(&Settlement) -> bool,
) -> BTreeMap<AccountId, Vec<&Settlement>> {
    let mut seen = HashSet::new();
    let mut grouped = BTreeMap::<_, Vec<_>>::new();
    for settlement in settlements {
        if seen.insert(&settlement.request) && !is_known(settlement) {
            grouped.entry(settlement.account).or_default().push(settlement);
        }
    }
    grouped
}

impl Wallet {
    /// Charges requests of this account that were not charged before, in one entry named after the first of them that
    /// cost something.
    ///
    /// Each takes from its hold, in the order in which the hold was taken. If that has ended or is too small, it takes
    /// what is available; what is missing then is waived. A cost below zero is none.
    pub fn settle(
        &mut self,
        settlements: &[&Settlement],
        entry: EntryId,
    ) -> Result<(Vec<Settled>, Option<Entry>), BookError> {
        let mut movements = Movements::default();
        let mut settled = Vec::with_capacity(settlements.len());
        let mut reference = None;
        for settlement in settlements {
            let paid = self.pay(settlement, &mut movements)?;
            let is_charged = paid.charged.is_positive();
            if is_charged && reference.is_none() {
                reference = Some(settlement.request.to_string());
            }
            let money = settlement.money.as_ref();
            settled.push(Settled {
                request: settlement.request.clone(),
                account: self.account,
                cost: money.map_or(NanoUsd::ZERO, |money| money.cost.max(NanoUsd::ZERO)),
                charged: paid.charged,
                from_credits: paid.from_credits,
                price_version: money.map_or(0, |money| money.price_version),
                entry: is_charged.then_some(entry),
                at: settlement.at,
                refunded: NanoUsd::ZERO,
            });
        }
        let Some(reference) = reference else { return Ok((settled, None)) };
        let at = settled.iter().filter(|one| one.entry.is_some()).map(|one| one.at).max();
        let at = at.unwrap_or(Timestamp::from_millis(0));
        Ok((settled, movements.into_entry(entry, EntryKind::Settle, self.account, reference, at)))
    }

    fn pay(&mut self, settlement: &Settlement, movements: &mut Movements) -> Result<Paid, BookError> {
        let mut paid = Paid::default();
        let Some(money) = &settlement.money else { return Ok(paid) };
        let mut due = money.cost.max(NanoUsd::ZERO);
        if let Some(hold) = money.hold {
            for (source, amount) in self.spend(hold, due)? {
                add(&mut due, -amount)?;
                paid.add(source, amount)?;
                movements.transfer(BookAccount::Held(hold), BookAccount::Revenue, amount)?;
            }
        }
        if due.is_positive() {
            for part in self.take(due, settlement.at)? {
                paid.add(part.source, part.taken)?;
                movements.transfer(part.source.book(self.account), BookAccount::Revenue, part.taken)?;
            }
        }
        Ok(paid)
    }

    /// Takes up to `amount` from a hold, if it is open and of this wallet.
    fn spend(&mut self, hold: HoldId, amount: NanoUsd) -> Result<Vec<(MoneySource, NanoUsd)>, BookError> {
        let mut spent = Vec::new();
        let Some(hold) = self.holds.get_mut(&hold).filter(|hold| hold.is_open()) else { return Ok(spent) };
        let mut wanted = amount;
        for part in &mut hold.parts {
            let taken = part.left.min(wanted);
            if taken.is_positive() {
                add(&mut part.left, -taken)?;
                add(&mut wanted, -taken)?;
                spent.push((part.source, taken));
            }
        }
        Ok(spent)
    }
}

/// What one request paid.
#[derive(Default)]
struct Paid {
    charged: NanoUsd,
    from_credits: NanoUsd,
}

impl Paid {
    fn add(&mut self, source: MoneySource, amount: NanoUsd) -> Result<(), BookError> {
        if matches!(source, MoneySource::Credit(_)) {
            add(&mut self.from_credits, amount)?;
        }
        add(&mut self.charged, amount)
    }
}
