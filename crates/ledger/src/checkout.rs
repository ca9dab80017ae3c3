//! How an order is paid: a subscription or another purchase, not the use of an API.

use serde::{Deserialize, Serialize};
use vocab::NanoUsd;

/// The operator's rules for orders (rules BILL-11, BILL-13, BILL-14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutRules {
    /// What is used first of what the buyer has here; the payment method always comes last.
    pub order: WalletOrder,
    /// The least that the payment processor takes.
    pub min_card_charge: NanoUsd,
    /// What happens when less than that is left to pay.
    pub min_charge_policy: MinChargePolicy,
    /// Whether an order that is covered entirely may be paid without the payment method.
    pub allow_zero_charge: bool,
}

/// The order of what a buyer has here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WalletOrder {
    /// Credits, then cash.
    CreditsFirst,
    /// Cash, then credits.
    CashFirst,
}

/// What happens when less is left to pay than the payment processor takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MinChargePolicy {
    /// Less of the credits is used, and of the cash if there are too few credits, so that nobody pays more
    /// than the price.
    ShrinkCredits,
    /// The payment method pays the least it can, and the buyer pays that much more than the price.
    RoundUp,
}

/// Who pays how much of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// From credits.
    pub credits: NanoUsd,
    /// From cash.
    pub cash: NanoUsd,
    /// From the payment method.
    pub card: NanoUsd,
}

/// Why an order cannot be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckoutError {
    /// Credits and cash are not enough, and there is no payment method.
    #[error("{missing} dollars are missing and there is no payment method")]
    NotCovered {
        /// How much is missing.
        missing: NanoUsd,
    },
    /// The price is below what the payment processor takes, and may not be rounded up.
    #[error("the price is less than the {least} dollars that a payment method can be charged")]
    BelowCardMinimum {
        /// The least it takes.
        least: NanoUsd,
    },
}

impl Default for CheckoutRules {
    fn default() -> Self {
        Self {
            order: WalletOrder::CreditsFirst,
            min_card_charge: NanoUsd(500_000_000),
            min_charge_policy: MinChargePolicy::ShrinkCredits,
            allow_zero_charge: true,
        }
    }
}

impl Payment {
    /// What the buyer pays in all.
    pub fn total(&self) -> NanoUsd {
        [self.credits, self.cash, self.card].into_iter().sum()
    }

    fn wallet(&self) -> NanoUsd {
        [self.credits, self.cash].into_iter().sum()
    }
}

impl CheckoutRules {
    /// Divides `price` between the `credits` and `cash` that the buyer has and the payment method, if there
    /// is one. What is owed counts as nothing.
    pub fn pay(
        &self,
        price: NanoUsd,
        credits: NanoUsd,
        cash: NanoUsd,
        has_payment_method: bool,
    ) -> Result<Payment, CheckoutError> {
        let wallet = self.wallet_share(price, credits, cash);
        let missing = price.saturating_sub(wallet.wallet());
        let is_covered = missing == NanoUsd::ZERO;
        if is_covered && (self.allow_zero_charge || price == NanoUsd::ZERO) {
            return Ok(wallet);
        }
        if !has_payment_method {
            return Err(CheckoutError::NotCovered { missing: missing.max(self.min_card_charge) });
        }
        if missing >= self.min_card_charge {
            return Ok(Payment { card: missing, ..wallet });
        }

        // Where nothing may go unpaid by card there is nothing to round up: the card's least comes off the
        // credits.
        let least = self.min_card_charge;
        match self.min_charge_policy {
            MinChargePolicy::RoundUp if !is_covered || price < least => {
                let wallet = if is_covered { Payment::default() } else { wallet };
                Ok(Payment { card: least, ..wallet })
            }
            _ if price < least => Err(CheckoutError::BelowCardMinimum { least }),
            _ => Ok(Payment { card: least, ..shrunk(wallet, price.saturating_sub(least)) }),
        }
    }

    fn wallet_share(&self, price: NanoUsd, credits: NanoUsd, cash: NanoUsd) -> Payment {
        let up_to = |have: NanoUsd, left: NanoUsd| have.max(NanoUsd::ZERO).min(left);
        let card = NanoUsd::ZERO;
        match self.order {
            WalletOrder::CreditsFirst => {
                let credits = up_to(credits, price);
                Payment { credits, cash: up_to(cash, price.saturating_sub(credits)), card }
            }
            WalletOrder::CashFirst => {
                let cash = up_to(cash, price);
                Payment { credits: up_to(credits, price.saturating_sub(cash)), cash, card }
            }
        }
    }
}

