//! Money by the rules: what pays first, what goes back where, and what happens once.

#![expect(clippy::unwrap_used, reason = "a helper that cannot do its part fails the test")]

use ledger::{
    Applied, BookAccount, EntryKind, Grant, GrantKind, HoldOutcome, HoldPurpose, HoldRequest, Refund,
    RefundOutcome, Settled, Settlement, TopUp,
};
use ledger::{Book, MoneyUse};
use vocab::{AccountId, GrantId, HoldId, NanoUsd, NodeId, RequestId, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(1_770_631_146_000);

/// A book with one account, and short words for what happens to it.
struct Desk {
    book: Book,
    account: AccountId,
}

fn usd(text: &str) -> NanoUsd {
    text.parse().unwrap()
}

fn later(seconds: u64) -> Timestamp {
    NOW.plus(std::time::Duration::from_secs(seconds))
}

impl Desk {
    fn with_cash(cash: &str) -> Self {
        let mut desk = Self { book: Book::default(), account: AccountId::generate() };
        let top_up =
            TopUp { reference: "order-1".to_owned(), account: desk.account, amount: usd(cash), at: NOW };
        assert_eq!(desk.book.top_up(&top_up), Ok(Applied::Now));
        desk
    }

    fn grant(&mut self, amount: &str, priority: i32, expires: Option<Timestamp>) -> GrantId {
        let grant = Grant {
            id: GrantId::generate(),
            account: self.account,
            kind: GrantKind::Operator,
            note: "hello".to_owned(),
            amount: usd(amount),
            priority,
            expires,
            at: NOW,
        };
        assert_eq!(self.book.grant(&grant), Ok(Applied::Now));
        grant.id
    }

    fn hold(&mut self, want: &str, at: Timestamp) -> HoldId {
        let id = HoldId::generate();
        let want = usd(want);
        let purpose = HoldPurpose::Lease(NodeId::generate());
        let until = at.plus(std::time::Duration::from_secs(60));
        let request = HoldRequest { id, account: self.account, purpose, want, least: want, at, until };
        assert_eq!(self.book.hold_open(&request), Ok(HoldOutcome::Opened(want)));
        id
    }

    fn charge(&mut self, hold: Option<HoldId>, cost: &str, at: Timestamp) -> Settled {
        let settlement = Settlement {
            request: RequestId::generate(at),
            account: self.account,
            at,
            money: Some(MoneyUse { hold, cost: usd(cost), price_version: 1 }),
            quota: None,
        };
        let settled = self.book.settle(&[settlement]).unwrap();
        settled.into_iter().next().unwrap()
    }

    /// Cash, credits and what is held.
    fn funds(&self, at: Timestamp) -> (String, String, String) {
        let funds = self.book.funds(self.account, at);
        (funds.cash.to_string(), funds.credits.to_string(), funds.held.to_string())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let verified = self.book.verify();
            assert!(verified.is_clean(), "{verified:?}");
        }
    }
}

fn shown(cash: &str, credits: &str, held: &str) -> (String, String, String) {
    (cash.to_owned(), credits.to_owned(), held.to_owned())
}

/// BILL-12: credits 0.01, cash 1.00, call costs 0.015 -> credits 0, cash 0.995.
#[test]
fn a_call_takes_credits_first_and_cash_after_that() {
    let mut desk = Desk::with_cash("1.00");
    desk.grant("0.01", 0, None);
    let settled = desk.charge(None, "0.015", NOW);
    assert_eq!((settled.charged, settled.from_credits), (usd("0.015"), usd("0.01")));
    assert_eq!(desk.funds(NOW), shown("0.995", "0.00", "0.00"));
}

/// BILL-12: the order is the same where the money was set aside before.
#[test]
fn a_call_within_a_hold_takes_credits_first_and_cash_after_that() {
    let mut desk = Desk::with_cash("1.00");
    desk.grant("0.01", 0, None);
    let hold = desk.hold("0.50", NOW);
    assert_eq!(desk.funds(NOW), shown("0.51", "0.00", "0.50"));
    desk.charge(Some(hold), "0.015", NOW);
    assert_eq!(desk.funds(NOW), shown("0.51", "0.00", "0.485"));
    assert_eq!(desk.book.hold_release(hold, NOW), Ok(usd("0.485")));
    assert_eq!(desk.book.hold_release(hold, NOW), Ok(NanoUsd::ZERO), "once");
    assert_eq!(desk.funds(NOW), shown("0.995", "0.00", "0.00"));
}

