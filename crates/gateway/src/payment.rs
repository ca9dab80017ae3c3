use std::sync::Arc;

use ledger::{
    Extras, MoneyUse, Pool, PriceBook, QuotaUse, Settlement, Units, WindowLimit, WindowName, WindowSpan,
};
use vocab::{AccountId, NanoUsd, RequestId, Timestamp, Usage};

use crate::billing::{Bill, End};
use crate::key_spending::KeyReservation;
use crate::{MoneyReservation, QuotaReservation, Unwritten};

/// What a request has set aside, and what will be taken of it.
pub(crate) enum Payment {
    /// Nobody pays: the model is free, or nothing is charged here.
    Nobody,
    /// The balance pays (rule ENDP-05).
    Balance {
        reserved: MoneyReservation,
        /// In force when the request began; what happens to prices meanwhile does not touch it.
        prices: Arc<PriceBook>,
        /// What is set aside of the key's own limit, if it has one.
        of_key: Option<KeyReservation>,
    },
    /// A plan pays.
    Plan { reserved: QuotaReservation, pool: Pool, anchored: Vec<(WindowName, Timestamp)> },
}

/// What a request came to.
pub(crate) struct Payable {
    /// What the books are told.
    pub(crate) settlement: Option<Settlement>,
    /// Kept until they have been told.
    pub(crate) unwritten: Option<Unwritten>,
}

/// What a request was, as far as paying for it goes.
pub(crate) struct Bought<'a> {
    pub(crate) request: &'a RequestId,
    pub(crate) account: AccountId,
    pub(crate) model: &'a vocab::ModelName,
    /// When it began, which is when it counts (rule QUOTA-08).
    pub(crate) began: Timestamp,
    pub(crate) usage: &'a Usage,
    pub(crate) extras: &'a Extras,
}

impl Payment {
    /// A plan's payment within `limits`.
    pub(crate) fn by_plan(reserved: QuotaReservation, pool: Pool, limits: &[WindowLimit]) -> Self {
        let anchored = limits.iter().filter_map(|limit| match limit.span {
            WindowSpan::Anchored { starts, .. } => Some((limit.name, starts)),
            WindowSpan::Rolling(_) => None,
        });
        Self::Plan { reserved, pool, anchored: anchored.collect() }
    }

    /// Ends the reservation by the billing rule. What was not used can be reserved again at once.
    pub(crate) fn settle(self, end: End, bought: &Bought<'_>, now: Timestamp) -> Payable {
        let bill = Bill::of(end, bought.usage);
        let nothing = Payable { settlement: None, unwritten: None };
        match self {
            Self::Nobody => nothing,
            Self::Balance { reserved, prices, of_key } => {
                let cost = cost(&prices, bill, bought).unwrap_or(reserved.amount());
                if !cost.is_positive() {
                    return nothing;
                }
                let money = MoneyUse { hold: Some(reserved.hold()), cost, price_version: prices.version };
                let settlement = settlement(bought, now, Some(money), None);
                let of_key = of_key.map(|of_key| of_key.settle(cost));
                let unwritten = reserved.settle(cost).with_key(of_key);
                Payable { settlement: Some(settlement), unwritten: Some(unwritten) }
            }
            Self::Plan { reserved, pool, anchored } => {
                let units = if bill.counts { reserved.units() } else { Units(0) };
                if units == Units(0) {
                    return nothing;
                }
                let slice = Some(reserved.slice());
                let quota = QuotaUse { pool, slice, units, used_at: bought.began, anchored };
                let settlement = settlement(bought, now, None, Some(quota));
                Payable { settlement: Some(settlement), unwritten: Some(reserved.settle(units)) }
            }
        }
    }
}

/// `None` if it cannot be counted; a host that reports such a number is not believed beyond what was set aside.
fn cost(prices: &PriceBook, bill: Bill, bought: &Bought<'_>) -> Option<NanoUsd> {
    let usage = bill.charged.of_usage(bought.usage);
    let extras = bill.charged.of_extras(bought.extras);
    prices.charge(bought.model, &usage, &extras).ok().map(|charge| charge.total)
}

fn settlement(
    bought: &Bought<'_>,
    at: Timestamp,
    money: Option<MoneyUse>,
    quota: Option<QuotaUse>,
) -> Settlement {
    Settlement { request: bought.request.clone(), account: bought.account, at, money, quota }
}