/// Uses no more than `most` of the wallet: less of the credits first.
fn shrunk(wallet: Payment, most: NanoUsd) -> Payment {
    let too_much = wallet.wallet().saturating_sub(most);
    let off_credits = too_much.min(wallet.credits);
    Payment {
        credits: wallet.credits.saturating_sub(off_credits),
        cash: wallet.cash.saturating_sub(too_much.saturating_sub(off_credits)),
        card: wallet.card,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usd(text: &str) -> NanoUsd {
        text.parse().unwrap()
    }

    fn payment(credits: &str, cash: &str, card: &str) -> Payment {
        Payment { credits: usd(credits), cash: usd(cash), card: usd(card) }
    }

    /// BILL-11: credits, then cash, then the card.
    #[test]
    fn a_month_of_pro_takes_credits_then_cash_then_the_card() {
        let rules = CheckoutRules::default();
        let paid = rules.pay(usd("72.00"), usd("10.00"), usd("5.00"), true);
        assert_eq!(paid, Ok(payment("10.00", "5.00", "57.00")));
        let without_card = rules.pay(usd("72.00"), usd("10.00"), usd("5.00"), false);
        assert_eq!(without_card, Err(CheckoutError::NotCovered { missing: usd("57.00") }));

        let cash_first = CheckoutRules { order: WalletOrder::CashFirst, ..rules };
        let paid = cash_first.pay(usd("12.00"), usd("10.00"), usd("5.00"), true);
        assert_eq!(paid, Ok(payment("7.00", "5.00", "0")));
    }

    /// BILL-13: 30 cents are left of 17.10 dollars, and no card can be charged so little.
    #[test]
    fn what_is_left_for_the_card_is_never_less_than_it_takes() {
        let shrinks = CheckoutRules::default();
        let paid = shrinks.pay(usd("17.10"), usd("16.80"), usd("0"), true).unwrap();
        assert_eq!(paid, payment("16.60", "0", "0.50"));
        assert_eq!(paid.total(), usd("17.10"));

        let rounds_up = CheckoutRules { min_charge_policy: MinChargePolicy::RoundUp, ..shrinks.clone() };
        let paid = rounds_up.pay(usd("17.10"), usd("16.80"), usd("0"), true).unwrap();
        assert_eq!(paid, payment("16.80", "0", "0.50"));
        assert_eq!(paid.total(), usd("17.30"));

        let mostly_cash = shrinks.pay(usd("17.10"), usd("0.10"), usd("16.80"), true);
        assert_eq!(mostly_cash, Ok(payment("0", "16.60", "0.50")), "cash makes room when credits cannot");
    }

    /// BILL-13: a price below the least charge cannot shrink to it.
    #[test]
    fn a_price_of_thirty_cents_needs_a_wallet_or_is_rounded_up() {
        let shrinks = CheckoutRules::default();
        let refused = Err(CheckoutError::BelowCardMinimum { least: usd("0.50") });
        assert_eq!(shrinks.pay(usd("0.30"), usd("0.10"), usd("0"), true), refused);
        assert_eq!(
            shrinks.pay(usd("0.30"), usd("0.10"), usd("0.20"), true),
            Ok(payment("0.10", "0.20", "0"))
        );
        let rounds_up = CheckoutRules { min_charge_policy: MinChargePolicy::RoundUp, ..shrinks };
        assert_eq!(rounds_up.pay(usd("0.30"), usd("0"), usd("0"), true), Ok(payment("0", "0", "0.50")));
    }

    /// BILL-14: credits cover the whole price.
    #[test]
    fn a_covered_order_charges_no_card_unless_the_operator_insists() {
        let rules = CheckoutRules::default();
        assert_eq!(rules.pay(usd("18.00"), usd("20.00"), usd("0"), false), Ok(payment("18.00", "0", "0")));

        for min_charge_policy in [MinChargePolicy::ShrinkCredits, MinChargePolicy::RoundUp] {
            let insists = CheckoutRules { allow_zero_charge: false, min_charge_policy, ..rules.clone() };
            let paid = insists.pay(usd("18.00"), usd("20.00"), usd("0"), true);
            assert_eq!(paid, Ok(payment("17.50", "0", "0.50")));
            let free = insists.pay(usd("0"), usd("20.00"), usd("0"), false);
            assert_eq!(free, Ok(Payment::default()), "nothing is nothing to charge");
        }
    }

    proptest! {
        /// BILL-13: the price is paid exactly, or rounded up by less than the least charge, and the card is
        /// charged either nothing or enough.
        #[test]
        fn an_order_is_paid_exactly(
            price in 0i64..3_000, credits in -100i64..3_000, cash in -100i64..3_000,
            shrink: bool, allow_zero_charge: bool, credits_first: bool,
        ) {
            let rules = CheckoutRules {
                order: if credits_first { WalletOrder::CreditsFirst } else { WalletOrder::CashFirst },
                min_card_charge: NanoUsd(500),
                min_charge_policy: if shrink { MinChargePolicy::ShrinkCredits } else { MinChargePolicy::RoundUp },
                allow_zero_charge,
            };
            match rules.pay(NanoUsd(price), NanoUsd(credits), NanoUsd(cash), true) {
                Ok(paid) => {
                    let over = paid.total().0 - price;
                    let over_most = if shrink { 0 } else { 500 };
                    prop_assert!((0..=over_most).contains(&over));
                    prop_assert!(paid.card.0 == 0 || paid.card.0 >= 500);
                    prop_assert!(paid.card.0 > 0 || allow_zero_charge || price == 0);
                    prop_assert!((0..=credits.max(0)).contains(&paid.credits.0));
                    prop_assert!((0..=cash.max(0)).contains(&paid.cash.0));
                }
                Err(error) => {
                    prop_assert_eq!(error, CheckoutError::BelowCardMinimum { least: NanoUsd(500) });
                    prop_assert!(shrink && price < 500);
                }
            }
        }
    }
}