/// BILL-11: of several credits the one with the lower priority number goes first, then the one that ends sooner.
#[test]
fn credits_go_by_priority_and_then_by_expiry() {
    let mut desk = Desk::with_cash("1.00");
    let last = desk.grant("1.00", 5, Some(later(10)));
    let never = desk.grant("1.00", 0, None);
    let soon = desk.grant("1.00", 0, Some(later(100)));
    desk.hold("2.50", NOW);
    let left: Vec<_> =
        desk.book.grants(desk.account, 10).iter().map(|one| (one.grant.id, one.left)).collect();
    assert_eq!(left, [(last, usd("0.50"))], "{never} and {soon} went first");
    assert_eq!(desk.funds(NOW), shown("1.00", "0.50", "2.50"));
}

/// BILL-11: expired credits pay for nothing, also before a sweep has ended them.
#[test]
fn expired_credits_are_not_spent() {
    let mut desk = Desk::with_cash("1.00");
    let grant = desk.grant("1.00", 0, Some(later(10)));
    assert_eq!(desk.charge(None, "0.25", later(10)).from_credits, NanoUsd::ZERO);
    assert_eq!(desk.funds(later(10)), shown("0.75", "0.00", "0.00"));
    assert_eq!(desk.book.expire(later(10), 10).unwrap().grants, [(grant, usd("1.00"))]);
    assert_eq!(desk.book.expire(later(10), 10).unwrap().grants, []);
}

#[test]
fn credits_that_expire_while_set_aside_go_back_and_end_with_the_next_sweep() {
    let mut desk = Desk::with_cash("1.00");
    let grant = desk.grant("1.00", 0, Some(later(10)));
    let hold = desk.hold("0.60", NOW);
    assert_eq!(desk.book.expire(later(10), 10).unwrap().grants, [(grant, usd("0.40"))]);
    assert_eq!(desk.charge(Some(hold), "0.20", later(20)).charged, usd("0.20"), "it was set aside in time");
    let expired = desk.book.expire(later(60), 10).unwrap();
    assert_eq!(expired.holds, [(hold, usd("0.40"))]);
    assert_eq!(expired.grants, [(grant, usd("0.40"))]);
    assert_eq!(desk.funds(later(60)), shown("1.00", "0.00", "0.00"));
}

/// BILL-10: prepaid. What is not there is not set aside, and a late charge takes what is there.
#[test]
fn nothing_is_spent_that_is_not_there() {
    let mut desk = Desk::with_cash("1.00");
    let hold = desk.hold("0.75", NOW);
    let purpose = HoldPurpose::Task;
    let request = HoldRequest {
        id: HoldId::generate(),
        account: desk.account,
        purpose,
        want: usd("0.50"),
        least: usd("0.30"),
        at: NOW,
        until: later(60),
    };
    let outcome = desk.book.hold_open(&request);
    assert_eq!(outcome, Ok(HoldOutcome::Insufficient { available: usd("0.25") }));

    assert_eq!(desk.book.expire(later(60), 10).unwrap().holds, [(hold, usd("0.75"))]);
    let late = desk.charge(Some(hold), "1.20", later(61));
    assert_eq!((late.charged, late.waived()), (usd("1.00"), usd("0.20")));
    assert_eq!(desk.funds(later(61)), shown("0.00", "0.00", "0.00"));
}

#[test]
fn cash_goes_below_zero_as_far_as_the_overdraft() {
    let mut desk = Desk::with_cash("1.00");
    desk.book.overdraft_set(desk.account, usd("0.50"));
    let late = desk.charge(None, "2.00", NOW);
    assert_eq!((late.charged, late.waived()), (usd("1.50"), usd("0.50")));
    assert_eq!(desk.funds(NOW), shown("-0.50", "0.00", "0.00"));

    desk.book.overdraft_set(desk.account, usd("0.10"));
    desk.grant("0.05", 0, None);
    assert_eq!(desk.book.funds(desk.account, NOW).available(), usd("0.05"), "credits still count");
    assert_eq!(desk.charge(None, "0.20", NOW).charged, usd("0.05"));
}

/// Group by group: one entry for an account, rows that add up to it, and nothing for what was free.
#[test]
fn a_group_is_one_entry_and_charges_each_request_once() {
    let mut desk = Desk::with_cash("1.00");
    let hold = desk.hold("0.50", NOW);
    let settlement = |cost: &str| Settlement {
        request: RequestId::generate(NOW),
        account: desk.account,
        at: NOW,
        money: Some(MoneyUse { hold: Some(hold), cost: usd(cost), price_version: 3 }),
        quota: None,
    };
    let free = settlement("0.00");
    let (first, second) = (settlement("0.10"), settlement("0.20"));
    let group = [free.clone(), first.clone(), second.clone(), first.clone()];
    let settled = desk.book.settle(&group).unwrap();
    assert_eq!(settled[1], settled[3]);
    assert_eq!((settled[0].entry, settled[1].entry), (None, settled[2].entry));
    assert_eq!(desk.book.settle(&group).unwrap(), settled, "handed in again, answered as before");

    let entries = desk.book.entries(desk.account, None, 10);
    let settling: Vec<_> = entries.iter().filter(|entry| entry.kind == EntryKind::Settle).collect();
    assert_eq!(settling.len(), 1);
    assert_eq!(settling[0].reference, first.request.to_string());
    let revenue = settling[0].postings.iter().find(|posting| posting.book == BookAccount::Revenue).unwrap();
    assert_eq!(revenue.amount, usd("0.30"));
    assert_eq!(desk.funds(NOW), shown("0.50", "0.00", "0.20"));
}

/// BILL-19: an operator gives a charge back by a reversing entry, once. BILL-15: credits do not become cash.
#[test]
fn a_charge_is_given_back_once_and_credits_as_credits() {
    let mut desk = Desk::with_cash("1.00");
    desk.grant("0.01", 0, None);
    let settled = desk.charge(None, "0.015", NOW);
    let refund = |reference: &str, amount: &str| Refund {
        reference: reference.to_owned(),
        request: settled.request.clone(),
        amount: usd(amount),
        credits: GrantId::generate(),
        at: NOW,
    };
    let first = refund("r1", "0.012");
    assert_eq!(desk.book.refund(&first), Ok(RefundOutcome::Refunded(usd("0.012"))));
    assert_eq!(desk.book.refund(&first), Ok(RefundOutcome::Refunded(usd("0.012"))), "once");
    assert_eq!(desk.funds(NOW), shown("1.00", "0.007", "0.00"), "0.005 was paid in cash");
    let too_much = RefundOutcome::TooMuch { left: usd("0.003") };
    assert_eq!(desk.book.refund(&refund("r2", "0.004")), Ok(too_much));
    assert_eq!(desk.book.refund(&refund("r3", "0.003")), Ok(RefundOutcome::Refunded(usd("0.003"))));
    assert_eq!(desk.funds(NOW), shown("1.00", "0.01", "0.00"));
    assert_eq!(desk.book.settled(&settled.request).unwrap().refunded, usd("0.015"));

    let unknown = Refund { request: RequestId::generate(NOW), ..refund("r4", "0.001") };
    assert_eq!(desk.book.refund(&unknown), Ok(RefundOutcome::NotCharged));
    assert!(desk.book.refund(&refund("r1", "0.001")).is_err(), "that reference is another refund");
}

#[test]
fn a_mistaken_top_up_is_taken_back_if_it_is_still_there() {
    let mut desk = Desk::with_cash("1.00");
    let back = |reference: &str, amount: &str| TopUp {
        reference: reference.to_owned(),
        account: desk.account,
        amount: usd(amount),
        at: NOW,
    };
    let (first, second, third) = (back("b1", "-0.40"), back("b2", "-0.61"), back("order-1", "2.00"));
    assert_eq!(desk.book.top_up(&first), Ok(Applied::Now));
    assert_eq!(desk.book.top_up(&first), Ok(Applied::Before));
    assert_eq!(desk.book.top_up(&second), Ok(Applied::Refused), "0.60 is there");
    assert_eq!(desk.book.top_up(&third), Ok(Applied::Refused), "that order was another amount");
    assert_eq!(desk.funds(NOW), shown("0.60", "0.00", "0.00"));
}
